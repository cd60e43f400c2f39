"""Messages of browsers over Streamlit's WebSocket: which kinds are taken, and how many."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from emosense.ui import streamlit_internals

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

COSTS: Final = {
    "rerun_script": 1,
    "stop_script": 1,
    "file_urls_request": 1,
    "app_heartbeat": 1,
    "dataframe_chunk": 1,
    "deferred_file": 10,  # prepares a download
}
"""Kinds that pages need, and how many tokens each takes. Not among them: clearing caches, which all
visitors share, and tools for developers."""
MAX_BYTES: Final = 2**20
BURST: Final = 60
PER_SECOND: Final = 10.0


class MessageMiddleware:
    """ASGI middleware that drops messages that no page sends, and slows floods of others down.

    Each message makes Streamlit run the page's script. A token bucket lets :data:`BURST` messages
    through at once and :data:`PER_SECOND` on average; the rest waits in the connection.

    Args:
        app: the application that it wraps.

    >>> MessageMiddleware.__name__
    'MessageMiddleware'
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a connection on, with its messages filtered."""
        if scope["type"] == "websocket" and scope["path"].endswith("/_stcore/stream"):
            await self._app(scope, _FilteredMessages(receive), send)
        else:
            await self._app(scope, receive, send)


class _FilteredMessages:
    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._tokens = float(BURST)
        self._refilled = time.monotonic()

    async def __call__(self) -> Message:
        while True:
            message = await self._receive()
            if message["type"] != "websocket.receive":
                return message
            data = message.get("bytes") or b""
            if len(data) > MAX_BYTES:
                return {"type": "websocket.disconnect", "code": 1009}  # RFC 6455: too big
            kind = streamlit_internals.message_kind(data)
            await self._take_tokens(COSTS.get(kind or "", 1))
            # What cannot be parsed is Streamlit's to refuse: it closes the connection.
            if kind is None or kind in COSTS:
                return message

    async def _take_tokens(self, count: int) -> None:
        now = time.monotonic()
        self._tokens = min(BURST, self._tokens + (now - self._refilled) * PER_SECOND) - count
        self._refilled = now
        if self._tokens < 0:
            await asyncio.sleep(-self._tokens / PER_SECOND)
