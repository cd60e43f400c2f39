"""Limits of uploads: only issued ids, and a bounded sum of bytes in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Protocol

from anyio import to_thread
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emosense.asgi.fair_share import has_room
from emosense.asgi.middleware import USER
from emosense.asgi.policy import API, UPLOADS
from emosense.asgi.refusal import Refusal

_MB: Final = 2**20
_SMALL_BYTES: Final = 16 * _MB
"""A few photos."""
_TRIM_BYTES: Final = 64 * _MB
_API_KEY: Final = "API key"
_TOO_MUCH: Final = {
    "page": (
        413,
        "Remove some files first, or wait until analyses of earlier ones have ended.",
        None,
    ),
    # Of several requests at the same time: one alone that is too large is refused by its policy.
    _API_KEY: (429, "Send it again once other requests are answered.", 2),
}


class UploadStore(Protocol):
    """The uploads that the server holds.

    >>> class Nothing:
    ...     def is_issued(self, session, file): return False
    ...     def sizes(self): return {}
    >>> store: UploadStore = Nothing()
    """

    def is_issued(self, session: str, file: str) -> bool:
        """Return whether the server itself has given this id of a file to a session that lasts."""
        ...

    def sizes(self) -> Mapping[str, int]:
        """Return the bytes that each session holds, by session id."""
        ...


class UploadBudget:
    """The memory for uploads of all users: a fixed limit per session, a fair share per user.

    Args:
        store: the uploads that the server holds.
        max_session_bytes: maximum sum of one session.
        max_bytes: maximum sum of all sessions; see :func:`~emosense.asgi.fair_share.has_room`.

    >>> class Store:
    ...     def is_issued(self, session, file): return True
    ...     def sizes(self): return {"a": 20}
    >>> budget = UploadBudget(Store(), max_session_bytes=30, max_bytes=100)
    >>> budget.add("a", "ann", 10)
    >>> budget.add("a", "ann", 11)
    Traceback (most recent call last):
        ...
    emosense.asgi.refusal.Refusal: Expected at most 0 MB of uploads of one page. Received: more. \
Remove some files first, or wait until analyses of earlier ones have ended.
    """

    def __init__(self, store: UploadStore, max_session_bytes: int, max_bytes: int) -> None:
        self._store = store
        self._max_session_bytes = max_session_bytes
        self._max_bytes = max_bytes
        self._arriving: Counter[str] = Counter()
        self._users: dict[str, str] = {}

    def add(self, session: str, user: str, size: int, noun: str = "page") -> None:
        """Count bytes that arrive for a session.

        Args:
            session: id of the session.
            user: whose it is.
            size: the bytes.
            noun: what messages call such a session.

        Raises:
            Refusal: the sum of the session, of the user or of all is too large.
        """
        self._users[session] = user
        self._arriving[session] += size
        sums = Counter(self._store.sizes()) + self._arriving
        if sums[session] > self._max_session_bytes:
            status, hint, retry_after = _TOO_MUCH[noun]
            raise Refusal(
                status,
                f"Expected at most {self._max_session_bytes // _MB} MB of uploads of one {noun}. "
                f"Received: more. {hint}",
                retry_after,
            )
        total = sums.total()
        users_sum = sum(size for name, size in sums.items() if self._users.get(name) == user)
        if not has_room(users_sum, total, self._max_bytes, _SMALL_BYTES):
            raise Refusal(
                503,
                f"The server holds {total // _MB} MB of uploads, {users_sum // _MB} MB of them "
                "yours, and has no room for more. Remove some files, or try again in a while.",
                retry_after=60,
            )

    def remove(self, session: str, size: int) -> None:
        """Stop counting bytes as arriving: they are stored now, or the upload has failed."""
        self._arriving[session] -= size
        if self._arriving[session] <= 0:
            del self._arriving[session]
        known = {*self._store.sizes(), *self._arriving}
        self._users = {name: user for name, user in self._users.items() if name in known}


class UploadMiddleware:
    """ASGI middleware that takes uploads of pages only to issued ids, and all within the budget.

    Uploads of the REST API count until their request is answered.

    Args:
        app: the application that it wraps.
        store: the uploads that the server holds.
        budget: the memory for uploads.
        base_path: path that all paths of the app begin with; empty for none.
        on_freed: called in a thread when requests of the REST API, of :data:`_TRIM_BYTES` together,
            have been answered, and their memory is free.

    >>> UploadMiddleware.__name__
    'UploadMiddleware'
    """

    def __init__(
        self,
        app: ASGIApp,
        store: UploadStore,
        budget: UploadBudget,
        base_path: str = "",
        on_freed: Callable[[], None] = lambda: None,
    ) -> None:
        self._app = app
        self._on_freed, self._freed = on_freed, 0
        self._store = store
        self._budget = budget
        self._base_path = f"/{base_path.strip('/')}".rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; raise a :class:`Refusal` for an upload that is not allowed."""
        path = scope.get("path", "").removeprefix(self._base_path)
        is_request = scope["type"] == "http" and scope["method"] != "OPTIONS"
        check: Callable[[], None] = _nothing
        if is_request and path.startswith(UPLOADS):
            session, _, file = path.removeprefix(UPLOADS).partition("/")
            check, noun = partial(self._check_issued, session, file), "page"
        elif is_request and path.startswith(API):
            session, noun = scope[USER], _API_KEY
        else:
            await self._app(scope, receive, send)
            return
        check()
        _check_charset(Headers(scope=scope).get("content-type"))
        arrived = 0

        async def count() -> Message:
            nonlocal arrived
            message = await receive()
            check()  # the page may have been closed meanwhile
            size = len(message.get("body", b""))
            arrived += size
            if size:
                self._budget.add(session, scope[USER], size, noun)
            return message

        try:
            await self._app(scope, count, send)
        finally:
            self._budget.remove(session, arrived)
            self._freed += arrived if noun == _API_KEY else 0
        if self._freed >= _TRIM_BYTES:
            self._freed = 0
            await to_thread.run_sync(self._on_freed)

    def _check_issued(self, session: str, file: str) -> None:
        if not self._store.is_issued(session, file):
            raise Refusal(403, "Expected an upload that an open page has asked for.")


def _check_charset(content_type: str | None) -> None:
    """Refuse character encodings of forms: any codec of Python's would decode their fields.

    Some take hours for what others decode in a second. RFC 7578, section 4.6, has no such parameter.
    """
    _, options = parse_options_header(content_type)
    charset = options.get(b"charset", b"utf-8").decode("latin-1")
    if charset.lower().replace("_", "-") not in ("utf-8", "utf8"):
        raise Refusal(415, f"Expected a form in UTF-8. Received: {charset[:40]}.")


def _nothing() -> None:
    """Check nothing."""
