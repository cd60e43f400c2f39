"""The routes that a player fetches from: its scripts, the clip and the analysed frames."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from emosense.asgi.headers import PRIVATE, attachment
from emosense.asgi.owner import OWNER
from emosense.asgi.removable_file import RemovableFileResponse
from emosense.errors import EmoSenseError, NoRoom
from emosense.export.formats import EXPORTS, Export
from emosense.render.colours import COLOURS, UNSURE_COLOUR
from emosense.results import UNSURE, VideoResult
from emosense.ui.components.assets import FRESH, asset_response
from emosense.ui.player.clips import Clip, clips
from emosense.ui.player.payload import frames_json, key_moments_json
from emosense.ui.session.downloads import room
from emosense.video.edits import Edits, apply_edits, read_edits, read_project

_ASSETS: Final = Path(__file__).with_name("assets")
_MAX_NUMBER: Final = 10**9
_REVISIONS: Final = re.compile(r'"([0-9a-f]{32})')


def player_routes() -> list[BaseRoute]:
    """Return the routes of players."""
    return [
        Route("/player/assets/{name}", _asset),
        Route("/player/clips/{address}/video", _video),
        Route("/player/clips/{address}/frames", _frames),
        Route("/player/clips/{address}/key-moments", _key_moments),
        Route("/player/clips/{address}/edits", _edits, methods=["GET", "PUT"]),
        Route("/player/clips/{address}/project", _load_project, methods=["PUT"]),
        Route("/player/clips/{address}/exports/{format}", _export),
    ]


async def _asset(request: Request) -> Response:
    if request.path_params["name"] == "colours.js":
        return Response(_colours(), media_type="text/javascript", headers=FRESH)
    return asset_response(_ASSETS, request.path_params["name"])


def _colours() -> str:
    """Return a script with the colours that emotions have everywhere."""
    colours = json.dumps({**COLOURS, UNSURE: UNSURE_COLOUR})
    return f"const COLOURS = {colours};\nexport const colourOf = (verdict) => COLOURS[verdict];\n"


def _clip(request: Request) -> Clip | None:
    """Return the clip of a request's address, if it is its owner's: an address alone opens nothing."""
    return clips.find(request.path_params["address"], request.scope.get(OWNER, ""))


async def _video(request: Request) -> Response:
    clip = _clip(request)
    if clip is None or clip.path is None or not clip.path.is_file():
        return PlainTextResponse("This clip is no longer here.", 404)
    return RemovableFileResponse(clip.path, media_type=clip.media_type, headers=PRIVATE)


async def _frames(request: Request) -> Response:
    clip = _clip(request)
    if clip is None:
        return PlainTextResponse("This clip is no longer here.", 404)
    first = request.query_params.get("from", "0")
    if not (first.isascii() and first.isdecimal()) or int(first[:12]) > _MAX_NUMBER:
        return PlainTextResponse("Expected a whole number in from=.", 422)
    is_done = clip.is_done()  # before the frames: what comes later is no part of this answer
    content = await run_in_threadpool(frames_json, clip.frames(), int(first), is_done=is_done)
    return Response(content, media_type="application/json", headers=PRIVATE)


async def _key_moments(request: Request) -> Response:
    clip = _clip(request)
    if clip is None:
        return PlainTextResponse("This clip is no longer here.", 404)
    content = await run_in_threadpool(key_moments_json, clip.key_moments())
    return Response(content, media_type="application/json", headers=PRIVATE)


async def _edits(request: Request) -> Response:
    clip = _clip(request)
    if clip is None:
        return PlainTextResponse("This clip is no longer here.", 404)
    if request.method == "PUT":
        return await _replace_edits(request, clip, read_edits)
    return _as_json(clip.edits())


async def _load_project(request: Request) -> Response:
    clip = _clip(request)
    if clip is None:
        return PlainTextResponse("This clip is no longer here.", 404)
    result = clip.result()
    if result is None:
        return PlainTextResponse("Expected a finished analysis. Received: one that runs.", 409)
    return await _replace_edits(request, clip, lambda body: read_project(body, result))


async def _replace_edits(request: Request, clip: Clip, read: Callable[[bytes], Edits]) -> Response:
    """Replace a clip's edits by those that are read from the request's body, if it knows the newest."""
    body = await request.body()
    # From here on nothing waits: what is compared is what is replaced.
    refusal = _refusal_of_outdated(request, clip)
    if refusal is not None:
        return refusal
    try:
        clip.edit(read(body))
    except EmoSenseError as error:
        return PlainTextResponse(str(error), 422)
    return _as_json(clip.edits())


def _refusal_of_outdated(request: Request, clip: Clip) -> Response | None:
    """Return the answer to edits that were made upon others than the clip's; None if they fit.

    Two pages may show the same clip, and each sends its whole edits: the entity tag that a page
    knows (RFC 9110, section 13.1.1) keeps it from replacing those that it has not seen.
    """
    known = request.headers.get("if-match")
    if known is None:  # RFC 6585, section 3
        return PlainTextResponse("Expected the edits' entity tag in If-Match.", 428)
    # Proxies that compress make tags weak or append to them: the digits alone are ours.
    if known.strip() != "*" and _revision(clip.edits()) not in _REVISIONS.findall(known):
        return PlainTextResponse("Expected changes of the newest edits. Received: older ones.", 412)
    return None


def _revision(edits: Edits) -> str:
    """Return a digest of edits, the same for all that are equal: 32 hexadecimal digits."""
    content = {**edits.model_dump(mode="json"), "hidden": sorted(edits.hidden)}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _as_json(edits: Edits) -> Response:
    headers = {**PRIVATE, "etag": f'"{_revision(edits)}"'}
    return Response(edits.model_dump_json(), media_type="application/json", headers=headers)


async def _export(request: Request) -> Response:
    clip = _clip(request)
    export = EXPORTS.get(request.path_params["format"])
    if clip is None or export is None:
        return PlainTextResponse("This clip is no longer here.", 404)
    result = clip.result()
    if result is None:
        return PlainTextResponse("Expected a finished analysis. Received: one that runs.", 409)
    try:
        content = await run_in_threadpool(_make, clip, export, result)
    except NoRoom as error:
        return PlainTextResponse(str(error), 507)
    headers = {**PRIVATE, **attachment(result.source, export.suffix)}
    return Response(content, media_type=export.media_type, headers=headers)


def _make(clip: Clip, export: Export, result: VideoResult) -> bytes:
    with room(clip.account, export.memory(result)) as holding:
        edits = clip.edits()
        content = export.make(apply_edits(result, edits), edits)
        holding.resize(len(content))
        return content
