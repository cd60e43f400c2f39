"""Selective prediction: accuracy when a model may abstain (El-Yaniv & Wiener 2010, JMLR 11)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emosense.evaluation.predictions import Predictions


@dataclass(frozen=True)
class CoverageCurve:
    """Accuracy against coverage when the model may abstain on the images it is least sure of.

    Attributes:
        coverage: (n,) fraction of images that are answered, rising to 1.
        accuracy: (n,) accuracy among them, in 0..1.
        threshold: (n,) top probability of the last answered image, falling.

    >>> predictions = Predictions(
    ...     np.uint8([3, 3, 6]), np.eye(7, dtype=np.float32)[[3, 0, 6]], np.zeros(3, bool)
    ... )
    >>> coverage_curve(predictions).coverage_at(1.0).__round__(3)
    0.333
    """

    coverage: npt.NDArray[np.float64]
    accuracy: npt.NDArray[np.float64]
    threshold: npt.NDArray[np.float64]

    def coverage_at(self, accuracy: float) -> float:
        """Return the largest coverage at this accuracy, in 0..1; 0 if it is never reached."""
        enough = np.flatnonzero(self.accuracy >= accuracy)
        return float(self.coverage[enough[-1]]) if len(enough) else 0.0


def coverage_curve(predictions: Predictions) -> CoverageCurve:
    """Return accuracy against coverage, answering the most confident images first."""
    confidence = predictions.probabilities.max(axis=1).astype(float)
    order = np.argsort(-confidence, kind="stable")
    answered = np.arange(1, len(order) + 1)
    return CoverageCurve(
        answered / len(order), predictions.correct[order].cumsum() / answered, confidence[order]
    )


def selective_accuracy(predictions: Predictions, threshold: float) -> tuple[float, float] | None:
    """Return (coverage, accuracy when answered), both in 0..1; None if nothing is answered.

    Args:
        predictions: calibrated.
        threshold: top probability below which the model abstains.
    """
    sure = predictions.probabilities.max(axis=1) >= threshold
    if not sure.any():
        return None
    return float(sure.mean()), float(predictions.correct[sure].mean())
