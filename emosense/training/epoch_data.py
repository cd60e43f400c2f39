"""Data of one epoch: shuffled, augmented and mixed, as seed and epoch alone decide."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS
from emosense.errors import TrainingError
from emosense.training.augmentation import AUGMENTATIONS
from emosense.training.dataset import Split
from emosense.training.recipe import Recipe


def epoch_data(
    split: Split, recipe: Recipe, epoch: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return one epoch's images and targets, shuffled, scaled, augmented and mixed.

    Whole arrays, not a generator: Keras reads generators ahead in threads, whose order a
    resumed run would not repeat.

    Args:
        split: n images.
        recipe: gives seed, augmentation and targets.
        epoch: number of the epoch, from 0.

    Returns:
        ((n, 48, 48, 1) float32 in 0..1, (n, 7) float32).
    """
    rng = np.random.default_rng((recipe.seed, epoch))
    order = rng.permutation(len(split))
    images = AUGMENTATIONS[recipe.augmentation](to_unit(split.images[order]), rng)
    epoch_targets = targets(split, recipe)[order]
    if recipe.mixup > 0:
        images, epoch_targets = _mixed(images, epoch_targets, recipe.mixup, rng)
    return images[..., np.newaxis], epoch_targets


def _mixed(
    images: npt.NDArray[np.float32],
    epoch_targets: npt.NDArray[np.float32],
    alpha: float,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Mix each image and its target with another's, by a weight drawn from Beta(alpha, alpha)."""
    partner = rng.permutation(len(images))
    weight = rng.beta(alpha, alpha, len(images)).astype(np.float32)
    # The own image weighs more: halves the mixes that only swap two images.
    weight = np.maximum(weight, 1 - weight)[:, np.newaxis]
    epoch_targets = weight * epoch_targets + (1 - weight) * epoch_targets[partner]
    weight = weight[..., np.newaxis]
    return weight * images + (1 - weight) * images[partner], epoch_targets


def to_unit(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Scale uint8 grey values to float32 in 0..1, as the networks take them."""
    return images.astype(np.float32) / np.float32(255)


def targets(split: Split, recipe: Recipe) -> npt.NDArray[np.float32]:
    """Return the (n, 7) float32 targets: one-hot labels, mixed with FER+ votes by ``recipe.ferplus_share``.

    Raises:
        TrainingError: the recipe asks for votes but the data has none.
    """
    labels = np.eye(len(EMOTIONS), dtype=np.float32)[split.labels]
    fraction = recipe.ferplus_share
    if fraction == 0:
        return labels
    if split.votes is None:
        raise TrainingError(
            "ferplus_share needs the FER+ votes: put fer2013new.csv beside the csv."
        )
    usable = split.votes.sum(axis=1, keepdims=True) > 0
    mixed = (1 - fraction) * labels + fraction * split.votes
    return np.where(usable, mixed, labels).astype(np.float32)


def class_weights(split: Split, balance: float) -> npt.NDArray[np.float32]:
    """Return (7,) float32: what an image of each emotion counts, 1 on average over ``split``.

    Args:
        split: the training images; an emotion that none of them shows counts 0.
        balance: exponent of the class weights; see :class:`Recipe`.
    """
    images = np.bincount(split.labels, minlength=len(EMOTIONS)).astype(np.float64)
    weights = np.where(images > 0, np.maximum(images, 1) ** -balance, 0)
    return np.asarray(weights * images.sum() / (weights * images).sum(), np.float32)
