"""Classification metrics from labels and probabilities alone."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS
from emosense.networks.model_card import ClassMetrics, Metrics

ECE_BINS: Final = 15


def compute_metrics(
    labels: npt.NDArray[np.integer], probabilities: npt.NDArray[np.floating]
) -> Metrics:
    """Compute all metrics.

    Args:
        labels: (n,) class codes, n at least 1.
        probabilities: (n, 7), rows sum to 1.

    Raises:
        ValueError: shapes that do not fit, or no image.
    """
    n, classes = len(labels), len(EMOTIONS)
    if n == 0 or probabilities.shape != (n, classes):
        raise ValueError(
            f"Expected n >= 1 labels and probabilities of shape (n, {classes}). "
            f"Received: {labels.shape} and {probabilities.shape}"
        )
    predicted = probabilities.argmax(axis=1)
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (labels.astype(np.intp), predicted), 1)
    hits = confusion.diagonal().astype(float)
    support, answered = confusion.sum(axis=1), confusion.sum(axis=0)
    precision = safe_divide(hits, answered.astype(float))
    recall = safe_divide(hits, support.astype(float))
    f1 = safe_divide(2 * precision * recall, precision + recall)
    of_label = probabilities[np.arange(n), labels.astype(np.intp)].astype(float)
    return Metrics(
        images=n,
        loss=float(-np.log(np.clip(of_label, 1e-7, 1.0)).mean()),
        accuracy=float(hits.sum() / n),
        macro_precision=float(precision.mean()),
        macro_recall=float(recall.mean()),
        macro_f1=float(f1.mean()),
        ece=expected_calibration_error(labels, probabilities),
        per_class={
            name: ClassMetrics(precision=float(p), recall=float(r), f1=float(f), support=int(s))
            for name, p, r, f, s in zip(EMOTIONS, precision, recall, f1, support, strict=True)
        },
        confusion=confusion.tolist(),
    )


def expected_calibration_error(
    labels: npt.NDArray[np.integer], probabilities: npt.NDArray[np.floating], bins: int = ECE_BINS
) -> float:
    """Return the mean gap between confidence and accuracy over equal-width bins, in 0..1."""
    confidence = probabilities.max(axis=1).astype(float)
    right = probabilities.argmax(axis=1) == labels
    index = confidence_bins(confidence, bins)
    gaps = np.bincount(index, weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))


def confidence_bins(confidence: npt.NDArray[np.float64], bins: int) -> npt.NDArray[np.intp]:
    """Return the equal-width bin of each value in 0..1; bins are open below, closed above."""
    return np.clip(np.ceil(confidence * bins).astype(np.intp) - 1, 0, bins - 1)


def safe_divide(
    over: npt.NDArray[np.float64], under: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Divide; 0 where the divisor is 0."""
    return np.divide(over, under, out=np.zeros_like(over), where=under > 0)
