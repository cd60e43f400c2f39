"""The FastAPI application of the REST API, which the app's server mounts."""

from __future__ import annotations

from typing import Final

from fastapi import Depends, FastAPI, Response
from fastapi.security import HTTPBearer
from fastapi_offline import FastAPIOffline

from emosense.asgi.headers import PRIVATE
from emosense.rest import models, photos, videos
from emosense.rest.errors import add_error_handlers, problems
from emosense.rest.head import HeadMiddleware

_DESCRIPTION: Final = """\
What faces express in photos and videos, and how far to trust the answer. Files come in the request;
answers hold probabilities in 0..1, a verdict, whether it is sure, the quality of the face and its box in
pixels. Errors are problem details (RFC 9457).
"""


def rest_api(version: str, *, needs_key: bool) -> FastAPI:
    """Return the application.

    Requests come to it through the policy (:mod:`emosense.asgi`), which checks keys, hosts, sizes and
    rates.

    Args:
        version: version of the package.
        needs_key: whether requests must have a key, for the description.

    >>> rest_api("0.2.0", needs_key=True).openapi()["openapi"]
    '3.1.0'
    """
    key = [Depends(HTTPBearer(auto_error=False, description="a key of the server's"))]
    app = FastAPIOffline(
        title="EmoSense",
        version=version,
        description=_DESCRIPTION,
        docs_url="/docs",
        redoc_url=None,
        static_url="/docs/assets",
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        dependencies=[Depends(_keep_private), *(key if needs_key else [])],
        responses=problems(401, 403, 405, 413, 429, 500, 503),
    )
    routers = (photos.router, videos.uploads, videos.router, models.router)
    for router in routers:
        app.include_router(router)
    app.state.routes = [route for router in routers for route in router.routes]
    add_error_handlers(app)
    app.add_middleware(HeadMiddleware)
    return app


def _keep_private(response: Response) -> None:
    """Let no cache on the way keep an answer; files of results say so themselves."""
    response.headers.update(PRIVATE)
