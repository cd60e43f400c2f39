"""Throughput: how many faces a network classifies in a second on this machine."""

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
"""One face, as in a portrait; and many, as in a crowd or a video."""


def faces_per_second(classify: Classify, batch: int, seconds: float = 1.0) -> float:
    """Measure for about ``seconds`` after a warm-up; the median call counts.

    Args:
        classify: (n, 48, 48) uint8 faces -> (n, 7) probabilities.
        batch: faces in one call.
        seconds: how long to measure; at least three calls are made.
    """
    faces = np.random.default_rng(0).integers(0, 256, (batch, INPUT_SIZE, INPUT_SIZE), np.uint8)
    for _ in range(2):
        classify(faces)
    times: list[float] = []
    while sum(times) < seconds or len(times) < 3:
        start = time.perf_counter()
        classify(faces)
        times.append(time.perf_counter() - start)
    return batch / statistics.median(times)
