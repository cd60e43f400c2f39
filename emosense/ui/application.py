"""The parts of the ASGI application that ``app.py`` puts together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from emosense.services import services
from emosense.ui.session.cleanup import SessionCleanupMiddleware

SCRIPT: Final = Path(__file__).with_name("router.py")
"""The script that Streamlit runs for every visitor."""


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """Start the shared services with the server, and end them with it."""
    shared = services()
    # The spool removes what a server that died has left; the photo process loads its model.
    _ = shared.spool, shared.photos
    try:
        yield
    finally:
        shared.close()


def routes() -> list[BaseRoute]:
    """Return the routes beside Streamlit's."""
    return [Route("/healthz", _health)]


def middleware() -> list[Middleware]:
    """Return the middleware, the outermost first."""
    return [Middleware(SessionCleanupMiddleware)]


async def _health(request: Request) -> JSONResponse:
    """Answer load balancers and containers, whatever name they call the server by."""
    return JSONResponse({"status": "ok"})
