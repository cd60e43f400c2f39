"""Prepares the data of coming epochs in worker processes while the network trains (prefetching)."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from emosense.training.dataset import Split
from emosense.training.epoch_data import epoch_data, statistics_images
from emosense.training.recipe import Recipe

Images = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Epoch:
    """The data of one epoch; see :func:`emosense.training.epoch_data.epoch_data`.

    Attributes:
        images: (n, 48, 48, 1) float32 in 0..1.
        targets: (n, 7) float32.
        statistics: (m, 48, 48, 1) float32 images for batch normalisation after the epoch; None
            without a moving average of the weights.

    >>> Epoch(np.zeros((2, 48, 48, 1), np.float32), np.zeros((2, 7), np.float32)).statistics is None
    True
    """

    images: Images
    targets: npt.NDArray[np.float32]
    statistics: Images | None = None


class EpochLoader:
    """Prepares epochs, ahead of their use if there are workers; the data is the same either way.

    On a CPU that trains, workers gain nothing; beside a GPU, whose epoch takes less time than its
    augmentation, they do.

    Args:
        split: the training images.
        recipe: the recipe of the run.
        first: number of the first epoch, from 0.
        workers: number of worker processes, each of which prepares a whole epoch; 0 prepares
            each epoch when it is asked for.

    >>> split = Split(np.zeros((4, 48, 48), np.uint8), np.zeros(4, np.uint8))
    >>> with EpochLoader(split, Recipe("cnn8", epochs=2), first=0, workers=0) as loader:
    ...     loader.load(0).images.shape
    (4, 48, 48, 1)
    """

    def __init__(self, split: Split, recipe: Recipe, first: int, workers: int) -> None:
        self._split = split
        self._recipe = recipe
        self._next = first
        self._futures: dict[int, Future[Epoch]] = {}
        self._workers = workers
        # Spawned, not forked: the backends have threads, which a fork does not copy.
        self._pool = (
            ProcessPoolExecutor(
                workers,
                multiprocessing.get_context("spawn"),
                initializer=_set_split,
                initargs=(split, recipe),
            )
            if workers
            else None
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def load(self, epoch: int) -> Epoch:
        """Return the data of an epoch; epochs are asked for in rising order.

        Raises:
            TrainingError: the recipe needs FER+ votes, but the data has none.
        """
        if self._pool is None:
            return _prepare(self._split, self._recipe, epoch)
        self._next = max(self._next, epoch)
        while self._next < min(epoch + self._workers + 1, self._recipe.epochs):
            self._futures[self._next] = self._pool.submit(_prepare_in_worker, self._next)
            self._next += 1
        return self._futures.pop(epoch).result()


def _prepare(split: Split, recipe: Recipe, epoch: int) -> Epoch:
    images, targets = epoch_data(split, recipe, epoch)
    if not recipe.ema:
        return Epoch(images, targets)
    return Epoch(images, targets, statistics_images(split, recipe, epoch))


_worker: dict[str, Any] = {}


def _set_split(split: Split, recipe: Recipe) -> None:
    _worker.update(split=split, recipe=recipe)


def _prepare_in_worker(epoch: int) -> Epoch:
    return _prepare(_worker["split"], _worker["recipe"], epoch)
