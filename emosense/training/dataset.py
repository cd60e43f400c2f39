"""Data sets in memory: images, labels, splits and FER+ votes, independent of the file layout."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS, INPUT_SIZE
from emosense.errors import DatasetError
from emosense.filesystem.skipped import NOTHING_SKIPPED, Skipped

SPLITS: Final[tuple[str, ...]] = ("Training", "PublicTest", "PrivateTest")
"""FER2013's splits: for training, for validation, for the final test."""

FER2013_TEST_IMAGES: Final = 7178
"""Number of images in PublicTest and PrivateTest together."""

MAX_IMAGES: Final = 1_000_000
"""Limit of images in a data set, which is held in memory with 2.3 KB per image."""

VALIDATION_FRACTION: Final = 0.1
"""Fraction of Training that is held out for validation if there is no PublicTest."""


@dataclass(frozen=True)
class Split:
    """A split of a data set, or a subset of one.

    Attributes:
        images: (n, 48, 48) uint8 grey values.
        labels: (n,) uint8 class indices in FER2013's class order.
        votes: (n, 7) float32 fractions of the FER+ votes, or None without FER+. A row of zeros
            is an image without usable votes.

    >>> split = Split(np.zeros((3, 48, 48), np.uint8), np.uint8([0, 3, 3]))
    >>> len(split.take(split.labels == 3))
    2
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    votes: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Split:
        """Return the subset of the given rows, as indices or as a mask."""
        votes = None if self.votes is None else self.votes[rows]
        return Split(self.images[rows], self.labels[rows], votes)


@dataclass(frozen=True)
class Dataset:
    """FER2013, or a data set in one of its layouts.

    Attributes:
        images: (n, 48, 48) uint8 grey values, in the order of the files.
        labels: (n,) uint8 class indices in FER2013's class order.
        usage: (n,) uint8 indices into :data:`SPLITS`.
        votes: (n, 7) float32 fractions of the FER+ votes, or None without FER+.
        source: path that the data was read from, for messages.
        skipped: counts of the files and rows that were not used.

    Raises:
        DatasetError: the shapes of the arrays do not match.

    >>> images, labels = np.zeros((3, 48, 48), np.uint8), np.uint8([0, 3, 3])
    >>> data = Dataset(images, labels, np.uint8([0, 0, 2]), None, "fer2013.csv")
    >>> len(data.split("Training")), len(data.split("PrivateTest"))
    (2, 1)
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    usage: npt.NDArray[np.uint8]
    votes: npt.NDArray[np.float32] | None
    source: str
    skipped: Skipped = NOTHING_SKIPPED

    def __post_init__(self) -> None:
        n = len(self.labels)
        expected = (n, INPUT_SIZE, INPUT_SIZE)
        if self.images.shape != expected or self.usage.shape != (n,):
            raise DatasetError(
                f"{self.source}: expected images of shape {expected} and usage of shape ({n},). "
                f"Received: {self.images.shape} and {self.usage.shape}"
            )

    @property
    def is_fer2013(self) -> bool:
        """Whether the test splits together have as many images as FER2013's."""
        return int((self.usage != SPLITS.index("Training")).sum()) == FER2013_TEST_IMAGES

    def split(self, usage: str) -> Split:
        """Return the split called ``usage`` (one of :data:`SPLITS`); it may be empty."""
        rows = self.usage == SPLITS.index(usage)
        return Split(self.images, self.labels, self.votes).take(rows)

    def with_skipped(self, skipped: Skipped) -> Dataset:
        """Return the same data with further counts of skipped files or rows."""
        return replace(self, skipped=Skipped(self.skipped.counts + skipped.counts))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of pixels, labels and usage; independent of the file layout."""
        digest = hashlib.sha256()
        for array in (self.images, self.labels, self.usage):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def find_duplicates(
    images: npt.NDArray[np.uint8], others: npt.NDArray[np.uint8]
) -> npt.NDArray[np.bool_]:
    """Find the images that have a pixel-identical duplicate in another set.

    Args:
        images: (n, 48, 48) uint8.
        others: (m, 48, 48) uint8.

    Returns:
        (n,) bool, whether each of ``images`` has a duplicate in ``others``.
    """
    pixels = {image.tobytes() for image in others}
    return np.array([image.tobytes() in pixels for image in images], bool)


def stratified_split(split: Split, fraction: float, seed: int) -> tuple[Split, Split]:
    """Divide a split in two with the same class frequencies (stratified random split).

    Args:
        split: the images to divide.
        fraction: fraction of every class that is held out, in 0..1; at least one image of a
            class with two or more.
        seed: random seed; the same seed gives the same subsets.

    Returns:
        (the remaining images, the held-out images).
    """
    rng = np.random.default_rng(seed)
    held_out = np.zeros(len(split), bool)
    for class_index in range(len(EMOTIONS)):
        rows = np.flatnonzero(split.labels == class_index)
        if len(rows) > 1:
            count = max(1, round(fraction * len(rows)))
            held_out[rng.permutation(rows)[:count]] = True
    return split.take(~held_out), split.take(held_out)


def train_validation_split(data: Dataset, seed: int) -> tuple[Split, Split]:
    """Return the training and the validation split.

    Args:
        data: the data set. Without a PublicTest split, a stratified tenth of Training is held
            out for validation.
        seed: the recipe's seed, which selects the held-out images.

    Returns:
        (training, validation).
    """
    training, validation = data.split("Training"), data.split("PublicTest")
    if len(validation) == 0:
        return stratified_split(training, VALIDATION_FRACTION, seed)
    return training, validation
