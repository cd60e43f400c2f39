"""Results that the paper reports for its networks, trained by the paper's own recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class PaperResults:
    """Test metrics of a network in *EmoSense: Machine Learning for Real-Time Facial Expression Analysis*.

    Attributes:
        accuracy: test accuracy, in 0..1.
        macro_precision: mean precision of the seven classes, in 0..1.
        macro_recall: mean recall of the seven classes, in 0..1.
        macro_f1: mean F1 score of the seven classes, in 0..1.
        splits: (accuracy in 0..1, loss in nats) on ``Training``, ``PublicTest`` and ``PrivateTest``,
            as in Table I; empty for networks that the table lacks.

    >>> PAPER_RESULTS["cnn8"].splits["PublicTest"]
    (0.628, 0.9)
    """

    accuracy: float
    macro_precision: float
    macro_recall: float
    macro_f1: float
    splits: Mapping[str, tuple[float, float]] = field(default_factory=dict)


PAPER_RESULTS: Final = {
    "cnn4": PaperResults(0.540, 0.408, 0.524, 0.450),
    "cnn8": PaperResults(
        0.6222,
        0.6627,
        0.6049,
        0.6133,
        {"Training": (0.645, 0.85), "PublicTest": (0.628, 0.90), "PrivateTest": (0.622, 0.92)},
    ),
    "cnn10": PaperResults(0.273, 0.264, 0.283, 0.258),
}
"""Results by architecture."""
