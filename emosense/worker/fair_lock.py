"""A fair lock: first come, first served."""

from __future__ import annotations

import threading
from collections import deque


class FairLock:
    """A lock that threads acquire in the order of their requests; for ``with`` blocks.

    A :class:`threading.Lock` may be acquired again at once by the thread that released it: a
    session with fifty photos would then block all other sessions until its last photo.

    >>> lock = FairLock()
    >>> with lock:
    ...     len(lock)
    0
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._locked = False

    def __enter__(self) -> None:
        with self._guard:
            if not self._locked:
                self._locked = True
                return
            acquired = threading.Event()
            self._waiting.append(acquired)
        acquired.wait()

    def __exit__(self, *_: object) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()  # stays locked, by the next thread
            else:
                self._locked = False

    def __len__(self) -> int:
        """Return the number of waiting threads."""
        with self._guard:
            return len(self._waiting)
