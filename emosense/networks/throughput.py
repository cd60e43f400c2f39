"""Measures the throughput of a network on this machine, in faces per second."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np

from emosense.emotions import INPUT_SIZE

if TYPE_CHECKING:
    import numpy.typing as npt

    Classify = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]

BATCHES: Final = (1, 64)
"""Batch sizes to measure: one face, as in a portrait, and many, as in a crowd or a video."""


def faces_per_second(classify: Classify, batch_size: int, seconds: float = 1.0) -> float:
    """Measure the throughput after a warm-up, from the median duration of a call.

    Args:
        classify: the network: (n, 48, 48) uint8 faces -> (n, 7) probabilities.
        batch_size: number of faces in one call.
        seconds: approximate duration of the measurement; at least three calls are made.
    """
    shape = (batch_size, INPUT_SIZE, INPUT_SIZE)
    faces = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    for _ in range(2):
        classify(faces)
    durations: list[float] = []
    while sum(durations) < seconds or len(durations) < 3:
        started = time.perf_counter()
        classify(faces)
        durations.append(time.perf_counter() - started)
    return batch_size / statistics.median(durations)
