"""A model's stored predictions on the test splits, the input of all dashboards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS
from emosense.errors import ModelDamaged
from emosense.faces.quality_score import quality_scores
from emosense.networks.model_card import PREDICTIONS_FILE
from emosense.networks.registry import TrainedModel
from emosense.networks.temperature_scaling import Calibration

TEST_SPLITS: Final[dict[str, str]] = {"PublicTest": "public", "PrivateTest": "private"}
"""FER2013's splits with stored predictions, and their prefixes in ``predictions.npz``."""

CORRUPTIONS: Final = (
    "scale",
    "blur",
    "motion blur",
    "dark",
    "bright",
    "noise",
    "jpeg",
    "occlusion",
    "rotation",
    "cut off",
)
"""Names of the corruptions of degraded faces (:mod:`emosense.evaluation.corruptions`)."""

SEVERITIES: Final = 5
"""Number of their severities, from 1."""

_SUM_TOLERANCE: Final = 1e-3

WITHOUT_DUPLICATES: Final = " without copies"
"""Suffix of a split's name for its images without a duplicate in Training."""


@dataclass(frozen=True)
class Predictions:
    """Predictions of a model on n test images.

    Attributes:
        labels: (n,) uint8 class indices.
        probabilities: (n, 7) float32, rows sum to 1; calibrated, unless raw ones were requested.
        is_duplicate: (n,) bool, whether the image has a pixel-identical duplicate in Training.
        votes: (n, 7) float32 fractions of the FER+ votes, or None without FER+; a row of zeros
            is an image without usable votes.
        quality: (n, 8) float32 measures of each face, see
            :func:`emosense.faces.quality_score.quality_scores`; None if they are not stored.

    >>> probabilities = np.eye(7, dtype=np.float32)[[3, 6]]
    >>> predictions = Predictions(np.uint8([3, 0]), probabilities, np.zeros(2, bool))
    >>> predictions.correct.tolist()
    [True, False]
    """

    labels: npt.NDArray[np.uint8]
    probabilities: npt.NDArray[np.float32]
    is_duplicate: npt.NDArray[np.bool_]
    votes: npt.NDArray[np.float32] | None = None
    quality: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def predicted(self) -> npt.NDArray[np.intp]:
        """(n,) indices of the predicted, i.e. most probable, classes."""
        class_indices: npt.NDArray[np.intp] = self.probabilities.argmax(axis=1)
        return class_indices

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """(n,) whether the predicted class is the label."""
        return np.equal(self.predicted, self.labels)

    @property
    def scores(self) -> npt.NDArray[np.float64] | None:
        """(n,) quality scores in 0..1; None without ``quality``."""
        return None if self.quality is None else quality_scores(self.quality)

    @property
    def found(self) -> npt.NDArray[np.bool_] | None:
        """(n,) where the detector found the face, so that its angles are known; None without ``quality``."""
        return None if self.quality is None else np.isfinite(self.quality[:, 4])

    def calibrated(self, calibration: Calibration) -> Predictions:
        """Return these raw predictions with calibrated probabilities."""
        return replace(self, probabilities=calibration.apply(self.probabilities, self.scores))

    def sure(self, calibration: Calibration) -> npt.NDArray[np.bool_]:
        """(n,) where the model does not abstain; for calibrated predictions."""
        return calibration.sure(self.probabilities, self.scores)

    def rows(self, selected: npt.NDArray[Any]) -> Predictions:
        """Return the predictions of some images.

        Args:
            selected: (n,) bool, or indices.
        """
        return Predictions(
            self.labels[selected],
            self.probabilities[selected],
            self.is_duplicate[selected],
            None if self.votes is None else self.votes[selected],
            None if self.quality is None else self.quality[selected],
        )

    def without_duplicates(self) -> Predictions:
        """Return the predictions of the images without a duplicate in Training."""
        return self.rows(~self.is_duplicate)


@dataclass(frozen=True)
class DegradedPredictions:
    """Predictions of a model on degraded faces of a test split.

    Attributes:
        predictions: of the degraded faces, with their quality.
        images: (n,) uint32 (uint16 in older files), the image of the split that a face was made from.
        corruptions: (n,) uint8 indices in :data:`CORRUPTIONS`.
        severities: (n,) uint8, in 1..5.
        found: (n,) bool, whether the detector found the face.

    >>> DegradedPredictions.__name__
    'DegradedPredictions'
    """

    predictions: Predictions
    images: npt.NDArray[np.unsignedinteger[Any]]
    corruptions: npt.NDArray[np.uint8]
    severities: npt.NDArray[np.uint8]
    found: npt.NDArray[np.bool_]

    def rows(self, selected: npt.NDArray[Any]) -> DegradedPredictions:
        """Return the predictions of some degraded faces.

        Args:
            selected: (n,) bool, or indices.
        """
        return DegradedPredictions(
            self.predictions.rows(selected),
            self.images[selected],
            self.corruptions[selected],
            self.severities[selected],
            self.found[selected],
        )

    def without_duplicates(self) -> DegradedPredictions:
        """Return the predictions of the images without a duplicate in Training."""
        return self.rows(~self.predictions.is_duplicate)


def read_predictions(
    model: TrainedModel,
    split: str = "PrivateTest",
    *,
    include_duplicates: bool = True,
    raw: bool = False,
) -> Predictions:
    """Read and validate a model's predictions.

    Args:
        model: a model of the registry.
        split: ``PublicTest`` or ``PrivateTest``.
        include_duplicates: include images with a pixel-identical duplicate in Training.
        raw: return uncalibrated probabilities.

    Raises:
        ModelDamaged: the predictions of the split are missing or invalid.
        ValueError: ``split`` is none of :data:`TEST_SPLITS`.
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
            arrays.get(f"{prefix}_quality"),
        )
    except KeyError:
        raise ModelDamaged(f"The model {model.name!r} has no predictions for {split}.") from None
    _require_valid(predictions, model, prefix)
    if not raw:
        predictions = predictions.calibrated(model.calibration)
    return predictions if include_duplicates else predictions.without_duplicates()


def read_degraded(
    model: TrainedModel, split: str = "PrivateTest", *, raw: bool = False
) -> DegradedPredictions | None:
    """Read a model's predictions on degraded faces.

    Args:
        model: a model of the registry.
        split: ``PublicTest`` or ``PrivateTest``.
        raw: return uncalibrated probabilities.

    Returns:
        The predictions; None if the model has none.

    Raises:
        ModelDamaged: they are invalid.
        ValueError: ``split`` is none of :data:`TEST_SPLITS`.
    """
    natural = read_predictions(model, split, raw=True)
    arrays, prefix = model.predictions(), f"{TEST_SPLITS[split]}_degraded"
    if f"{prefix}_images" not in arrays:
        return None
    names = ("probabilities", "images", "corruptions", "severities", "found", "quality")
    try:
        probabilities, images, corruptions, severities, found, quality = (
            arrays[f"{prefix}_{name}"] for name in names
        )
        predictions = Predictions(
            natural.labels[images], probabilities, natural.is_duplicate[images], None, quality
        )
        if not len(corruptions) == len(severities) == len(found) == len(images):
            raise ValueError
        if corruptions.max(initial=0) >= len(CORRUPTIONS) or severities.max(initial=1) > SEVERITIES:
            raise ValueError
    except (KeyError, IndexError, ValueError, TypeError):
        raise ModelDamaged(
            f"{model.folder / PREDICTIONS_FILE}: {prefix}: expected arrays {', '.join(names)} of "
            "one length. Received: something else"
        ) from None
    _require_valid(predictions, model, prefix)
    if not raw:
        predictions = predictions.calibrated(model.calibration)
    return DegradedPredictions(predictions, images, corruptions, severities, found)


def _require_valid(predictions: Predictions, model: TrainedModel, prefix: str) -> None:
    for name, expected, is_valid in _checks(predictions):
        if not is_valid:
            array = model.predictions().get(f"{prefix}_{name}")
            raise ModelDamaged(
                f"{model.folder / PREDICTIONS_FILE}: {prefix}_{name}: expected {expected}. "
                f"Received: {'nothing' if array is None else _describe(array)}"
            )


def _checks(predictions: Predictions) -> Iterator[tuple[str, str, bool]]:
    """Yield (array name, expected content, whether the array is valid) for each array."""
    labels, probabilities = predictions.labels, predictions.probabilities
    is_duplicate, votes = predictions.is_duplicate, predictions.votes
    n, classes = len(probabilities), len(EMOTIONS)
    shape = (n, classes)
    yield (
        "probabilities",
        f"numbers of shape (n, {classes}) in 0..1 whose rows sum to 1",
        probabilities.shape == shape
        and np.issubdtype(probabilities.dtype, np.floating)
        and bool(np.isfinite(probabilities).all())
        and bool((np.abs(probabilities.sum(axis=1) - 1) < _SUM_TOLERANCE).all())
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
        is_duplicate.shape == (n,) and is_duplicate.dtype == bool,
    )
    if votes is not None:
        yield (
            "votes",
            f"numbers of shape {shape} that are 0 or more",
            votes.shape == shape
            and np.issubdtype(votes.dtype, np.number)
            and bool((votes >= 0).all())
            and bool(np.isfinite(votes).all()),
        )
    if (quality := predictions.quality) is not None:
        yield (
            "quality",
            f"numbers of shape ({n}, 8)",
            quality.shape == (n, 8) and np.issubdtype(quality.dtype, np.floating),
        )


def _describe(array: npt.NDArray[Any]) -> str:
    return f"{array.dtype} of shape {array.shape}"


def ferplus_agreement(predictions: Predictions) -> float | None:
    """Return the accuracy with the majority vote of FER+'s annotators as the label, in 0..1.

    Images without votes for any of the seven classes are ignored. On a tie the class that comes
    first in FER2013's order is the majority. Source: Barsoum et al. 2016, arXiv:1608.01041.

    Returns:
        The accuracy, or None if no image has votes.
    """
    if predictions.votes is None:
        return None
    usable = predictions.votes.sum(axis=1) > 0
    if not usable.any():
        return None
    majority = predictions.votes[usable].argmax(axis=1)
    return float((predictions.predicted[usable] == majority).mean())
