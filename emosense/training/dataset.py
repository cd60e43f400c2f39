"""A data set in memory, whatever files it came from."""

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
"""FER2013's three parts: for learning, for choosing, for the final score."""

FER2013_TEST_IMAGES: Final = 7178
"""Images of PublicTest and PrivateTest together."""

MAX_IMAGES: Final = 1_000_000
"""More than any data set of faces has; what is read stays in memory, 2.3 KB an image."""

VALIDATION_FRACTION: Final = 0.1
"""Share of Training that is held out where there is no PublicTest."""


@dataclass(frozen=True)
class Split:
    """A split of a data set.

    Attributes:
        images: (n, 48, 48) uint8 grey values.
        labels: (n,) uint8 emotion codes, FER2013's order.
        votes: (n, 7) float32 FER+ votes per class as shares of 1, or None without FER+.
            A row of zeros is an image without usable votes.

    >>> split = Split(np.zeros((3, 48, 48), np.uint8), np.uint8([3, 6, 3]))
    >>> len(split.take(split.labels == 3))
    2
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    votes: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Split:
        """Return the chosen rows (indices or a mask) as a split of their own."""
        votes = None if self.votes is None else self.votes[rows]
        return Split(self.images[rows], self.labels[rows], votes)


@dataclass(frozen=True)
class Dataset:
    """FER2013, or a data set in one of its layouts.

    Attributes:
        images: (n, 48, 48) uint8 grey values, in the order of the files.
        labels: (n,) uint8 emotion codes.
        usage: (n,) uint8 index into :data:`SPLITS`.
        votes: (n, 7) float32 shares of the FER+ votes, or None.
        source: where it was read from, for messages.
        skipped: what was found beside it and not used.

    >>> data = Dataset(
    ...     images=np.zeros((3, 48, 48), np.uint8),
    ...     labels=np.uint8([3, 6, 3]),
    ...     usage=np.uint8([0, 0, 2]),
    ...     votes=None,
    ...     source="example",
    ... )
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
        """Whether its tests have as many images as FER2013's two, in any of its layouts."""
        return int((self.usage != SPLITS.index("Training")).sum()) == FER2013_TEST_IMAGES

    def split(self, usage: str) -> Split:
        """Return the part called ``usage`` (one of :data:`SPLITS`); it may be empty."""
        rows = self.usage == SPLITS.index(usage)
        return Split(self.images, self.labels, self.votes).take(rows)

    def with_skipped(self, more: Skipped) -> Dataset:
        """Return the same data with more that was left out."""
        return replace(self, skipped=Skipped(self.skipped.counts + more.counts))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over pixels, labels and usage: the same for csv, .gz and equal folders."""
        digest = hashlib.sha256()
        for array in (self.images, self.labels, self.usage):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def find_duplicates(
    images: npt.NDArray[np.uint8], others: npt.NDArray[np.uint8]
) -> npt.NDArray[np.bool_]:
    """Tell which images have a pixel-identical copy in another set.

    Args:
        images: (n, 48, 48) uint8.
        others: (m, 48, 48) uint8.

    Returns:
        (n,) bool.
    """
    known = {image.tobytes() for image in others}
    return np.array([image.tobytes() in known for image in images], bool)


def stratified_split(split: Split, share: float, seed: int) -> tuple[Split, Split]:
    """Split off a stratified share, for data that comes without a validation part.

    Args:
        split: the whole.
        share: part of every class that is split off, in 0..1; at least one image of a class
            that has two or more.
        seed: the same seed gives the same parts.

    Returns:
        (the rest, the part split off).
    """
    rng = np.random.default_rng(seed)
    is_held_out = np.zeros(len(split), bool)
    for class_index in range(len(EMOTIONS)):
        rows = np.flatnonzero(split.labels == class_index)
        if len(rows) > 1:
            count = max(1, round(share * len(rows)))
            is_held_out[rng.permutation(rows)[:count]] = True
    return split.take(~is_held_out), split.take(is_held_out)


def train_validation_split(data: Dataset, seed: int) -> tuple[Split, Split]:
    """Return (training, validation): PublicTest, or a held-out tenth of Training without one.

    Args:
        data: with or without a PublicTest part.
        seed: the recipe's seed; decides what is held out.
    """
    training, validation = data.split("Training"), data.split("PublicTest")
    if len(validation) == 0:
        return stratified_split(training, VALIDATION_FRACTION, seed)
    return training, validation
