"""Classification metrics from labels and probabilities alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS

ECE_BINS: Final = 15


@dataclass(frozen=True)
class ClassMetrics:
    """One class: precision, recall and F1 in 0..1 (0 where undefined) and its images."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Metrics:
    """How a model did on a set of images.

    Attributes:
        images: how many.
        loss: mean categorical cross-entropy, in nats.
        accuracy: share of right top answers, in 0..1.
        macro_precision: unweighted mean over the seven classes; likewise the next two.
        macro_recall: see above.
        macro_f1: see above.
        ece: expected calibration error, 15 equal-width bins of the top probability (Guo et
            al. 2017, arXiv:1706.04599).
        per_class: by emotion name.
        confusion: 7x7 counts, rows are the true classes, columns the answers.
    """

    images: int
    loss: float
    accuracy: float
    macro_precision: float
    macro_recall: float
    macro_f1: float
    ece: float
    per_class: dict[str, ClassMetrics]
    confusion: list[list[int]]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, as cards hold it."""
        return asdict(self)


def measure(labels: npt.NDArray[np.integer], probabilities: npt.NDArray[np.floating]) -> Metrics:
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
    answers = probabilities.argmax(axis=1)
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (labels.astype(np.intp), answers), 1)
    hits = confusion.diagonal().astype(float)
    support, answered = confusion.sum(axis=1), confusion.sum(axis=0)
    precision = ratio(hits, answered.astype(float))
    recall = ratio(hits, support.astype(float))
    f1 = ratio(2 * precision * recall, precision + recall)
    chosen = probabilities[np.arange(n), labels.astype(np.intp)].astype(float)
    return Metrics(
        images=n,
        loss=float(-np.log(np.clip(chosen, 1e-7, 1.0)).mean()),
        accuracy=float(hits.sum() / n),
        macro_precision=float(precision.mean()),
        macro_recall=float(recall.mean()),
        macro_f1=float(f1.mean()),
        ece=expected_calibration_error(labels, probabilities),
        per_class={
            name: ClassMetrics(float(p), float(r), float(f), int(s))
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


def ratio(over: npt.NDArray[np.float64], under: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Divide; 0 where the divisor is 0."""
    return np.divide(over, under, out=np.zeros_like(over), where=under > 0)
