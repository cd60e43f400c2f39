"""Token buckets: bursts are let through, and a rate on average."""

from __future__ import annotations

import time


class TokenBucket:
    """A bucket that fills with a rate; whoever takes more than it holds has to wait.

    Args:
        burst: tokens of a full bucket.
        per_second: tokens that flow in.

    >>> bucket = TokenBucket(burst=10, per_second=1.0)
    >>> bucket.take(10)
    0.0
    >>> round(bucket.take(5))
    5
    """

    def __init__(self, burst: float, per_second: float) -> None:
        self._burst = burst
        self._per_second = per_second
        self._tokens = burst
        self._refilled = time.monotonic()

    def take(self, count: float) -> float:
        """Take tokens, and return the seconds after which they are there."""
        now = time.monotonic()
        filled = self._tokens + (now - self._refilled) * self._per_second
        self._tokens = min(self._burst, filled) - count
        self._refilled = now
        return max(0.0, -self._tokens / self._per_second)
