"""Messages of browsers over Streamlit's WebSocket: which kinds are taken, and how many."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from cachetools import TTLCache

from emosense.asgi.middleware import LOGIN_FULFILLED, USER
from emosense.asgi.token_bucket import TokenBucket
from emosense.ui import streamlit_internals

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from emosense.ui.streamlit_internals import BrowserMessage

COSTS: Final = {
    "rerun_script": 1,
    "stop_script": 1,
    "file_urls_request": 1,
    "app_heartbeat": 1,
    "dataframe_chunk": 1,
    "deferred_file": 10,  # prepares a download
}
"""Kinds that pages need, and how many tokens each takes at least. Not among them: clearing caches,
which all visitors share, and tools for developers."""
LOGIN_KINDS: Final = frozenset({"file_urls_request", "dataframe_chunk", "deferred_file"})
"""Kinds that only those need who see the pages themselves, not those who see the login."""
MAX_BYTES: Final = 2**20
BYTES_PER_TOKEN: Final = 2**16
"""With 500 photos in the uploader of a page, each message has 170 KB, and while a job runs the page
sends three in two seconds."""
FILES_PER_TOKEN: Final = 50
MAX_WIDGETS: Final = 2000
BURST: Final = 60
PER_SECOND: Final = 10.0
USER_BURST: Final = 600
USER_PER_SECOND: Final = 100.0
SILENT_SECONDS: Final = 20.0
"""Time in which a new page must ask for its script; browsers do at once."""
RETURNING_SECONDS: Final = 600.0
"""The same for a page that names a session that has ended: it says nothing until somebody uses it."""
_MAX_USERS: Final = 10_000
_FULL_SECONDS: Final = 60.0
"""Time after which the bucket of a user is full, even if all his pages had waited for it."""


class MessageMiddleware:
    """ASGI middleware that drops messages that no page sends, and slows floods of others down.

    Each message makes Streamlit run the page's script. A token bucket lets :data:`BURST` messages of a
    page through at once and :data:`PER_SECOND` on average, another one :data:`USER_BURST` and
    :data:`USER_PER_SECOND` of all pages of a user; the rest waits in the connection. Large messages
    count for several. A connection that never asks for a page is closed.

    Args:
        app: the application that it wraps.
        max_files: maximum number of files of one upload.

    >>> MessageMiddleware.__name__
    'MessageMiddleware'
    """

    def __init__(self, app: ASGIApp, max_files: int) -> None:
        self._app = app
        self._max_files = max_files
        self._users = TTLCache[str, TokenBucket](_MAX_USERS, _FULL_SECONDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a connection on, with its messages filtered."""
        if scope["type"] != "websocket" or not scope["path"].endswith("/_stcore/stream"):
            await self._app(scope, receive, send)
            return
        buckets = (_UserBucket(self._users, scope[USER]), TokenBucket(BURST, PER_SECOND))
        rules = _Rules(self._max_files, scope[LOGIN_FULFILLED])
        messages = _FilteredMessages(receive, send, rules, buckets, _patience(scope))
        await self._app(scope, messages, send)


class _UserBucket:
    """The bucket of a user, which outlives his connections."""

    def __init__(self, buckets: TTLCache[str, TokenBucket], user: str) -> None:
        self._buckets = buckets
        self._user = user

    def take(self, count: float) -> float:
        bucket = self._buckets.get(self._user) or TokenBucket(USER_BURST, USER_PER_SECOND)
        self._buckets[self._user] = bucket  # its time begins anew
        return bucket.take(count)


class _Rules:
    """Which messages are taken."""

    def __init__(self, max_files: int, is_login_fulfilled: bool) -> None:
        self.max_files = max_files
        self._is_login_fulfilled = is_login_fulfilled

    def allow(self, message: BrowserMessage) -> bool:
        if message.kind not in COSTS:
            return False
        if message.kind in LOGIN_KINDS and not self._is_login_fulfilled:
            return False
        # Each uploaded file is told of in the states of widgets.
        most = MAX_WIDGETS + 2 * self.max_files
        return message.entries <= most and not message.has_foreign_widgets


class _FilteredMessages:
    def __init__(
        self,
        receive: Receive,
        send: Send,
        rules: _Rules,
        buckets: tuple[_UserBucket, TokenBucket],
        patience: float | None,
    ) -> None:
        self._receive = receive
        self._send = send
        self._rules = rules
        self._buckets = buckets
        self._must_ask_until = None if patience is None else time.monotonic() + patience

    async def __call__(self) -> Message:
        while True:
            try:
                async with asyncio.timeout(self._remaining()):
                    message = await self._receive()
            except TimeoutError:
                return {"type": "websocket.disconnect", "code": 1008}  # RFC 6455: policy violation
            if message["type"] != "websocket.receive":
                return message
            data = message.get("bytes")
            if data is None:  # a text
                return {"type": "websocket.disconnect", "code": 1003}  # RFC 6455: unsupported data
            if len(data) > MAX_BYTES:
                return {"type": "websocket.disconnect", "code": 1009}  # RFC 6455: too big
            content = streamlit_internals.read_message(data)
            await self._take_tokens(len(data), content)
            if content is None:
                return message  # Streamlit refuses it: it closes the connection
            if content.files > self._rules.max_files:
                await self._refuse_files(content)
            elif self._rules.allow(content):
                if content.kind == "rerun_script":
                    self._must_ask_until = None
                return message

    def _remaining(self) -> float | None:
        if self._must_ask_until is None:
            return None
        return max(0.0, self._must_ask_until - time.monotonic())

    async def _take_tokens(self, size: int, content: BrowserMessage | None) -> None:
        count = size // BYTES_PER_TOKEN
        if content is not None:
            files = min(
                content.files, self._rules.max_files
            )  # more are refused, which costs nothing
            count += COSTS.get(content.kind, 1) + files // FILES_PER_TOKEN
        wait = max(bucket.take(max(1, count)) for bucket in self._buckets)
        if wait > 0:
            await asyncio.sleep(wait)

    async def _refuse_files(self, content: BrowserMessage) -> None:
        reason = (
            f"Expected at most {self._rules.max_files} files at once. Received: {content.files}."
        )
        answer = streamlit_internals.refuse_upload(content.request_id, reason)
        await self._send({"type": "websocket.send", "bytes": answer})


def _patience(scope: Scope) -> float | None:
    """Return the seconds in which a connection must ask for its page; None sets no limit.

    A browser that comes back to its session asks for nothing: it shows the page still.
    """
    session = streamlit_internals.returning_session(scope.get("subprotocols", ()))
    if session is None:
        return SILENT_SECONDS
    is_kept = any(kept.id == session for kept, _ in streamlit_internals.disconnected_sessions())
    return None if is_kept else RETURNING_SECONDS
