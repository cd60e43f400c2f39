"""What makes a network's confidence mean something, kept in its card."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from emosense.formatting import percent

_SMALLEST = 1e-12


@dataclass(frozen=True)
class Calibration:
    """How raw probabilities become ones that can be believed, and when to say "unsure".

    The defaults change nothing and are never unsure: a model that was not calibrated.

    Attributes:
        temperature: the logits are divided by it (Guo et al. 2017, arXiv:1706.04599); above 1
            the network was too sure of itself.
        threshold: calibrated probability from which on an answer counts as sure; above 1 no
            answer does.
        accuracy: share of right answers that the threshold was chosen for, in 0..1.
        coverage: share of the images it was chosen on that are answered surely, in 0..1.
        part: the images that all of it was fitted on.
    """

    temperature: float = 1.0
    threshold: float = 0.0
    accuracy: float = 0.0
    coverage: float = 1.0
    part: str = ""

    def apply(self, probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return calibrated probabilities: (n, 7) float32, rows sum to 1, the same top class."""
        if self.temperature == 1.0:
            return probabilities
        logits = np.log(np.maximum(probabilities.astype(np.float64), _SMALLEST))
        logits = (logits - logits.max(axis=1, keepdims=True)) / self.temperature
        shares = np.exp(logits)
        shares /= shares.sum(axis=1, keepdims=True)
        return np.asarray(shares, np.float32)

    def told(self, faces: str) -> str:
        """Say when the model is unsure, and what its "sure" is meant to be worth.

        Args:
            faces: what the threshold was chosen on, in words, e.g. ``validation faces of FER2013``.
        """
        if not self.threshold:
            return "Its confidence was not calibrated."
        if self.threshold > 1:
            return "It is never sure: no share of its answers is right often enough."
        return (
            f"Below {percent(self.threshold)} it says unsure; chosen so that from there on "
            f"{percent(self.accuracy)} of its answers on {faces} are right."
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, as the card holds it."""
        return asdict(self)
