"""Owners: each browser is one, by a cookie, and keeps what it has when its page is reloaded."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emosense.asgi.middleware import LOGIN
from emosense.asgi.policy import PolicyTable

COOKIE: Final = "emosense_owner"
OWNER: Final = "emosense.owner"
"""Key of a request's owner in its scope; empty for a browser without the cookie."""
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_TOKEN_BYTES: Final = 16
_LOGOUT: Final = "/auth/logout"
_PAGES: Final = "/"
"""Path of the policy that pages have."""


def owner_of(cookies: Mapping[str, str], login: str | None) -> str:
    """Return the owner that a browser is; empty without a valid cookie.

    An owner belongs to the login that it began with: the same browser with another login, or with
    none, is another one. The answer does not tell the cookie (BLAKE2, RFC 7693).

    Args:
        cookies: cookies of the browser.
        login: stable name of its login; None if there is none.

    >>> ann = owner_of({COOKIE: 22 * "a"}, "ann")
    >>> len(ann), ann == owner_of({COOKIE: 22 * "a"}, "bob"), owner_of({}, "ann")
    (32, False, '')
    """
    token = cookies.get(COOKIE, "")
    if not _TOKEN.fullmatch(token):
        return ""
    content = f"{token} {'' if login is None else 'login ' + login}".encode()
    return hashlib.blake2b(content, digest_size=16).hexdigest()


class OwnerMiddleware:
    """ASGI middleware that gives each browser a cookie of 128 random bits with its first page.

    The cookie ends with the browser (it has no age), is for no script (HttpOnly), is not sent with
    requests that other sites begin (SameSite=Lax; RFC 6265bis), and only over TLS where the page came
    that way (Secure).

    Args:
        app: the application that it wraps.
        table: the policy table; its row "/" stands for pages.
        on_logout: called with the owner of a browser that logs out.
        base_path: path that all paths of the app begin with; empty for none.

    >>> OwnerMiddleware.__name__
    'OwnerMiddleware'
    """

    def __init__(
        self,
        app: ASGIApp,
        table: PolicyTable,
        on_logout: Callable[[str], None],
        base_path: str = "",
    ) -> None:
        self._app = app
        self._table = table
        self._on_logout = on_logout
        self._base_path = f"/{base_path.strip('/')}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its owner; give a page without one a cookie."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        cookies = cookie_parser(Headers(scope=scope).get("cookie", ""))
        scope[OWNER] = owner = owner_of(cookies, scope.get(LOGIN))
        is_logout = scope["path"] == f"{self._base_path.rstrip('/')}{_LOGOUT}"
        is_page = scope["type"] == "http" and self._table.find(scope["path"]).path == _PAGES
        if is_logout and owner:
            self._on_logout(owner)
        if not is_logout and (owner or not is_page):
            await self._app(scope, receive, send)
            return

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and (is_logout or _is_page(message)):
                cookie = self._cookie("" if is_logout else None, scope["scheme"])
                MutableHeaders(scope=message).append("set-cookie", cookie)
            await send(message)

        await self._app(scope, receive, send_with_cookie)

    def _cookie(self, token: str | None, scheme: str) -> str:
        """Return the header of a new cookie, or, for an empty token, of one that is over."""
        parts = [
            f"{COOKIE}={secrets.token_urlsafe(_TOKEN_BYTES) if token is None else token}",
            f"Path={self._base_path}",
            "HttpOnly",
            "SameSite=Lax",
        ]
        if scheme in ("https", "wss"):
            parts.append("Secure")
        if token == "":
            parts.append("Max-Age=0")
        return "; ".join(parts)


def _is_page(message: Message) -> bool:
    """Return whether an answer is a page, or says that the browser has it still."""
    kind = Headers(raw=message["headers"]).get("content-type", "")
    return message["status"] == 304 or kind.startswith("text/html")
