"""How far a model's own confidence can be believed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emosense.evaluation.metrics import ECE_BINS, confidence_bins
from emosense.evaluation.predictions import Predictions


@dataclass(frozen=True)
class ReliabilityBin:
    """The images whose top probability lies in (low, high].

    Attributes:
        low: lower edge, in 0..1.
        high: upper edge.
        images: how many; the other two are NaN where there are none.
        confidence: their mean top probability.
        accuracy: their share of right answers.
    """

    low: float
    high: float
    images: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class CoverageCurve:
    """What is gained when the model may abstain on the images it is least sure of.

    Attributes:
        coverage: (n,) share of images that are answered, rising to 1.
        accuracy: (n,) share of right answers among them.
        threshold: (n,) top probability from which on an image is answered, falling.
    """

    coverage: npt.NDArray[np.float64]
    accuracy: npt.NDArray[np.float64]
    threshold: npt.NDArray[np.float64]

    def coverage_at(self, accuracy: float) -> float:
        """Return the largest share of images that can be answered at this accuracy, or 0."""
        enough = np.flatnonzero(self.accuracy >= accuracy)
        return float(self.coverage[enough[-1]]) if len(enough) else 0.0


def reliability(predictions: Predictions, bins: int = ECE_BINS) -> tuple[ReliabilityBin, ...]:
    """Return the bins of a reliability diagram; ECE is their weighted mean gap.

    Source: Guo et al. 2017, arXiv:1706.04599.
    """
    confidence = predictions.probabilities.max(axis=1).astype(float)
    index, right = confidence_bins(confidence, bins), predictions.right
    found = []
    for number in range(bins):
        rows = index == number
        images = int(rows.sum())
        found.append(
            ReliabilityBin(
                number / bins,
                (number + 1) / bins,
                images,
                float(confidence[rows].mean()) if images else float("nan"),
                float(right[rows].mean()) if images else float("nan"),
            )
        )
    return tuple(found)


def coverage_curve(predictions: Predictions) -> CoverageCurve:
    """Return accuracy against coverage, answering the surest images first."""
    confidence = predictions.probabilities.max(axis=1).astype(float)
    order = np.argsort(-confidence, kind="stable")
    answered = np.arange(1, len(order) + 1)
    return CoverageCurve(
        answered / len(order), predictions.right[order].cumsum() / answered, confidence[order]
    )


def sure_answers(predictions: Predictions, threshold: float) -> tuple[float, float] | None:
    """Return (share of images answered, share of those that is right), or None without any.

    Args:
        predictions: calibrated.
        threshold: top probability from which on an answer is sure.
    """
    sure = predictions.probabilities.max(axis=1) >= threshold
    if not sure.any():
        return None
    return float(sure.mean()), float(predictions.right[sure].mean())


def ferplus_agreement(predictions: Predictions) -> float | None:
    """Return the share of answers that FER+'s annotators chose most often, or None without votes.

    Over the images with votes for at least one of the seven classes; among equal votes the
    class that comes first in FER2013's order counts. Source: Barsoum et al. 2016,
    arXiv:1608.01041.
    """
    if predictions.votes is None:
        return None
    usable = predictions.votes.sum(axis=1) > 0
    if not usable.any():
        return None
    chosen = predictions.votes[usable].argmax(axis=1)
    return float((predictions.answers[usable] == chosen).mean())
