"""The training data of one epoch, determined by the recipe's seed and the epoch number."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS
from emosense.errors import TrainingError
from emosense.training.augmentation import AUGMENTATIONS
from emosense.training.dataset import Split
from emosense.training.recipe import Recipe

_STATISTICS_IMAGES: Final = 2048


def epoch_data(
    split: Split, recipe: Recipe, epoch: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the images and targets of one epoch, shuffled, scaled, augmented and mixed.

    Whole arrays, not a generator: Keras prefetches from generators in threads, whose order a
    resumed run would not repeat.

    Args:
        split: n training images.
        recipe: recipe with seed, augmentation, mixup and targets.
        epoch: number of the epoch, from 0.

    Returns:
        ((n, 48, 48, 1) float32 images in 0..1, (n, 7) float32 targets).
    """
    rng = np.random.default_rng((recipe.seed, epoch))
    order = rng.permutation(len(split))
    images = AUGMENTATIONS[recipe.augmentation](to_unit(split.images[order]), rng)
    epoch_targets = targets(split, recipe)[order]
    if recipe.mixup > 0:
        images, epoch_targets = _mixup(images, epoch_targets, recipe.mixup, rng)
    return images[..., np.newaxis], epoch_targets


def statistics_images(split: Split, recipe: Recipe, epoch: int) -> npt.NDArray[np.float32]:
    """Return training images as an epoch has them, on which batch normalisation is estimated.

    Args:
        split: the training images.
        recipe: the recipe of the run.
        epoch: number of the epoch, from 0.

    Returns:
        (n, 48, 48, 1) float32 images in 0..1, at most 2,048.
    """
    rng = np.random.default_rng((recipe.seed, epoch, 1))
    some = rng.permutation(len(split))[:_STATISTICS_IMAGES]
    return epoch_data(split.take(some), recipe, epoch)[0]


def _mixup(
    images: npt.NDArray[np.float32],
    targets: npt.NDArray[np.float32],
    alpha: float,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Mix each image and its target with those of a partner, weighted by Beta(alpha, alpha)."""
    partner = rng.permutation(len(images))
    weight = rng.beta(alpha, alpha, len(images)).astype(np.float32)
    # A weight of at least 1/2 for the image itself avoids duplicate mixtures of a pair.
    weight = np.maximum(weight, 1 - weight)[:, np.newaxis]
    mixed_targets = weight * targets + (1 - weight) * targets[partner]
    weight = weight[..., np.newaxis]
    return weight * images + (1 - weight) * images[partner], mixed_targets


def to_unit(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Scale uint8 grey values to float32 in 0..1, the input range of the networks."""
    return images.astype(np.float32) / np.float32(255)


def targets(split: Split, recipe: Recipe) -> npt.NDArray[np.float32]:
    """Return (n, 7) float32 targets: one-hot labels, mixed with FER+ votes by ``ferplus_share``.

    Raises:
        TrainingError: the recipe needs FER+ votes, but the data has none.
    """
    labels = np.eye(len(EMOTIONS), dtype=np.float32)[split.labels]
    weight = recipe.ferplus_share
    if weight == 0:
        return labels
    if split.votes is None:
        raise TrainingError(
            "ferplus_share needs the FER+ votes: put fer2013new.csv beside the csv."
        )
    usable = split.votes.sum(axis=1, keepdims=True) > 0
    mixed = (1 - weight) * labels + weight * split.votes
    return np.where(usable, mixed, labels).astype(np.float32)


def class_weights(split: Split, balance: float) -> npt.NDArray[np.float32]:
    """Return the (7,) float32 class weights of the loss, whose mean over the images is 1.

    Args:
        split: the training images; the weight of a class without images is 0.
        balance: exponent of the inverse class frequency, as in :class:`Recipe`.
    """
    images = np.bincount(split.labels, minlength=len(EMOTIONS)).astype(np.float64)
    weights = np.where(images > 0, np.maximum(images, 1) ** -balance, 0)
    return np.asarray(weights * images.sum() / (weights * images).sum(), np.float32)
