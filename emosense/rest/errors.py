"""Errors as problem details (RFC 9457), and the status codes that they have."""

from __future__ import annotations

import logging
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from emosense.asgi.problem import MEDIA_TYPE, problem, problem_response
from emosense.asgi.refusal import Refusal
from emosense.asgi.response import SlowReader
from emosense.errors import (
    DetectorError,
    EmoSenseError,
    MediaTooLarge,
    ModelError,
    ServerBusy,
    UnsupportedMedia,
    WorkerError,
    WorkerLimitExceeded,
    WorkerTimeout,
)
from emosense.filesystem.filenames import abbreviate

RETRY_SECONDS: Final = 2
_MOST_ERRORS: Final = 10
_STATUS: Final[tuple[tuple[type[EmoSenseError], int], ...]] = (
    (MediaTooLarge, 413),
    (UnsupportedMedia, 415),
    (WorkerTimeout, 422),
    (WorkerLimitExceeded, 422),
    (ServerBusy, 429),
    *((kind, 500) for kind in (WorkerError, ModelError, DetectorError)),
)
_FAULT: Final = "An unexpected fault of the server, whose log tells more."
RETRY_AFTER: Final = {
    "Retry-After": {"description": "seconds to wait", "schema": {"type": "integer"}}
}
_MEANINGS: Final = {
    400: "The request is malformed.",
    401: "The key is missing or wrong.",
    403: "The host or origin is foreign.",
    404: "There is no such job.",
    405: "The path does not have this method.",
    408: "The body came too slowly.",
    409: "There is no result, or not yet.",
    413: "The body or the file is too large.",
    415: "The body has another type, or the file another format.",
    416: "The range lies behind the file's end.",
    422: "A field or the file is invalid.",
    429: "Too many requests, jobs or results; see Retry-After.",
    500: "An unexpected fault of the server.",
    503: "The server answers too many requests; see Retry-After.",
}
_log = logging.getLogger(__name__)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return how OpenAPI describes the errors with these status codes.

    >>> problems(404)[404]["description"]
    'There is no such job.'
    """
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    described: dict[int | str, dict[str, Any]] = {
        status: {"description": _MEANINGS[status], "content": content} for status in statuses
    }
    for status in {429, 503} & set(statuses):
        described[status]["headers"] = RETRY_AFTER
    return described


def status_of(error: EmoSenseError) -> int:
    """Return the status code of an error; 422 for whatever is wrong about a file or an option.

    >>> status_of(MediaTooLarge("Expected at most 50 MB."))
    413
    """
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 422)


def detail_of(error: Exception) -> str:
    """Return the message of an error; of a fault of the server nothing that tells of its inside.

    >>> detail_of(MediaTooLarge("Expected at most 50 MB."))
    'Expected at most 50 MB.'
    >>> detail_of(ModelError("/srv/models/cnn8/card.json cannot be read."))
    'An unexpected fault of the server, whose log tells more.'
    """
    is_ours = isinstance(error, EmoSenseError) and status_of(error) < 500
    return str(error) if is_ours else _FAULT


def file_problem(error: EmoSenseError) -> dict[str, Any]:
    """Return the problem details of one file of a request; a fault of the server is logged."""
    status = status_of(error)
    if status >= 500:
        _log.error("a file could not be analysed: %s", error)
    return problem(status, detail_of(error))


def add_error_handlers(app: FastAPI) -> None:
    """Make an application answer every error with problem details."""
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(EmoSenseError, _emosense_error)
    app.add_exception_handler(Exception, _fault)


async def _http_error(request: Request, error: Any) -> Response:
    if isinstance(error.__cause__, Refusal):  # FastAPI takes each error of a body for a fault in it
        return error.__cause__.response(problem_json=True)
    detail = str(error.detail)
    if error.status_code == 404 and detail == "Not Found":
        detail = "There is no such path."
    elif error.status_code == 405:
        allowed = _allowed_methods(request) or (error.headers or {}).get("Allow", "GET, HEAD")
        detail = f"Expected {allowed}. Received: {request.method}"
        return problem_response(405, detail, {"Allow": allowed})
    return problem_response(error.status_code, detail, error.headers)


def _allowed_methods(request: Request) -> str:
    """Return the methods of a path: the router names those of its first route alone."""
    routes = request.app.state.routes
    at_path = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    methods = {method for route in at_path for method in route.methods}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


async def _invalid(request: Request, error: Any) -> Response:
    errors = [{"field": _field(each["loc"]), "detail": _describe(each)} for each in error.errors()]
    errors = errors[:_MOST_ERRORS]
    detail = "; ".join(f"{each['field']}: {each['detail']}" for each in errors)
    content = {**problem(422, detail), "errors": errors}
    return JSONResponse(content, 422, media_type=MEDIA_TYPE)


def _field(place: tuple[str | int, ...]) -> str:
    return abbreviate(".".join(map(str, place[1:])), 60) or "body"


def _describe(error: dict[str, Any]) -> str:
    if error["type"] == "missing":
        return "expected a value. Received: none"
    if "UploadFile" in str(error["msg"]):
        return "expected a file. Received: a text"
    if error["type"] == "extra_forbidden":
        return "there is no such field"
    message = str(error["msg"]).replace("Input should be", "expected").replace("Value", "The value")
    received = error.get("input")
    if isinstance(received, str | int | float | bool):
        text = repr(received)
        return f"{message}. Received: {text if len(text) <= 60 else f'{text[:60]} ...'}"
    return message


async def _emosense_error(request: Request, error: Any) -> Response:
    content = file_problem(error)
    headers = {"Retry-After": str(RETRY_SECONDS)} if content["status"] == 429 else None
    return problem_response(content["status"], content["detail"], headers)


async def _fault(request: Request, error: Exception) -> Response:
    if isinstance(error, Refusal):  # of an answer, which the policy answers if it has not begun
        return error.response(problem_json=True)
    if not isinstance(error, SlowReader):
        _log.error("a request of the REST API failed", exc_info=error)
    return problem_response(500, _FAULT)
