"""Selective prediction: accuracy when a model may abstain (El-Yaniv & Wiener 2010, JMLR 11)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emosense.evaluation.predictions import Predictions
from emosense.networks.temperature_scaling import Calibration


@dataclass(frozen=True)
class CoverageCurve:
    """Risk-coverage curve, as accuracy (1 - risk) against coverage.

    Attributes:
        coverage: (n,) fraction of images without abstention, increasing to 1.
        accuracy: (n,) fraction of correct predictions on these images, in 0..1.
        threshold: (n,) lowest top probability at which the model does not abstain, decreasing.

    >>> CoverageCurve(np.array([0.5, 1]), np.array([0.9, 0.6]), np.array([0.8, 0.3])).coverage_at(0.75)
    0.5
    """

    coverage: npt.NDArray[np.float64]
    accuracy: npt.NDArray[np.float64]
    threshold: npt.NDArray[np.float64]

    def coverage_at(self, accuracy: float) -> float:
        """Return the highest coverage with at least this accuracy; 0 if none has it."""
        reached = np.flatnonzero(self.accuracy >= accuracy)
        return float(self.coverage[reached[-1]]) if len(reached) else 0.0


def coverage_curve(predictions: Predictions) -> CoverageCurve:
    """Compute accuracy against coverage; coverage grows by decreasing top probability."""
    confidence = predictions.probabilities.max(axis=1).astype(float)
    order = np.argsort(-confidence, kind="stable")
    accepted = np.arange(1, len(order) + 1)
    return CoverageCurve(
        accepted / len(order), predictions.correct[order].cumsum() / accepted, confidence[order]
    )


def selective_accuracy(
    predictions: Predictions, calibration: Calibration
) -> tuple[float, float] | None:
    """Compute coverage and accuracy of a model that abstains.

    Args:
        predictions: calibrated predictions.
        calibration: decides where the model abstains.

    Returns:
        (coverage, accuracy of the accepted predictions), both in 0..1; None if it always abstains.
    """
    accepted = predictions.sure(calibration)
    if not accepted.any():
        return None
    return float(accepted.mean()), float(predictions.correct[accepted].mean())
