"""A model's stored answers on the test parts: all that the dashboards are computed from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from emosense.errors import ModelDamaged
from emosense.networks.calibration import Calibration
from emosense.networks.registry import TrainedModel

TEST_PARTS: Final[dict[str, str]] = {"PublicTest": "public", "PrivateTest": "private"}
"""FER2013's parts that predictions are stored for, and their prefix in ``predictions.npz``."""

WITHOUT_COPIES: Final = " without copies"
"""Follows a part's name where test images that also stand in Training are left out."""


@dataclass(frozen=True)
class Predictions:
    """What a model answered on n test images.

    Attributes:
        labels: (n,) uint8 emotion codes.
        probabilities: (n, 7) float32, rows sum to 1; calibrated, unless one asked for raw ones.
        copy: (n,) bool, whether the image has a pixel-identical copy in Training.
        votes: (n, 7) float32 shares of the FER+ votes, or None; a row of zeros has no votes.
    """

    labels: npt.NDArray[np.uint8]
    probabilities: npt.NDArray[np.float32]
    copy: npt.NDArray[np.bool_]
    votes: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def answers(self) -> npt.NDArray[np.intp]:
        """(n,) codes of the most probable emotions."""
        codes: npt.NDArray[np.intp] = self.probabilities.argmax(axis=1)
        return codes

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """(n,) whether the answer is the label."""
        return np.equal(self.answers, self.labels)

    def calibrated(self, calibration: Calibration) -> Predictions:
        """Return raw predictions as a calibration changes them."""
        return replace(self, probabilities=calibration.apply(self.probabilities))

    def without_copies(self) -> Predictions:
        """Return only the images without a copy in Training."""
        rows = ~self.copy
        votes = None if self.votes is None else self.votes[rows]
        return Predictions(self.labels[rows], self.probabilities[rows], self.copy[rows], votes)


def read_predictions(
    model: TrainedModel, part: str = "PrivateTest", *, copies: bool = True, raw: bool = False
) -> Predictions:
    """Read a model's predictions.

    Args:
        model: from the registry.
        part: ``PublicTest`` or ``PrivateTest``.
        copies: keep the images that have a pixel-identical copy in Training.
        raw: as the network gives them, before calibration.

    Raises:
        ModelDamaged: the model has no (undamaged) predictions for the part.
        ValueError: another part.
    """
    if part not in TEST_PARTS:
        raise ValueError(f"Expected a part of {', '.join(TEST_PARTS)}. Received: {part!r}")
    arrays, prefix = model.predictions(), TEST_PARTS[part]
    try:
        found = Predictions(
            arrays[f"{prefix}_labels"],
            arrays[f"{prefix}_probabilities"],
            arrays[f"{prefix}_copy"],
            arrays.get(f"{prefix}_votes"),
        )
    except KeyError:
        raise ModelDamaged(f"The model {model.name!r} has no predictions for {part}.") from None
    if not raw:
        found = found.calibrated(model.calibration)
    return found if copies else found.without_copies()
