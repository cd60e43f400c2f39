"""Frames, bounded queues and stage timer of the video pipeline's threads."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

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
        thumbnail: small grey picture of the frame, (18, 32) uint8.

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
    thumbnail: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros((18, 32), np.uint8))

    @property
    def nbytes(self) -> int:
        """Size of the image, in bytes."""
        return int(self.image.nbytes)


class BoundedQueue(Generic[Item]):
    """A bounded queue that can be closed, passes an error to its reader, and stops with the pipeline.

    Args:
        size: maximum number of items.
        stop: event that stops the pipeline: waiting calls then raise :class:`PipelineStopped`.
        max_bytes: maximum size of all items together, in bytes; a single item may be larger.
        item_bytes: returns the size of an item, in bytes; None counts items only.

    >>> queue = BoundedQueue(2, threading.Event())
    >>> queue.put("a")
    >>> queue.close()
    >>> list(queue)
    ['a']
    """

    def __init__(
        self,
        size: int,
        stop: threading.Event,
        max_bytes: float = math.inf,
        item_bytes: Callable[[Item], int] | None = None,
    ) -> None:
        self._size, self._max_bytes = size, max_bytes
        self._item_bytes = item_bytes or (lambda item: 0)
        self._items: deque[tuple[int, Item]] = deque()
        self._bytes = 0
        self._closed = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self._stop = stop

    def put(self, item: Item) -> None:
        """Append an item; waits while the queue is full."""
        item_bytes = self._item_bytes(item)
        with self._changed:
            self._wait_for(lambda: self._has_room(item_bytes))
            self._items.append((item_bytes, item))
            self._bytes += item_bytes
            self._changed.notify_all()

    def close(self, error: BaseException | None = None) -> None:
        """Close the queue after its last item; an error is raised at the reader."""
        with self._changed:
            self._closed, self._error = True, error
            self._changed.notify_all()
        if self._stop.is_set():
            raise PipelineStopped

    def __iter__(self) -> Iterator[Item]:
        while True:
            with self._changed:
                self._wait_for(lambda: self._items or self._closed)
                if not self._items:
                    break
                item_bytes, item = self._items.popleft()
                self._bytes -= item_bytes
                self._changed.notify_all()
            yield item
            del item  # a frame must not live until the next one comes
        if self._error is not None:
            raise self._error

    def _has_room(self, item_bytes: int) -> bool:
        is_small = not self._items or self._bytes + item_bytes <= self._max_bytes
        return len(self._items) < self._size and is_small

    def _wait_for(self, condition: Callable[[], object]) -> None:
        while not self._stop.is_set():
            if self._changed.wait_for(condition, timeout=_POLL_SECONDS) and not self._stop.is_set():
                return
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
