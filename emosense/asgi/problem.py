"""Problem details: errors that programs read (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import JSONResponse

MEDIA_TYPE: Final = "application/problem+json"


def problem(status: int, detail: str) -> dict[str, Any]:
    """Return problem details without a type of their own (RFC 9457, section 4.2.1).

    Args:
        status: HTTP status code (RFC 9110).
        detail: what was expected and what came.

    >>> problem(404, "There is no such job.")["title"]
    'Not Found'
    """
    title = HTTPStatus(status).phrase
    return {"type": "about:blank", "title": title, "status": status, "detail": detail}


def problem_response(
    status: int, detail: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return the response of a problem; see :func:`problem`.

    >>> problem_response(404, "There is no such job.").media_type
    'application/problem+json'
    """
    return JSONResponse(problem(status, detail), status, headers, media_type=MEDIA_TYPE)
