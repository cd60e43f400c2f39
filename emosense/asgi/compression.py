"""Compressed copies of static files, made once and kept on disk."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import FileResponse
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
    identity (path and ETag) is compressed once, in a thread, and then sent from its copy.

    Args:
        app: the application that it wraps.
        table: the policy table; rows with ``compress`` are served so.
        folder: returns the folder for the copies, which is empty at first.

    >>> CompressionMiddleware.__name__
    'CompressionMiddleware'
    """

    def __init__(self, app: ASGIApp, table: PolicyTable, folder: Callable[[], Path]) -> None:
        self._app = app
        self._table = table
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and send its answer compressed."""
        if not self._applies(scope):
            await self._app(scope, receive, send)
            return
        etag = Headers(scope=scope).get("if-none-match")
        if etag is not None and etag.endswith(_SUFFIX):
            headers = MutableHeaders(scope=scope)
            headers["if-none-match"] = etag.removesuffix(_SUFFIX) + '"'
        responder = _Responder(self._folder, scope, receive, send)
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
        self, folder: Callable[[], Path], scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._folder = folder
        self._scope = scope
        self._receive = receive
        self._send = send
        self._start: Message | None = None
        self._body = bytearray()
        self._passes_through = False
        self._copy = Path()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif self._passes_through or message["type"] != "http.response.body":
            await self._send(message)
        else:
            await self._add(message)

    async def _begin(self, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        if message["status"] == 304 and "etag" in headers:
            headers["etag"] = headers["etag"].removesuffix('"') + _SUFFIX
            headers.add_vary_header("Accept-Encoding")
        if not self._is_compressible(message["status"], headers):
            self._passes_through = True
            await self._send(message)
            return
        self._start = message
        identity = f"{self._scope['path']}\n{headers['etag']}\n{headers['content-length']}"
        self._copy = self._folder() / f"{hashlib.sha256(identity.encode()).hexdigest()}.gz"

    def _is_compressible(self, status: int, headers: MutableHeaders) -> bool:
        size = int(headers.get("content-length", 0))
        return (
            status == 200
            and "etag" in headers
            and "content-encoding" not in headers
            and _MIN_BYTES <= size <= _MAX_BYTES
            and headers.get("content-type", "").startswith(_TYPES)
        )

    async def _add(self, message: Message) -> None:
        has_copy = self._copy.is_file()
        if not has_copy:
            self._body += message.get("body", b"")
        if message.get("more_body", False):
            return
        if not has_copy:
            await asyncio.to_thread(_write_compressed, bytes(self._body), self._copy)
        await self._send_copy()

    async def _send_copy(self) -> None:
        assert self._start is not None
        original = MutableHeaders(scope=self._start)
        headers = {
            name: value
            for name, value in original.items()
            if name not in ("content-length", "accept-ranges", "etag")
        }
        headers["etag"] = original["etag"].removesuffix('"') + _SUFFIX
        headers["content-encoding"] = "gzip"
        response = FileResponse(self._copy, headers=headers, media_type=original["content-type"])
        response.headers.add_vary_header("Accept-Encoding")
        await response(self._scope, self._receive, self._send)


def _write_compressed(body: bytes, path: Path) -> None:
    temporary = path.with_suffix(f".{uuid.uuid4().hex}")  # two requests may write the same copy
    temporary.write_bytes(gzip.compress(body, _LEVEL, mtime=0))
    temporary.replace(path)
