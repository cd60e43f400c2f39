"""A log that visitors cannot flood: of the same place some records a minute, none of them long."""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

MAX_RECORDS: Final = 5
"""Records of one place that are written in a minute."""
MAX_CHARACTERS: Final = 2000
_SECONDS: Final = 60.0
_MAX_PLACES: Final = 1000

Place = tuple[object, ...]


class LogLimit(logging.Filter):
    """Lets :data:`MAX_RECORDS` records a minute of each place through, and counts the others.

    A place is a line of code that logs, with the kind of the exception and the line that raised it.
    The next record of the place tells how many were left out. Long messages are cut, for some hold
    what a visitor sent.

    >>> limit = LogLimit()
    >>> record = logging.makeLogRecord({"msg": "a", "pathname": "a.py"})
    >>> sum(limit.filter(record) for _ in range(100))
    5
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._since: dict[Place, float] = {}
        self._counts: dict[Place, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is written; its message is shortened if it is long."""
        with self._lock:
            left_out = self._count(_place(record))
        if left_out is None:
            return False
        message = record.getMessage()
        if len(message) > MAX_CHARACTERS:
            message = f"{message[:MAX_CHARACTERS]} ... ({len(message)} characters)"
        if left_out:
            message += f" ({left_out} more like this were left out)"
        record.msg, record.args = message, None
        return True

    def _count(self, place: Place) -> int | None:
        """Return how many records of a place were left out before this one; None leaves it out."""
        now = time.monotonic()
        left_out = 0
        if now - self._since.get(place, float("-inf")) >= _SECONDS:
            if len(self._since) >= _MAX_PLACES:
                self._since.clear()
                self._counts.clear()
            left_out = max(0, self._counts.get(place, 0) - MAX_RECORDS)
            self._since[place], self._counts[place] = now, 0
        self._counts[place] += 1
        return left_out if self._counts[place] <= MAX_RECORDS else None


def _place(record: logging.LogRecord) -> Place:
    error = record.exc_info[1] if record.exc_info else None
    traceback = None if error is None else error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    raised = None if traceback is None else (traceback.tb_frame.f_code, traceback.tb_lineno)
    return record.pathname, record.lineno, type(error), raised
