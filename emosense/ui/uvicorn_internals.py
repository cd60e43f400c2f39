"""Limits of uvicorn, which Streamlit starts without a way to set them.

Written for uvicorn 0.54; ``tests/contract/test_streamlit_internals.py`` checks that they hold.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from emosense.asgi.connection import CONNECTION

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

UVICORN_VERSION: Final = "0.54"
"""The version that obeys these limits."""
MAX_MESSAGE_BYTES: Final = 2**20
"""Largest message of a browser over a WebSocket; Streamlit's own limit is 200 MB."""
MAX_CONNECTIONS: Final = 1000
"""Open connections beyond which requests are answered with 503."""
MAX_RESPONSES: Final = 700
"""Requests that are answered at the same time; the other connections are for open pages."""
KEEP_ALIVE_SECONDS: Final = 15
"""Time after which a connection without a request is closed."""
SHUTDOWN_SECONDS: Final = 5
"""Time that open connections get when the server ends."""
MAX_HEADER_BYTES: Final = 2**15
"""Largest head of a request that has not come to its end."""
MAX_UNSENT_BYTES: Final = 2**17
"""What the operating system takes of an answer beyond what is on its way; else up to 4 MB."""

_TCP_NOTSENT_LOWAT: Final = 25 if sys.platform == "linux" else 0x201
"""The option of a socket, which Python names only from 3.12 on."""


def limit_server() -> int:
    """Limit the uvicorn servers of this process; connections that are made from now on obey.

    Returns:
        The number of servers that were found: 0 where another ASGI server runs the app.
    """
    # uvicorn gives an application no reference to its server.
    configs = [value for value in gc.get_objects() if type(value) is uvicorn.Config]
    for config in configs:
        config.ws_max_size = MAX_MESSAGE_BYTES
        config.limit_concurrency = MAX_CONNECTIONS
        config.timeout_keep_alive = KEEP_ALIVE_SECONDS
        config.timeout_graceful_shutdown = SHUTDOWN_SECONDS
        config.h11_max_incomplete_event_size = MAX_HEADER_BYTES
        config.loaded_app = _with_connection(config.loaded_app)
        if config.ws_protocol_class is WebSocketsSansIOProtocol:
            config.ws_protocol_class = EndingWebSocket
    return len(configs)


class UvicornConnection:
    """The connection of a request; see :class:`~emosense.asgi.connection.Connection`.

    Args:
        send: ``send`` of uvicorn's own, a method of its protocol (WebSocket) or its cycle (HTTP).

    >>> UvicornConnection.__name__
    'UvicornConnection'
    """

    def __init__(self, send: Send) -> None:
        owner: Any = send.__self__  # type: ignore[attr-defined]
        self._transport: asyncio.Transport = owner.transport
        flow = getattr(owner, "flow", None)
        self._drained: Callable[[], Awaitable[Any]] = (
            owner.writable.wait if flow is None else flow.drain
        )
        # uvicorn counts as drained what lies below this limit, and then keeps the rest without end.
        self._transport.set_write_buffer_limits(0)
        with suppress(OSError, AttributeError):  # another system, or no TCP
            connected: socket.socket = self._transport.get_extra_info("socket")
            # asyncio sets it for sockets that were made for TCP by name, which Streamlit's is not.
            # Without it the body of each answer waits some 40 ms until the client confirms its head.
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
            connected.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, MAX_UNSENT_BYTES)

    async def drained(self) -> None:
        """Wait until the operating system has taken all that was sent, or the client has gone."""
        await self._drained()

    def abort(self) -> None:
        """End the connection at once, and drop what waits to be sent."""
        self._transport.abort()


class EndingWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket that ends once its client does not answer to pings.

    uvicorn closes it then, for which asyncio waits until the client has read the rest.

    >>> EndingWebSocket.__name__
    'EndingWebSocket'
    """

    def keepalive_timeout(self) -> None:
        """Close the connection, and end it if the client does not read on."""
        super().keepalive_timeout()
        self.loop.call_later(SHUTDOWN_SECONDS, self.transport.abort)


def _with_connection(app: ASGIApp) -> ASGIApp:
    """Wrap uvicorn's application so that each scope tells its connection."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            scope[CONNECTION] = connection = UvicornConnection(send)
        try:
            await app(scope, receive, send)
        finally:
            if scope["type"] == "websocket":  # as above: what was not read yet would keep it open
                asyncio.get_running_loop().call_later(KEEP_ALIVE_SECONDS, connection.abort)

    return application
