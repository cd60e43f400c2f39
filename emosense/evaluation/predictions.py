"""A model's stored predictions on the test splits: the dashboards are computed from them alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS
from emosense.errors import ModelDamaged
from emosense.networks.model_card import PREDICTIONS_FILE
from emosense.networks.registry import TrainedModel
from emosense.networks.temperature_scaling import Calibration

TEST_SPLITS: Final[dict[str, str]] = {"PublicTest": "public", "PrivateTest": "private"}
"""FER2013's parts that predictions are stored for, and their prefix in ``predictions.npz``."""

_ROUNDING: Final = 1e-3

WITHOUT_DUPLICATES: Final = " without copies"
"""Follows a part's name where test images that also stand in Training are left out."""


@dataclass(frozen=True)
class Predictions:
    """A model's predictions on n test images.

    Attributes:
        labels: (n,) uint8 emotion codes.
        probabilities: (n, 7) float32, rows sum to 1; calibrated, unless one asked for raw ones.
        is_duplicate: (n,) bool, whether the image has a pixel-identical copy in Training.
        votes: (n, 7) float32 shares of the FER+ votes, or None; a row of zeros has no votes.

    >>> labels = np.uint8([3, 3, 6])
    >>> probabilities = np.eye(7, dtype=np.float32)[[3, 0, 6]]
    >>> predictions = Predictions(labels, probabilities, np.zeros(3, bool))
    >>> predictions.correct.tolist()
    [True, False, True]
    """

    labels: npt.NDArray[np.uint8]
    probabilities: npt.NDArray[np.float32]
    is_duplicate: npt.NDArray[np.bool_]
    votes: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def predicted(self) -> npt.NDArray[np.intp]:
        """(n,) class indices of the most probable emotions."""
        codes: npt.NDArray[np.intp] = self.probabilities.argmax(axis=1)
        return codes

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """(n,) whether the predicted class is the label."""
        return np.equal(self.predicted, self.labels)

    def calibrated(self, calibration: Calibration) -> Predictions:
        """Return raw predictions as a calibration changes them."""
        return replace(self, probabilities=calibration.apply(self.probabilities))

    def without_duplicates(self) -> Predictions:
        """Return only the images without a duplicate in Training."""
        rows = ~self.is_duplicate
        votes = None if self.votes is None else self.votes[rows]
        return Predictions(
            self.labels[rows], self.probabilities[rows], self.is_duplicate[rows], votes
        )


def read_predictions(
    model: TrainedModel,
    split: str = "PrivateTest",
    *,
    include_duplicates: bool = True,
    raw: bool = False,
) -> Predictions:
    """Read a model's predictions.

    Args:
        model: a model of the registry.
        split: ``PublicTest`` or ``PrivateTest``.
        include_duplicates: keep the images that have a pixel-identical copy in Training.
        raw: return the network's own probabilities, before calibration.

    Raises:
        ModelDamaged: the model has no (undamaged) predictions for the part.
        ValueError: another part.
    """
    if split not in TEST_SPLITS:
        raise ValueError(f"Expected a split of {', '.join(TEST_SPLITS)}. Received: {split!r}")
    arrays, prefix = model.predictions(), TEST_SPLITS[split]
    try:
        predictions = Predictions(
            arrays[f"{prefix}_labels"],
            arrays[f"{prefix}_probabilities"],
            arrays[f"{prefix}_copy"],
            arrays.get(f"{prefix}_votes"),
        )
    except KeyError:
        raise ModelDamaged(f"The model {model.name!r} has no predictions for {split}.") from None
    for name, expected, is_valid in _checks(predictions):
        if not is_valid:
            raise ModelDamaged(
                f"{model.folder / PREDICTIONS_FILE}: {prefix}_{name}: expected {expected}. "
                f"Received: {_describe(arrays[f'{prefix}_{name}'])}"
            )
    if not raw:
        predictions = predictions.calibrated(model.calibration)
    return predictions if include_duplicates else predictions.without_duplicates()


def _checks(predictions: Predictions) -> Iterator[tuple[str, str, bool]]:
    """Yield (array, what is expected of it, whether it is so); labels come first."""
    labels, probabilities, votes = predictions.labels, predictions.probabilities, predictions.votes
    n, classes = len(predictions.probabilities), len(EMOTIONS)
    of_faces = (n, classes)
    yield (
        "probabilities",
        f"numbers of shape (n, {classes}) in 0..1 whose rows sum to 1",
        probabilities.shape == of_faces
        and np.issubdtype(probabilities.dtype, np.floating)
        and bool(np.isfinite(probabilities).all())
        and bool((np.abs(probabilities.sum(axis=1) - 1) < _ROUNDING).all())
        and bool((probabilities >= 0).all()),
    )
    yield (
        "labels",
        f"whole numbers of shape ({n},) in 0..{classes - 1}",
        labels.shape == (n,)
        and np.issubdtype(labels.dtype, np.integer)
        and bool(((labels >= 0) & (labels < classes)).all()),
    )
    yield (
        "copy",
        f"booleans of shape ({n},)",
        predictions.is_duplicate.shape == (n,) and predictions.is_duplicate.dtype == bool,
    )
    if votes is not None:
        yield (
            "votes",
            f"numbers of shape {of_faces} that are 0 or more",
            votes.shape == of_faces
            and np.issubdtype(votes.dtype, np.number)
            and bool((votes >= 0).all())
            and bool(np.isfinite(votes).all()),
        )


def _describe(array: npt.NDArray[Any]) -> str:
    return f"{array.dtype} of shape {array.shape}"


def ferplus_agreement(predictions: Predictions) -> float | None:
    """Return the fraction of predictions that FER+'s annotators chose most often; None without votes.

    Over the images with votes for at least one of the seven classes; among equal votes the
    class that comes first in FER2013's order counts. Source: Barsoum et al. 2016,
    arXiv:1608.01041.
    """
    if predictions.votes is None:
        return None
    usable = predictions.votes.sum(axis=1) > 0
    if not usable.any():
        return None
    majority = predictions.votes[usable].argmax(axis=1)
    return float((predictions.predicted[usable] == majority).mean())
