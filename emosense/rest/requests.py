"""What the routes of the REST API share: who asks, which network, threads, and hang-ups."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.routing import APIRoute
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData
from starlette.types import Message, Receive

from emosense import settings
from emosense.asgi.middleware import USER
from emosense.asgi.refusal import Refusal
from emosense.errors import EmoSenseError
from emosense.filesystem.filenames import abbreviate
from emosense.networks.registry import list_models
from emosense.worker.usage import Account

UPLOAD_ERRORS: Final = (400, 408, 413, 415, 422)
"""Status codes of what may be wrong about an upload."""

MULTIPART: Final = "multipart/form-data"
_THREADS: Final = CapacityLimiter(200)
"""Threads that wait for inference processes; those of pages are others. The processes' schedulers
refuse whoever has too many."""

ResultT = TypeVar("ResultT")


class MultipartRoute(APIRoute):
    """A route that takes nothing but multipart/form-data (RFC 7578).

    >>> issubclass(MultipartRoute, APIRoute)
    True
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, which refuses a body of another type before it is read."""
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            kind = request.headers.get("content-type", "")
            media_type, options = parse_options_header(kind)
            if media_type.decode("latin-1").lower() != MULTIPART:
                raise HTTPException(
                    415,
                    f"Expected {MULTIPART}. Received: {kind[:100] or 'no content type'}",
                    {"Accept-Post": MULTIPART},
                )
            receive = _whole_form(request.receive, options.get(b"boundary", b""))
            return await handle(Request(request.scope, receive))

        return checked


def _whole_form(receive: Receive, boundary: bytes) -> Receive:
    """Return a ``receive`` that raises a Refusal if the form's end is missing.

    Parsers take what there is for the whole: a file that was cut off would be left out in silence.
    """
    end, tail, is_whole = b"--" + boundary + b"--", b"", False

    async def checked() -> Message:
        nonlocal tail, is_whole
        message = await receive()
        if message["type"] == "http.request" and not is_whole:
            content = tail + message.get("body", b"")
            is_whole, tail = end in content, content[-len(end) :]
            if not is_whole and not message.get("more_body", False):
                raise Refusal(
                    400, "Expected a form up to its closing boundary. Received: one cut off."
                )
        return message

    return checked


def check_single(form: FormData, several: str = "") -> None:
    """Check that no field but one stands several times in a form.

    Raises:
        EmoSenseError: another one does.
    """
    counts = Counter(name for name, _ in form.multi_items() if name != several)
    for name, count in counts.items():
        if count > 1:
            raise EmoSenseError(f"{abbreviate(name, 60)}: expected one. Received: {count}")


def upload_router(tag: str) -> APIRouter:
    """Return a router for routes that take forms with files.

    >>> upload_router("photos").tags
    ['photos']
    """
    # Of fields that are no files: their number, and the bytes of each.
    limits: Any = {"max_fields": 32, "max_part_size": 1024}
    return APIRouter(route_class=MultipartRoute, tags=[tag], form_limits=limits)


def account_of(request: Request) -> Account:
    """Return who is charged for a request: the holder of its key."""
    holder = request.scope[USER]
    return Account(holder, holder, "API key")


def check_model(name: str) -> str:
    """Return the name of the network that a request names, or of the default.

    Raises:
        EmoSenseError: there is no such network.
    """
    name = name or settings.MODEL.text()
    known = list_models()
    if name not in known:
        raise EmoSenseError(f"model: expected one of {', '.join(known)}. Received: {name[:60]!r}")
    return name


async def in_thread(function: Callable[[], ResultT]) -> ResultT:
    """Run a function in a thread of the REST API's own."""
    return await to_thread.run_sync(function, limiter=_THREADS)


@asynccontextmanager
async def hang_up(request: Request) -> AsyncIterator[threading.Event]:
    """Give an event that is set once the client has hung up, while the request's body is complete."""
    event = threading.Event()

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        event.set()

    watcher = asyncio.create_task(watch())
    try:
        yield event
    finally:
        watcher.cancel()
