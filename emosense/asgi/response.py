"""Limits of an answer while it is sent: its speed, and what it holds in memory meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

from emosense.asgi.connection import Connection
from emosense.asgi.policy import RoutePolicy

SLICE_BYTES: Final = 2**16
"""Largest part of a body that is sent at once: the server copies what the network does not take."""


class SlowReader(OSError):
    """A client does not read what it has asked for.

    An ``OSError``, as ASGI asks of a ``send`` to a client that has gone (version 2.4).

    >>> isinstance(SlowReader(), OSError)
    True
    """


class LimitedResponse:
    """An ASGI ``send`` that sends large bodies in parts, each once the network has taken the last.

    A client that reads more slowly than the policy's least speed gets behind it; as soon as it is
    :attr:`~emosense.asgi.policy.RoutePolicy.send_idle_seconds` behind, its connection is aborted.
    The same holds for the messages of a WebSocket.

    Args:
        send: the server's ``send``.
        policy: limits of the route.
        headers: headers of every answer.
        connection: the connection; None if the server's kind is unknown. Without it the server's
            ``send`` must wait for the network, and what it buffers itself is not limited.
        is_head: whether the answer is to a HEAD request, and has no body.

    Attributes:
        hold: called with each body of more than one part before anything of it is sent; the memory
            is held until the end of the context that it returns. It may raise a
            :class:`~emosense.asgi.refusal.Refusal`.
        is_started: whether a part of the answer was sent.
        is_aborted: whether the connection was aborted, as the client reads too slowly.

    >>> async def send(message):
    ...     print(message["type"], len(message.get("body", "")))
    >>> response = LimitedResponse(send, RoutePolicy(path="/"), {})
    >>> async def answer():
    ...     await response.send({"type": "http.response.start", "status": 200, "headers": []})
    ...     await response.send({"type": "http.response.body", "body": bytes(70_000)})
    >>> asyncio.run(answer())
    http.response.start 0
    http.response.body 65536
    http.response.body 4464
    """

    def __init__(
        self,
        send: Send,
        policy: RoutePolicy,
        headers: Mapping[str, str],
        connection: Connection | None = None,
        *,
        is_head: bool = False,
    ) -> None:
        self._send = send
        self._policy = policy
        self._headers = headers
        self._connection = connection
        self._is_head = is_head
        self._start: Message | None = None
        self._lag = 0.0
        self.hold: Callable[[memoryview], AbstractContextManager[None]] = lambda body: nullcontext()
        self.is_started = False
        self.is_aborted = False

    async def send(self, message: Message) -> None:
        """Send a message.

        Raises:
            SlowReader: the client reads too slowly.
            Refusal: there is no room for the body in memory; nothing of the answer was sent.
        """
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(self._headers)
            self._start = message  # until its body is known, it may be refused
        elif message["type"] == "http.response.body":
            await self._send_body(message)
        else:
            self.is_started = self.is_started or message["type"] == "websocket.accept"
            size = len(message.get("bytes") or message.get("text") or b"")
            await self._pass_on(message, size)

    async def _send_body(self, message: Message) -> None:
        body = memoryview(b"" if self._is_head else message.get("body", b""))
        more_body = message.get("more_body", False)
        with self.hold(body) if len(body) > SLICE_BYTES else nullcontext():
            if self._start is not None:
                start, self._start = self._start, None
                self.is_started = True
                await self._pass_on(start)
            for offset in range(0, len(body) or 1, SLICE_BYTES):
                part = bytes(body[offset : offset + SLICE_BYTES])
                is_last = offset + SLICE_BYTES >= len(body)
                part_message = {**message, "body": part, "more_body": more_body or not is_last}
                await self._pass_on(part_message, len(part))

    async def _pass_on(self, message: Message, size: int = 0) -> None:
        began = time.monotonic()
        allowed = size / self._policy.min_bytes_per_second
        try:
            async with asyncio.timeout(self._policy.send_idle_seconds - self._lag + allowed):
                await self._send(message)
                if self._connection is not None:
                    await self._connection.drained()
        except TimeoutError:
            if self._connection is not None:
                self._connection.abort()
                self.is_aborted = True
                await asyncio.sleep(0)  # the server learns of it before the application ends
            raise SlowReader(
                f"Expected a client that reads {self._policy.min_bytes_per_second:.0f} bytes a "
                f"second. Received: one that is {self._policy.send_idle_seconds:.0f} seconds late."
            ) from None
        self._lag = max(0.0, self._lag + time.monotonic() - began - allowed)
