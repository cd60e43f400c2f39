"""Scripts and styles of components that are served by routes of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st
from starlette.responses import FileResponse, PlainTextResponse, Response

FRESH: Final = {"cache-control": "no-cache"}
"""Headers of scripts: a new version is seen at once; it is not sent again if it is the same."""

_TYPES: Final = {".js": "text/javascript", ".css": "text/css"}


def asset_response(folder: Path, name: str) -> Response:
    """Return a file of a folder of assets by its name; 404 if there is none.

    >>> asset_response(Path("."), "nothing.js").status_code
    404
    """
    path = next((path for path in folder.iterdir() if path.name == name), None)
    if path is None:
        return PlainTextResponse("Not found.", 404)
    return FileResponse(path, media_type=_TYPES.get(path.suffix), headers=FRESH)


def root_path() -> str:
    """Return the path that all addresses of the app begin with, e.g. "/emosense"; empty for none."""
    base_path = (st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base_path}" if base_path else ""
