"""HEAD, which FastAPI leaves to each route: the answer to GET without its content."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

IS_HEAD: Final = "emosense.is_head"
"""Key that tells in a request's scope whether its answer has no content, though it looks like GET."""


class HeadMiddleware:
    """ASGI middleware that answers HEAD with the headers of GET (RFC 9110, section 9.3.2).

    Args:
        app: the application that it wraps.

    >>> HeadMiddleware.__name__
    'HeadMiddleware'
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; HEAD as GET, of whose answer the content is dropped."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_headers(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET", IS_HEAD: True}, receive, send_headers)
