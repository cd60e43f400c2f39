"""Prepares the data of coming epochs in worker processes while the network trains (prefetching)."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from emosense.errors import TrainingError
from emosense.filesystem.temporary_folder import TemporaryFolder
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
        self._open = ExitStack()
        self._pool = self._start_workers() if workers else None

    def _start_workers(self) -> ProcessPoolExecutor:
        # Workers read the images from a file. What a pool gives to its processes goes through a
        # pipe to each, and a process that ends before it has read all leaves us waiting for ever.
        folder = self._open.enter_context(TemporaryFolder())
        _save(self._split, folder)
        pool = ProcessPoolExecutor(
            self._workers,
            # Spawned, not forked: the backends have threads, which a fork does not copy.
            multiprocessing.get_context("spawn"),
            initializer=_load_in_worker,
            initargs=(folder, self._recipe),
        )
        self._open.callback(pool.shutdown, cancel_futures=True)
        return pool

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def load(self, epoch: int) -> Epoch:
        """Return the data of an epoch; epochs are asked for in rising order.

        Raises:
            TrainingError: the recipe needs FER+ votes, but the data has none; a worker ended.
        """
        if self._pool is None:
            return _prepare(self._split, self._recipe, epoch)
        try:
            self._next = max(self._next, epoch)
            while self._next < min(epoch + self._workers + 1, self._recipe.epochs):
                self._futures[self._next] = self._pool.submit(_prepare_in_worker, self._next)
                self._next += 1
            return self._futures.pop(epoch).result()
        except BrokenProcessPool as e:
            raise TrainingError(
                "A process that prepares epochs ended. If it ran out of memory, use fewer workers. "
                "A script that trains with workers must do so below "
                'if __name__ == "__main__": as each worker imports it.'
            ) from e


def _prepare(split: Split, recipe: Recipe, epoch: int) -> Epoch:
    images, targets = epoch_data(split, recipe, epoch)
    if not recipe.ema:
        return Epoch(images, targets)
    return Epoch(images, targets, statistics_images(split, recipe, epoch))


_worker: dict[str, Any] = {}


def _save(split: Split, folder: Path) -> None:
    np.save(folder / "images.npy", split.images)
    np.save(folder / "labels.npy", split.labels)
    if split.votes is not None:
        np.save(folder / "votes.npy", split.votes)


def _load_in_worker(folder: Path, recipe: Recipe) -> None:
    images, labels = np.load(folder / "images.npy"), np.load(folder / "labels.npy")
    votes = folder / "votes.npy"
    split = Split(images, labels, np.load(votes) if votes.exists() else None)
    _worker.update(split=split, recipe=recipe)


def _prepare_in_worker(epoch: int) -> Epoch:
    return _prepare(_worker["split"], _worker["recipe"], epoch)
