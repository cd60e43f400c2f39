"""One epoch's batches, in an order that seed and epoch alone decide."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS
from emosense.errors import TrainingError
from emosense.training.augmentation import AUGMENTATIONS
from emosense.training.dataset import Split
from emosense.training.recipe import Recipe


class EpochBatches(keras.utils.PyDataset):  # type: ignore[misc]  # keras ships no types
    """Shuffled, scaled and augmented batches of one epoch.

    Each item is (images (b, 48, 48, 1) float32 in 0..1, targets (b, 7) float32).
    """

    def __init__(self, split: Split, recipe: Recipe, epoch: int) -> None:
        super().__init__()
        self._split = split
        self._recipe = recipe
        self._epoch = epoch
        self._targets = targets(split, recipe)
        self._order = np.random.default_rng((recipe.seed, epoch)).permutation(len(split))

    def __len__(self) -> int:
        return -(-len(self._order) // self._recipe.batch_size)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        size = self._recipe.batch_size
        rows = self._order[index * size : (index + 1) * size]
        rng = np.random.default_rng((self._recipe.seed, self._epoch, index))
        images = AUGMENTATIONS[self._recipe.augmentation](to_unit(self._split.images[rows]), rng)
        return images[..., np.newaxis], self._targets[rows]


def to_unit(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Scale uint8 grey values to float32 in 0..1, as the networks take them."""
    return images.astype(np.float32) / np.float32(255)


def targets(split: Split, recipe: Recipe) -> npt.NDArray[np.float32]:
    """Return the (n, 7) float32 targets: one-hot labels, mixed with FER+ votes if asked.

    Raises:
        TrainingError: votes are wanted but the data has none.
    """
    labels = np.eye(len(EMOTIONS), dtype=np.float32)[split.labels]
    share = recipe.ferplus_share
    if share == 0:
        return labels
    if split.votes is None:
        raise TrainingError(
            "ferplus_share needs the FER+ votes: put fer2013new.csv beside the csv."
        )
    usable = split.votes.sum(axis=1, keepdims=True) > 0
    mixed = (1 - share) * labels + share * split.votes
    return np.where(usable, mixed, labels).astype(np.float32)
