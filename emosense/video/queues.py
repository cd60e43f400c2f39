"""Frames, bounded queues and stage timer of the video pipeline's threads."""

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
_POLL_SECONDS = 0.1


class PipelineStopped(Exception):
    """The pipeline was stopped: nothing more is read or written.

    >>> stop = threading.Event()
    >>> stop.set()
    >>> BoundedQueue(1, stop).put("frame")
    Traceback (most recent call last):
    emosense.video.queues.PipelineStopped
    """


@dataclass
class Frame:
    """A frame on its way through the pipeline.

    Attributes:
        index: index in the video, from 0.
        time: seconds from the first frame on.
        image: (h, w, 3) uint8 RGB, upright.
        sampled: whether the frame is analysed; others are only drawn on.
        detected: whether faces are detected in it, instead of interpolated between such frames.
        scene_cut: whether a new scene begins here.
        reshaped: whether frames have another aspect ratio or orientation from here on.
        detections: detections of the detector, or interpolated ones.
        faces: classified faces, in pixels of ``image``.

    >>> import numpy as np
    >>> Frame(0, 0.0, np.zeros((2, 2, 3), np.uint8), sampled=True).faces
    ()
    """

    index: int
    time: float
    image: RgbImage
    sampled: bool
    detected: bool = False
    scene_cut: bool = False
    reshaped: bool = False
    detections: tuple[Detection, ...] = ()
    faces: tuple[TrackedFace, ...] = ()


class BoundedQueue(Generic[Item]):
    """A bounded queue that can be closed, passes an error to its reader, and stops with the pipeline.

    Args:
        size: maximum number of items.
        stop: event that stops the pipeline: waiting calls then raise :class:`PipelineStopped`.

    >>> queue = BoundedQueue(2, threading.Event())
    >>> queue.put("a")
    >>> queue.close()
    >>> list(queue)
    ['a']
    """

    def __init__(self, size: int, stop: threading.Event) -> None:
        self._queue: Queue[tuple[str, Item | BaseException | None]] = Queue(size)
        self._stop = stop

    def put(self, item: Item) -> None:
        """Append an item; waits while the queue is full."""
        self._send("item", item)

    def close(self, error: BaseException | None = None) -> None:
        """Close the queue after its last item; an error is raised at the reader."""
        self._send("end", error)

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
                self._queue.put((kind, content), timeout=_POLL_SECONDS)
                return
            except Full:
                continue
        raise PipelineStopped

    def _receive(self) -> tuple[str, Item | BaseException | None]:
        while not self._stop.is_set():
            try:
                return self._queue.get(timeout=_POLL_SECONDS)
            except Empty:
                continue
        raise PipelineStopped


@dataclass
class StageTimer:
    """Working time of each stage of the pipeline.

    Attributes:
        seconds: working time in seconds, by the name of the stage.

    >>> timer = StageTimer()
    >>> timer.add("decode", 0.5)
    >>> timer.seconds
    {'decode': 0.5}
    """

    seconds: dict[str, float] = field(default_factory=dict)

    def timed(self, name: str, items: Iterable[Item]) -> Iterator[Item]:
        """Yield ``items``, and add the time that producing them takes to a stage's time."""
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
        """Add seconds to a stage's time."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
