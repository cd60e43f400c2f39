"""The parts of the ASGI application that ``app.py`` puts together."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from emosense import __version__, settings
from emosense.asgi.api_keys import ApiKeys, read_api_keys
from emosense.asgi.compression import CompressionMiddleware
from emosense.asgi.middleware import PolicyMiddleware
from emosense.asgi.owner import OwnerMiddleware
from emosense.asgi.policy import API, PolicyTable, route_policies
from emosense.asgi.rate_limit import RateLimiter
from emosense.asgi.response_budget import ResponseBudget
from emosense.asgi.uploads import UploadBudget, UploadMiddleware
from emosense.errors import EmoSenseError
from emosense.rest.application import rest_api
from emosense.rest.video_store import video_store
from emosense.runtime.malloc import return_free_memory
from emosense.services import services
from emosense.ui import streamlit_internals
from emosense.ui.access import StreamlitAccess, is_login_required
from emosense.ui.camera.routes import camera_routes
from emosense.ui.components.assets import root_path
from emosense.ui.log_limit import LogLimit
from emosense.ui.open_browser import open_browser
from emosense.ui.player.routes import player_routes
from emosense.ui.session.cleanup import SessionCleanupMiddleware, owners
from emosense.ui.session.download_queue import DownloadQueue
from emosense.ui.session.downloads import until_stored
from emosense.ui.session.messages import MessageMiddleware
from emosense.ui.session.upload_memory import keep_uploads_in_memory
from emosense.ui.session.uploads import ServerUploads
from emosense.ui.session.user import account_of
from emosense.ui.uvicorn_internals import MAX_RESPONSES, limit_server

SCRIPT: Final = Path(__file__).with_name("router.py")
"""The script that Streamlit runs for every visitor."""

_log = logging.getLogger(__name__)
_uploads = ServerUploads()


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """Start the shared services with the server, and end them with it."""
    shared = services()
    # The spool removes what a server that died has left; the photo process loads its model.
    _ = shared.spool, shared.photos
    _uploads.watch()
    streamlit_internals.keep_downloads(until_stored=until_stored)
    streamlit_internals.send_media_without_copies()
    streamlit_internals.limit_pending_messages()
    downloads = DownloadQueue(settings.MAX_PAGES.whole())
    streamlit_internals.prepare_downloads(partial(_prepare, downloads))
    streamlit_internals.limit_logs(LogLimit())
    keep_uploads_in_memory()
    limit_server()
    open_browser()
    keys = _read_api_keys()
    if keys.is_local and not keys.keys:
        _log.warning("The REST API is open, without a key, to everybody who reaches this server.")
    try:
        yield
    finally:
        video_store.close()
        shared.close()
        downloads.close()


async def _prepare(downloads: DownloadQueue, session: str, make: Callable[[], str]) -> str:
    has_left = partial(streamlit_internals.has_left, session)
    return await downloads.run(account_of(session), has_left, make)


def _read_api_keys() -> ApiKeys:
    keys = read_api_keys()
    if keys.is_local and not keys.keys and is_login_required():
        raise EmoSenseError(
            "EMOSENSE_API=local lets everybody in, EMOSENSE_LOGIN asks for a login. Expected only one "
            "of them, or a key in EMOSENSE_API_KEY."
        )
    return keys


def routes() -> list[BaseRoute]:
    """Return the routes beside Streamlit's."""
    health = Route("/healthz", _health)
    own = [health, *player_routes(), *camera_routes()]
    keys = _read_api_keys()
    if keys.is_on:
        app = rest_api(__version__, needs_key=bool(keys.keys))
        own.append(Mount(API.rstrip("/"), app))
    root = root_path()
    # Whoever watches the server need not know the path that the app has.
    return [health, *(_below(root, route) for route in own)] if root else own


def _below(root: str, route: BaseRoute) -> BaseRoute:
    """Return the same route below a path, which Streamlit does for its own ones alone."""
    if isinstance(route, Mount):
        return Mount(f"{root}{route.path}", route.app)
    if isinstance(route, WebSocketRoute):
        return WebSocketRoute(f"{root}{route.path}", route.endpoint)
    assert isinstance(route, Route)
    return Route(f"{root}{route.path}", route.endpoint, methods=route.methods)


def middleware() -> list[Middleware]:
    """Return the middleware, the outermost first."""
    base_path, keys = st.get_option("server.baseUrlPath") or "", _read_api_keys()
    policies = route_policies(
        max_upload_mb=int(st.get_option("server.maxUploadSize")),
        max_connections=settings.MAX_USER_PAGES.whole(),
        max_session_mb=settings.MAX_SESSION_UPLOAD_MB.whole(),
        api=keys.is_on,
    )
    table = PolicyTable(policies, base_path)
    budget = UploadBudget(
        _uploads,
        max_session_bytes=settings.MAX_SESSION_UPLOAD_MB.whole() * 2**20,
        max_bytes=settings.MAX_SERVER_UPLOAD_MB.whole() * 2**20,
    )
    return [
        Middleware(
            PolicyMiddleware,
            table=table,
            access=StreamlitAccess(keys),
            limiter=RateLimiter(settings.MAX_PAGES.whole()),
            budget=ResponseBudget(
                MAX_RESPONSES,
                settings.MAX_SERVER_DOWNLOAD_MB.whole() * 2**20,
            ),
        ),
        Middleware(OwnerMiddleware, table=table, on_logout=owners.end, base_path=base_path),
        Middleware(
            UploadMiddleware,
            store=_uploads,
            budget=budget,
            base_path=base_path,
            on_freed=return_free_memory,
        ),
        Middleware(CompressionMiddleware, table=table),
        Middleware(MessageMiddleware, max_files=_max_files()),
        Middleware(SessionCleanupMiddleware),
    ]


def _max_files() -> int:
    """Return the most files of one upload: a page tells which of some too many it leaves out."""
    return 2 * max(settings.MAX_PHOTOS.whole(), settings.MAX_BATCH_PHOTOS.whole())


async def _health(request: Request) -> JSONResponse:
    """Answer load balancers and containers, whatever name they call the server by."""
    return JSONResponse({"status": "ok"})
