"""Selective prediction: accuracy when a model may abstain (El-Yaniv & Wiener 2010, JMLR 11)."""

from __future__ import annotations

import math
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


@dataclass(frozen=True)
class QualityThird:
    """Selective prediction on a third of a set of faces, by their quality score.

    Attributes:
        faces: number of faces.
        accuracy: fraction of correct predictions, in 0..1.
        coverage: fraction of faces on which the model does not abstain, in 0..1.
        selective_accuracy: fraction of correct predictions on these, in 0..1; NaN if there are none.

    >>> QualityThird(faces=100, accuracy=0.5, coverage=0.4, selective_accuracy=0.75).coverage
    0.4
    """

    faces: int
    accuracy: float
    coverage: float
    selective_accuracy: float


def quality_thirds(
    predictions: Predictions, calibration: Calibration
) -> tuple[QualityThird, QualityThird, QualityThird] | None:
    """Split faces by their quality scores into thirds, and let the model abstain in each.

    Args:
        predictions: calibrated predictions.
        calibration: decides where the model abstains.

    Returns:
        The worst, the middle and the best third; None if quality was not measured, or for less than
        three faces.
    """
    scores = predictions.scores
    if scores is None or len(scores) < 3:
        return None
    sure, correct = predictions.sure(calibration), predictions.correct
    worst, middle, best = (
        QualityThird(
            len(rows),
            float(correct[rows].mean()),
            float(sure[rows].mean()),
            float(correct[rows][sure[rows]].mean()) if sure[rows].any() else math.nan,
        )
        for rows in np.array_split(np.argsort(scores, kind="stable"), 3)
    )
    return worst, middle, best
