"""Reliability diagrams: accuracy against confidence."""

from __future__ import annotations

from dataclasses import dataclass

from emosense.evaluation.metrics import ECE_BINS, confidence_bins
from emosense.evaluation.predictions import Predictions


@dataclass(frozen=True)
class ReliabilityBin:
    """One bin of a reliability diagram: the images whose top probability is in (low, high].

    Attributes:
        low: lower edge, in 0..1.
        high: upper edge, in 0..1.
        images: number of images; confidence and accuracy are NaN if it is 0.
        confidence: mean top probability of the images, in 0..1.
        accuracy: fraction of correct predictions, in 0..1.

    >>> overconfident = ReliabilityBin(0.6, 0.7, images=40, confidence=0.66, accuracy=0.55)
    >>> round(overconfident.confidence - overconfident.accuracy, 2)
    0.11
    """

    low: float
    high: float
    images: int
    confidence: float
    accuracy: float


def reliability_bins(predictions: Predictions, bins: int = ECE_BINS) -> tuple[ReliabilityBin, ...]:
    """Compute the equal-width bins of a reliability diagram.

    The expected calibration error is the mean absolute difference between confidence and
    accuracy of the bins, weighted by their images. Source: Guo et al. 2017, arXiv:1706.04599.
    """
    confidence = predictions.probabilities.max(axis=1).astype(float)
    bin_index, correct = confidence_bins(confidence, bins), predictions.correct
    result = []
    for number in range(bins):
        rows = bin_index == number
        images = int(rows.sum())
        result.append(
            ReliabilityBin(
                number / bins,
                (number + 1) / bins,
                images,
                float(confidence[rows].mean()) if images else float("nan"),
                float(correct[rows].mean()) if images else float("nan"),
            )
        )
    return tuple(result)
