"""Compressed copies of static files, made once and kept in memory."""

from __future__ import annotations

import asyncio
import gzip
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

from cachetools import LRUCache
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emosense.asgi.policy import PolicyTable

_LEVEL: Final = 9
_MIN_BYTES: Final = 1000
_MAX_BYTES: Final = 32 * 2**20
_TYPES: Final = (
    "text/",
    "application/javascript",
    "application/json",
    "application/manifest+json",
    "application/wasm",
    "image/svg+xml",
)
"""Beginnings of the media types that compress well."""
_SUFFIX: Final = '-gzip"'


class CompressionMiddleware:
    """ASGI middleware that answers with stored gzip copies where the policy says so.

    Streamlit sends its files (10 MB for the first page) uncompressed. An answer with a strong
    identity (path and ETag) is compressed once, in a thread of its own, and then sent from its copy. Copies are
    made one after the other, so that many who ask for a file at once hold it in memory once.

    All else is sent as it is: the application is asked for no compressed answers, since it would
    compress a download anew for everybody who asks for it.

    Args:
        app: the application that it wraps.
        table: the policy table; rows with ``compress`` are served so.
        max_bytes: maximum sum of all copies; the least recently used ones are dropped.

    >>> CompressionMiddleware.__name__
    'CompressionMiddleware'
    """

    def __init__(self, app: ASGIApp, table: PolicyTable, max_bytes: int = 16 * 2**20) -> None:
        self._app = app
        self._table = table
        self._copies = LRUCache[str, bytes](max_bytes, getsizeof=len)
        self._making = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "emosense-gzip")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and send its answer compressed."""
        applies = self._applies(scope)
        if scope["type"] == "http":
            scope = {**scope, "headers": list(scope["headers"])}
            del MutableHeaders(scope=scope)["accept-encoding"]
        if not applies:
            await self._app(scope, receive, send)
            return
        etag = Headers(scope=scope).get("if-none-match")
        if etag is not None and etag.endswith(_SUFFIX):
            headers = MutableHeaders(scope=scope)
            headers["if-none-match"] = etag.removesuffix(_SUFFIX) + '"'
        async with AsyncExitStack() as making:
            responder = _Responder(
                self._copies, self._making, making, self._thread, send, scope["path"]
            )
            await self._app(scope, receive, responder.send)

    def _applies(self, scope: Scope) -> bool:
        if scope["type"] != "http" or scope["method"] != "GET":
            return False
        if not self._table.find(scope["path"]).compress:
            return False
        headers = Headers(scope=scope)
        return "gzip" in headers.get("accept-encoding", "") and "range" not in headers


class _Responder:
    """Replaces the body of one answer by its compressed copy."""

    def __init__(
        self,
        copies: LRUCache[str, bytes],
        lock: asyncio.Lock,
        making: AsyncExitStack,
        thread: ThreadPoolExecutor,
        send: Send,
        path: str,
    ) -> None:
        self._copies = copies
        self._lock = lock
        self._making = making
        self._thread = thread
        self._send = send
        self._path = path
        self._start: Message | None = None
        self._key = ""
        self._body: bytearray | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif self._start is None or message["type"] != "http.response.body":
            await self._send(message)
        elif self._body is not None:  # else its copy was sent already
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                copy = await self._make_copy(self._body)
                self._body = None
                await self._making.aclose()
                await self._send_copy(self._start, copy)

    async def _begin(self, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        if message["status"] == 304 and "etag" in headers:
            _mark_compressed(headers)
        if not _is_compressible(message["status"], headers):
            await self._send(message)
            return
        self._start = message
        self._key = f"{self._path} {headers['etag']} {headers['content-length']}"
        if self._key not in self._copies:
            await self._making.enter_async_context(self._lock)
        copy = self._copies.get(self._key)
        if copy is None:
            self._body = bytearray()
        else:
            await self._making.aclose()
            await self._send_copy(message, copy)

    async def _make_copy(self, body: bytearray) -> bytes:
        compress = partial(gzip.compress, body, _LEVEL, mtime=0)
        copy = await asyncio.get_running_loop().run_in_executor(self._thread, compress)
        if len(copy) <= self._copies.maxsize:
            self._copies[self._key] = copy
        return copy

    async def _send_copy(self, start: Message, copy: bytes) -> None:
        headers = MutableHeaders(scope=start)
        _mark_compressed(headers)
        headers["content-encoding"] = "gzip"
        headers["content-length"] = str(len(copy))
        del headers["accept-ranges"]
        await self._send(start)
        await self._send({"type": "http.response.body", "body": copy, "more_body": False})


def _is_compressible(status: int, headers: MutableHeaders) -> bool:
    return (
        status == 200
        and "etag" in headers
        and "content-encoding" not in headers
        and _MIN_BYTES <= int(headers.get("content-length", 0)) <= _MAX_BYTES
        and headers.get("content-type", "").startswith(_TYPES)
    )


def _mark_compressed(headers: MutableHeaders) -> None:
    """Tell caches that this is another representation of the file (RFC 9110, section 8.8.3)."""
    headers["etag"] = headers["etag"].removesuffix('"') + _SUFFIX
    headers.add_vary_header("Accept-Encoding")
