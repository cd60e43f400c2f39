"""A test set of labelled photos: its rows, faces and predictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from emosense.emotions import INPUT_SIZE
from emosense.evaluation.predictions import Predictions
from emosense.results import FaceQuality

Outcome = Literal[
    "one face",
    "several faces",
    "cropped face",
    "no face",
    "not readable",
    "class left out",
    "no label",
    "not measured",
]

USED: Final[tuple[Outcome, ...]] = ("one face", "several faces", "cropped face")
"""Outcomes of the photos whose face is in the test set."""


@dataclass(frozen=True)
class MeasuredFace:
    """The face of a labelled photo, as the networks see it.

    Attributes:
        faces: number of faces that were found; the largest is used. 1 for a picture that is a cropped
            face already.
        width: width of the upright picture, in pixels.
        height: height of the upright picture, in pixels.
        crop: (48, 48) uint8 grey; None without a face.
        quality: quality of the face; None without a face.
        picture: the face with a margin as a JPEG file, for display; empty without a face.

    >>> MeasuredFace(0, 640, 480).crop is None
    True
    """

    faces: int
    width: int
    height: int
    crop: npt.NDArray[np.uint8] | None = None
    quality: FaceQuality | None = None
    picture: bytes = b""


@dataclass(frozen=True)
class PhotoRow:
    """A labelled photo and what became of it.

    Attributes:
        name: name of the photo.
        class_name: its class as the data set gives it; empty if it has none.
        emotion: the emotion that the class was mapped to; empty if it was mapped to none.
        outcome: what became of it; one of :data:`USED` if its face is in the test set.
        message: why it could not be read; else empty.
        faces: number of faces that were found; None if it was not looked for any.
        width: width of the upright picture, in pixels; None if it was not read.
        height: height of the upright picture, in pixels; None if it was not read.

    >>> PhotoRow("a.jpg", "joy", "happy", "no face", faces=0).is_used
    False
    """

    name: str
    class_name: str
    emotion: str
    outcome: Outcome
    message: str = ""
    faces: int | None = None
    width: int | None = None
    height: int | None = None

    @property
    def is_used(self) -> bool:
        """Whether its face is in the test set."""
        return self.outcome in USED


@dataclass(frozen=True)
class EvaluationSet:
    """A test set with the raw predictions of some networks.

    Attributes:
        title: name of the test set.
        rows: all labelled photos, also those without a face in the set.
        used: (n,) indices of the rows whose face is in the set, in order.
        crops: (n, 48, 48) uint8 grey.
        labels: (n,) uint8 class indices.
        quality: (n, 8) float32, the fields of :class:`emosense.results.FaceQuality` but the score.
        pictures: n JPEG files for display; empty if the crops are all that there is.
        probabilities: (n, 7) float32 uncalibrated probabilities by the name of the network.
        notes: what was not used, in words.

    >>> empty = EvaluationSet("album", (), np.zeros(0, np.intp))
    >>> len(empty), empty.probabilities
    (0, {})
    """

    title: str
    rows: tuple[PhotoRow, ...]
    used: npt.NDArray[np.intp]
    crops: npt.NDArray[np.uint8] = field(
        default_factory=lambda: np.zeros((0, INPUT_SIZE, INPUT_SIZE), np.uint8)
    )
    labels: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    quality: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 8), np.float32))
    pictures: tuple[bytes, ...] = ()
    probabilities: Mapping[str, npt.NDArray[np.float32]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.used)

    @property
    def counts(self) -> dict[Outcome, int]:
        """Number of photos by outcome, without those that are 0."""
        counts = Counter(row.outcome for row in self.rows)
        return {outcome: counts[outcome] for outcome in get_args(Outcome) if counts[outcome]}

    @property
    def faceless(self) -> int:
        """Number of photos of the seven classes in which no face was found."""
        return self.counts.get("no face", 0)

    @property
    def size(self) -> int:
        """About how much memory it takes, in bytes."""
        arrays = self.crops.nbytes + self.labels.nbytes + self.quality.nbytes
        arrays += sum(probabilities.nbytes for probabilities in self.probabilities.values())
        texts = sum(len(row.name) + len(row.message) for row in self.rows)
        return 400 * len(self.rows) + 4 * texts + sum(map(len, self.pictures)) + arrays

    def row(self, face: int) -> PhotoRow:
        """Return the row of a face of the set, by its index from 0."""
        return self.rows[int(self.used[face])]

    def predictions(self, model: str) -> Predictions:
        """Return the uncalibrated predictions of a network.

        Args:
            model: name of a network in :attr:`probabilities`.
        """
        no_duplicates = np.zeros(len(self), bool)
        return Predictions(
            self.labels, self.probabilities[model], no_duplicates, None, self.quality
        )
