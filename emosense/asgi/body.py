"""Limits of a request's body while it arrives: its size and its speed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from starlette.types import Message, Receive

from emosense.asgi.policy import RoutePolicy
from emosense.asgi.refusal import Refusal


class LimitedBody:
    """An ASGI ``receive`` that counts the body and raises once a limit is exceeded.

    Args:
        receive: the server's ``receive``.
        policy: limits of the route.
        on_bytes: called with the size of each part in bytes before it is passed on; it may raise
            a :class:`Refusal`.

    >>> async def receive():
    ...     return {"type": "http.request", "body": b"12345", "more_body": False}
    >>> policy = RoutePolicy(path="/", max_body=4)
    >>> asyncio.run(LimitedBody(receive, policy, lambda size: None)())
    Traceback (most recent call last):
        ...
    emosense.asgi.refusal.Refusal: Expected at most 4 bytes. Received: more.
    """

    def __init__(
        self, receive: Receive, policy: RoutePolicy, on_bytes: Callable[[int], None]
    ) -> None:
        self._receive = receive
        self._policy = policy
        self._on_bytes = on_bytes
        self._size = 0
        self._started = time.monotonic()
        self._is_complete = False

    async def __call__(self) -> Message:
        """Return the next message.

        Raises:
            Refusal: the body is larger or slower than the policy allows.
        """
        if self._is_complete:  # what follows is the end of the connection, which may take long
            return await self._receive()
        try:
            async with asyncio.timeout(self._policy.idle_seconds):
                message = await self._receive()
        except TimeoutError:
            raise self._too_slow() from None
        if message["type"] == "http.request":
            self._count(len(message.get("body", b"")))
            self._is_complete = not message.get("more_body", False)
        return message

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > self._policy.max_body:
            raise Refusal(413, f"Expected at most {self._policy.max_body} bytes. Received: more.")
        elapsed = time.monotonic() - self._started
        if (
            elapsed > self._policy.grace_seconds
            and self._size < elapsed * self._policy.min_bytes_per_second
        ):
            raise self._too_slow()
        self._on_bytes(size)

    def _too_slow(self) -> Refusal:
        return Refusal(
            408,
            f"Expected a body of at least {self._policy.min_bytes_per_second:.0f} bytes a second. "
            f"Received: {self._size} bytes in {time.monotonic() - self._started:.0f} seconds.",
        )
