"""Reliability diagrams: does a confidence of 70 % mean 70 %?"""

from __future__ import annotations

from dataclasses import dataclass

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
        accuracy: their accuracy, in 0..1.

    >>> ReliabilityBin(low=0.6, high=0.7, images=120, confidence=0.65, accuracy=0.66).images
    120
    """

    low: float
    high: float
    images: int
    confidence: float
    accuracy: float


def reliability_bins(predictions: Predictions, bins: int = ECE_BINS) -> tuple[ReliabilityBin, ...]:
    """Return the bins of a reliability diagram; ECE is their weighted mean gap.

    Source: Guo et al. 2017, arXiv:1706.04599.
    """
    confidence = predictions.probabilities.max(axis=1).astype(float)
    index, right = confidence_bins(confidence, bins), predictions.correct
    reliability = []
    for number in range(bins):
        rows = index == number
        images = int(rows.sum())
        reliability.append(
            ReliabilityBin(
                number / bins,
                (number + 1) / bins,
                images,
                float(confidence[rows].mean()) if images else float("nan"),
                float(right[rows].mean()) if images else float("nan"),
            )
        )
    return tuple(reliability)
