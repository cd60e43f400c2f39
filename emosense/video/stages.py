"""What passes between the threads of the video pipeline, and how it passes."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from time import perf_counter
from typing import Generic, TypeVar

from emosense.media.images import RgbImage
from emosense.results import Detection, TrackedFace

Item = TypeVar("Item")
_WAIT = 0.1


class Stopped(Exception):
    """The pipeline was told to stop."""


@dataclass
class Frame:
    """A frame on its way through the pipeline.

    Attributes:
        index: in the video, from 0.
        time: in seconds.
        image: upright RGB.
        wanted: whether it is analysed; others are only drawn on.
        searched: whether faces were searched in it, or are placed between searched frames.
        cut: whether a new scene begins here.
        reshaped: whether the stored picture has another shape from here on.
        detections: once searched.
        faces: once classified; pixels of ``image``.
    """

    index: int
    time: float
    image: RgbImage
    wanted: bool
    searched: bool = False
    cut: bool = False
    reshaped: bool = False
    detections: tuple[Detection, ...] = ()
    faces: tuple[TrackedFace, ...] = ()


class Lane(Generic[Item]):
    """A bounded queue that ends, carries a fault to its reader, and lets go when stopped."""

    def __init__(self, size: int, stop: threading.Event) -> None:
        self._queue: Queue[tuple[str, Item | BaseException | None]] = Queue(size)
        self._stop = stop

    def put(self, item: Item) -> None:
        """Append an item; waits while the lane is full."""
        self._send("item", item)

    def close(self, fault: BaseException | None = None) -> None:
        """End the lane; a fault is raised at the reader."""
        self._send("end", fault)

    def __iter__(self) -> Iterator[Item]:
        while True:
            kind, content = self._receive()
            if kind == "end":
                if isinstance(content, BaseException):
                    raise content
                return
            yield content  # type: ignore[misc]  # only "end" carries anything but items

    def _send(self, kind: str, content: Item | BaseException | None) -> None:
        while not self._stop.is_set():
            try:
                self._queue.put((kind, content), timeout=_WAIT)
                return
            except Full:
                continue
        raise Stopped

    def _receive(self) -> tuple[str, Item | BaseException | None]:
        while not self._stop.is_set():
            try:
                return self._queue.get(timeout=_WAIT)
            except Empty:
                continue
        raise Stopped


@dataclass
class Clock:
    """Seconds that each stage of the pipeline was at work, by name."""

    seconds: dict[str, float] = field(default_factory=dict)

    def timed(self, name: str, items: Iterable[Item]) -> Iterator[Item]:
        """Count the time that ``items`` takes to give its next one."""
        iterator = iter(items)
        while True:
            start = perf_counter()
            try:
                item = next(iterator)
            except StopIteration:
                return
            finally:
                self.add(name, perf_counter() - start)
            yield item

    def add(self, name: str, seconds: float) -> None:
        """Add to a stage's time."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
