"""Videos: POST /videos begins a job; /jobs tells of it, gives its results, and deletes it."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from functools import partial
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Form, HTTPException, Request, Response
from starlette.responses import FileResponse, JSONResponse

from emosense.asgi.headers import PRIVATE, attachment
from emosense.asgi.middleware import USER
from emosense.asgi.removable_file import RemovableFileResponse
from emosense.export.formats import EXPORTS, Export
from emosense.filesystem.filenames import abbreviate
from emosense.jobs.encoding_jobs import EncodingJob
from emosense.jobs.video_jobs import VideoJob
from emosense.rest.errors import RETRY_AFTER, RETRY_SECONDS, detail_of, problems
from emosense.rest.head import IS_HEAD
from emosense.rest.requests import (
    MULTIPART,
    UPLOAD_ERRORS,
    account_of,
    check_model,
    check_single,
    hang_up,
    in_thread,
    upload_router,
)
from emosense.rest.schemas import Encoding, Job, Jobs, VideoForm
from emosense.rest.video_store import StoredVideo, video_store
from emosense.results import VideoResult
from emosense.services import services
from emosense.video.edits import Edits
from emosense.video.options import VideoOptions

uploads = upload_router("videos")
router = APIRouter(tags=["videos"])

_MP4: Final = "mp4"
_LOCATION: Final = {"Location": {"description": "path of the job", "schema": {"type": "string"}}}
_RANGE: Final = re.compile(r"bytes=([0-9]{1,18})-([0-9]{0,18})")


@uploads.post(
    "/videos",
    status_code=202,
    response_model=Job,
    summary="Begin the analysis of a video",
    responses={
        202: {"headers": {**_LOCATION, **RETRY_AFTER}},
        **problems(*UPLOAD_ERRORS),
    },
)
async def analyze_video(
    request: Request, response: Response, form: Annotated[VideoForm, Form(media_type=MULTIPART)]
) -> dict[str, Any]:
    """Take a video and begin its analysis; the job's path stands in the header Location.

    The video stays on the server's disk until its job is deleted or expires.
    """
    check_single(await request.form())
    model = await in_thread(partial(check_model, form.model))
    options = VideoOptions(
        per_second=form.per_second or None,
        detect_every=form.detect_every,
        threshold=form.threshold,
        min_face=form.min_face,
        start=form.start,
        end=form.end,
    )
    async with hang_up(request) as left:
        add = partial(
            video_store.add,
            account_of(request),
            abbreviate(form.file.filename or "", 200) or "video",
            form.file.file,
            form.file.size or 0,
            model,
            options,
            left.is_set,
        )
        video = await in_thread(add)
    response.headers["Location"] = _path(request, video)
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return _describe(request, video)


@router.get("/jobs", response_model=Jobs, summary="List your jobs")
def get_jobs(request: Request) -> dict[str, Any]:
    """List the jobs of the key's holder, the oldest first."""
    videos = video_store.videos.of_owner(request.scope[USER])
    return {"jobs": [_describe(request, video) for video in videos]}


@router.get(
    "/jobs/{job_id}",
    response_model=Job,
    summary="Ask how far a job is",
    responses=problems(404, 422),
)
def get_job(request: Request, job_id: str) -> dict[str, Any]:
    """Tell a job's state, progress and results."""
    return _describe(request, _find(request, job_id))


@router.delete(
    "/jobs/{job_id}",
    status_code=204,
    summary="Cancel and delete a job",
    responses=problems(404, 422),
)
def delete_job(request: Request, job_id: str) -> None:
    """Cancel a job, and delete it with its video and results."""
    video_store.remove(_find(request, job_id))


@router.get(
    "/jobs/{job_id}/results/mp4",
    response_class=FileResponse,
    summary="Get the video with boxes",
    responses={
        200: {"content": {"video/mp4": {}}, "description": "the video with boxes"},
        202: {
            "model": Encoding,
            "description": "It is being made: ask again later.",
            "headers": RETRY_AFTER,
        },
        206: {"content": {"video/mp4": {}}, "description": "a part of it"},
        **problems(404, 409, 416, 422),
    },
)
async def get_annotated(request: Request, job_id: str) -> Response:
    """Return the video with boxes; it is begun with the first request, which is answered with 202."""
    video = _find(request, job_id)
    _result_of(video)
    encoding = await in_thread(partial(video_store.annotated, video))
    if encoding is None:
        raise _gone()
    if encoding.failure is not None:
        again = "Ask once more to try it again."
        raise HTTPException(409, f"It could not be made: {detail_of(encoding.failure)} {again}")
    if not encoding.is_ready:
        headers = {"Retry-After": str(RETRY_SECONDS), **PRIVATE}
        return JSONResponse(_encoding(encoding), 202, headers)
    try:
        file = encoding.target.stat()
    except FileNotFoundError:
        raise _gone() from None
    headers = {**PRIVATE, **_version_headers(video), **attachment(video.job.name, "-emosense.mp4")}
    response = RemovableFileResponse(encoding.target, 200, headers, "video/mp4", stat_result=file)
    if IS_HEAD in request.scope:  # without reading the file
        return Response(None, 200, dict(response.headers))
    _check_range(request, file.st_size)
    return response


def _check_range(request: Request, size: int) -> None:
    """Leave out a range that is malformed, from the end or in parts: RFC 9110, section 14.2, allows it.

    Raises:
        HTTPException: it begins behind the end of the file.
    """
    match = _RANGE.fullmatch(request.headers.get("range", ""))
    if match is None or (match[2] and int(match[2]) < int(match[1])):
        headers = [header for header in request.scope["headers"] if header[0] != b"range"]
        request.scope["headers"] = headers
    elif int(match[1]) >= size:
        raise HTTPException(
            416, f"Expected a range of {size} bytes.", {"Content-Range": f"bytes */{size}"}
        )


@router.get(
    "/jobs/{job_id}/results/{format}",
    response_class=Response,
    summary="Get a result as a file",
    responses={
        200: {
            "content": {EXPORTS[name].media_type: {} for name in ("json", "csv", "vtt")},
            "description": "the file, as the app offers it too",
        },
        **problems(404, 409, 422),
    },
)
async def get_result(
    request: Request, job_id: str, format: Literal["json", "csv", "vtt"]
) -> Response:
    """Return the result as JSON, CSV (one row per face and frame) or captions (WebVTT)."""
    video = _find(request, job_id)
    export = EXPORTS[format]
    content = await in_thread(partial(_make, video, export, _result_of(video)))
    headers = {**PRIVATE, **_version_headers(video), **attachment(video.job.name, export.suffix)}
    return Response(content, media_type=export.media_type, headers=headers)


def _make(video: StoredVideo, export: Export, result: VideoResult) -> bytes:
    with services().memory.hold(video.job.account, export.memory(result)) as holding:
        content = export.make(result, Edits())
        holding.resize(len(content))
        return content


def _find(request: Request, job_id: str) -> StoredVideo:
    """Return a job of the key's holder; others are not told that it exists."""
    video = video_store.videos.find(job_id, request.scope[USER])
    if video is None:
        raise _gone()
    return video


def _gone() -> HTTPException:
    return HTTPException(404, "There is no such job. Jobs are deleted some time after they end.")


def _result_of(video: StoredVideo) -> VideoResult:
    job = video.job
    if not job.is_finished:
        raise HTTPException(
            409,
            "Expected a finished analysis. Received: one that runs.",
            {"Retry-After": str(RETRY_SECONDS)},
        )
    if job.result is None:
        raise HTTPException(409, f"Expected an analysis with a result. It failed: {_problem(job)}")
    return replace(job.result, problem=_problem(job))


def _problem(job: VideoJob) -> str | None:
    """Return why a job has no result, or a partial one; None if it is complete."""
    if job.failure is not None:
        return detail_of(job.failure)
    return None if job.result is None else job.result.problem


def _path(request: Request, video: StoredVideo) -> str:
    """Return the path of a job, with what all paths of the app begin with."""
    return f"{request.scope['root_path']}/jobs/{video.id}"


def _describe(request: Request, video: StoredVideo) -> dict[str, Any]:
    job, path = video.job, _path(request, video)
    is_finished, result = job.is_finished, job.result
    formats = ("json", "csv", "vtt", _MP4) if is_finished and result is not None else ()
    version, calibration_version = video.versions
    return {
        "id": video.id,
        "state": job.state.value,
        "source": job.name,
        "created": video.created,
        "expires": video.expires,
        "progress": 1.0 if is_finished and job.error is None else job.fraction,
        "seconds_left": None if is_finished else job.seconds_left,
        "frames_analysed": len(job.frames),
        "video": asdict(job.info),
        "model": job.model,
        "model_version": version,
        "calibration_version": calibration_version,
        "problem": _problem(job),
        "notes": list(job.notes),
        "encoding": None if video.annotated is None else _encoding(video.annotated),
        "results": {format: f"{path}/results/{format}" for format in formats},
    }


def _encoding(encoding: EncodingJob) -> dict[str, Any]:
    progress = 1.0 if encoding.is_ready else encoding.fraction
    error = None if encoding.failure is None else detail_of(encoding.failure)
    return {"state": encoding.state.value, "progress": progress, "error": error}


def _version_headers(video: StoredVideo) -> dict[str, str]:
    version, calibration_version = video.versions
    return {
        "EmoSense-Model": video.job.model,
        "EmoSense-Model-Version": version,
        "EmoSense-Calibration-Version": calibration_version,
    }
