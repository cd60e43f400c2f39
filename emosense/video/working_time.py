"""Time that an analysis works, without the time in which it waits for its caller."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic


class WorkingTime:
    """A stopwatch that runs while an analysis works, read by all of its threads.

    An analysis that gives way to others between two frames does not use up its time.

    Args:
        max_seconds: seconds after which it is used up.

    >>> time = WorkingTime(max_seconds=3600)
    >>> time.start()
    >>> time.is_used_up
    False
    """

    def __init__(self, max_seconds: float) -> None:
        self.max_seconds = max_seconds
        self._lock = threading.Lock()
        self._seconds = 0.0
        self._since: float | None = None

    def start(self) -> None:
        """Start it, or go on after :meth:`stop`."""
        with self._lock:
            self._since = monotonic()

    def stop(self) -> None:
        """Stop it for now."""
        with self._lock:
            if self._since is not None:
                self._seconds += monotonic() - self._since
            self._since = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Pause the stopwatch in a block."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        with self._lock:
            return self._seconds + (0.0 if self._since is None else monotonic() - self._since)

    @property
    def is_used_up(self) -> bool:
        """Whether it has run for ``max_seconds``."""
        return self.seconds >= self.max_seconds
