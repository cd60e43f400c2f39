"""Limits of requests and connections per user, kept in the server's memory."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from emosense.asgi.fair_share import has_room
from emosense.asgi.policy import RoutePolicy
from emosense.asgi.refusal import Refusal

_FEW_CONNECTIONS: Final = 4
"""Open pages that a user may have as long as there is any room."""


class RateLimiter:
    """Counts the requests of each user per route, and his open WebSockets.

    Args:
        max_connections: maximum number of open WebSockets of all users, which they share; see
            :func:`~emosense.asgi.fair_share.has_room`.

    >>> limiter = RateLimiter(max_connections=10)
    >>> limiter.check(RoutePolicy(path="/", rate="2/minute"), "203.0.113.7")
    """

    def __init__(self, max_connections: int) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._max_connections = max_connections
        self._connections: Counter[str] = Counter()

    def check(self, policy: RoutePolicy, user: str) -> None:
        """Count a request.

        Raises:
            Refusal: the user has made too many requests of this route.
        """
        rate = parse(policy.rate)
        if not self._limiter.hit(rate, policy.path, user):
            reset = self._limiter.get_window_stats(rate, policy.path, user).reset_time
            raise Refusal(
                429,
                f"Expected at most {policy.rate} of these requests. Received: more.",
                retry_after=reset - time.time(),
            )

    @contextmanager
    def connection(self, policy: RoutePolicy, user: str) -> Iterator[None]:
        """Count an open WebSocket while it lasts.

        Raises:
            Refusal: the user, or all users together, have too many.
        """
        own, total = self._connections[user] + 1, self._connections.total() + 1
        if own > policy.max_connections:
            raise Refusal(429, f"Expected at most {policy.max_connections} open pages of one user.")
        if not has_room(own, total, self._max_connections, _FEW_CONNECTIONS):
            raise Refusal(
                429,
                f"The server has {total - 1} open pages, {own - 1} of them yours, and no room for "
                "more. Close some, or try again in a while.",
            )
        self._connections[user] += 1
        try:
            yield
        finally:
            self._connections[user] -= 1
            if not self._connections[user]:
                del self._connections[user]
