"""Compressed copies of static files, made once and kept in memory."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
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
_THREADS: Final = 2


class CompressionMiddleware:
    """ASGI middleware that answers with stored gzip copies where the policy says so.

    Streamlit sends its files (10 MB for the first page) uncompressed. An answer with a strong
    identity (path and ETag) is compressed once, in one of its own threads, and then sent from its copy.

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
        self._compressing: dict[str, asyncio.Future[bytes]] = {}
        self._threads = ThreadPoolExecutor(_THREADS, "emosense-gzip")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and send its answer compressed."""
        if not self._applies(scope):
            await self._app(scope, receive, send)
            return
        etag = Headers(scope=scope).get("if-none-match")
        if etag is not None and etag.endswith(_SUFFIX):
            headers = MutableHeaders(scope=scope)
            headers["if-none-match"] = etag.removesuffix(_SUFFIX) + '"'
        responder = _Responder(self._copy, send, scope["path"])
        await self._app(scope, receive, responder.send)

    async def _copy(self, key: str, body: bytearray) -> bytes:
        """Return the copy of an answer, which those share who ask for it while it is made."""
        copy = self._copies.get(key)
        if copy is not None:
            return copy
        making = self._compressing.get(key)
        if making is None:
            compress = partial(gzip.compress, body, _LEVEL, mtime=0)
            making = asyncio.get_running_loop().run_in_executor(self._threads, compress)
            self._compressing[key] = making
            making.add_done_callback(lambda done: self._keep(key, done))
        return await asyncio.shield(making)  # one who leaves must not end it for the others

    def _keep(self, key: str, done: asyncio.Future[bytes]) -> None:
        del self._compressing[key]
        if not done.cancelled() and done.exception() is None:
            copy = done.result()
            if len(copy) <= self._copies.maxsize:
                self._copies[key] = copy

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
        self, copy: Callable[[str, bytearray], Awaitable[bytes]], send: Send, path: str
    ) -> None:
        self._copy = copy
        self._send = send
        self._path = path
        self._start: Message | None = None
        self._body = bytearray()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif self._start is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._send_copy(self._start)

    async def _begin(self, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        if message["status"] == 304 and "etag" in headers:
            _mark_compressed(headers)
        if _is_compressible(message["status"], headers):
            self._start = message
        else:
            await self._send(message)

    async def _send_copy(self, start: Message) -> None:
        headers = MutableHeaders(scope=start)
        key = f"{self._path} {headers['etag']} {headers['content-length']}"
        copy = await self._copy(key, self._body)
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
