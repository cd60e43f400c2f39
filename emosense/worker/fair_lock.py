"""A fair lock: first come, first served."""

from __future__ import annotations

import threading
from collections import deque


class FairLock:
    """Lets one thread in at a time, first come, first served; for ``with`` blocks.

    A :class:`threading.Lock` may be taken again at once by the thread that gave it back: a
    session with fifty photos would then keep all others waiting for its last one.

    >>> lock = FairLock()
    >>> with lock:
    ...     len(lock)
    0
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._taken = False

    def __enter__(self) -> None:
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            called = threading.Event()
            self._waiting.append(called)
        called.wait()

    def __exit__(self, *_: object) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()  # taken stays: it is handed over
            else:
                self._taken = False

    def __len__(self) -> int:
        """Return how many threads wait."""
        with self._guard:
            return len(self._waiting)
