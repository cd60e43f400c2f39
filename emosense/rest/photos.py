"""POST /photos: photos, and the answers about their faces."""

from __future__ import annotations

import json
import threading
from functools import partial
from typing import Annotated, Any

from fastapi import Form, Request, Response, UploadFile

from emosense import settings
from emosense.asgi.headers import PRIVATE
from emosense.errors import Cancelled, EmoSenseError, MediaTooLarge, ServerBusy
from emosense.faces.options import DetectorOptions
from emosense.filesystem.filenames import abbreviate
from emosense.jobs.photo_jobs import analyze_photo
from emosense.rest.errors import file_problem, problems
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
from emosense.rest.schemas import Photos, PhotosForm
from emosense.services import services
from emosense.settings import photo_limits
from emosense.worker.lanes import PoolClient
from emosense.worker.messages import AnalyzePhoto

router = upload_router("photos")


@router.post(
    "/photos",
    response_model=Photos,
    summary="Analyse photos",
    responses=problems(*UPLOAD_ERRORS),
)
async def analyze_photos(
    request: Request, form: Annotated[PhotosForm, Form(media_type=MULTIPART)]
) -> Response:
    """Say what the faces of one or many photos express.

    Each photo has a result or an error of its own, in the request's order. Photos are held in memory
    until the answer is sent.
    """
    check_single(await request.form(), "files")
    most = settings.MAX_PHOTOS.whole()
    if len(form.files) > most:
        raise EmoSenseError(f"files: expected at most {most} photos. Received: {len(form.files)}")
    model = await in_thread(partial(check_model, form.model))
    options = DetectorOptions(form.threshold, form.min_face, form.long_side, form.turned)
    async with hang_up(request) as left:
        client = services().photos.pool.client(account_of(request), left.is_set)
        analyze = partial(_analyze, client, form.files, model, options, left)
        content = await in_thread(analyze)
    return Response(content, media_type="application/json", headers=PRIVATE)


def _analyze(
    client: PoolClient,
    files: list[UploadFile],
    model: str,
    options: DetectorOptions,
    left: threading.Event,
) -> bytes:
    """Analyse photos one after the other, in a thread, and return the answer's JSON.

    Raises:
        ServerBusy: the first one found no room in the queue; later ones have this as their error.
    """
    answers: list[dict[str, Any]] = []
    for number, file in enumerate(files, start=1):
        name = abbreviate(file.filename or "", 200) or f"photo {number}"
        try:
            request = AnalyzePhoto(
                data=_read(file), name=name, model=model, options=options, preview_side=0
            )
            answers.append(analyze_photo(client, request).result.as_dict())
        except Cancelled:
            break  # nobody waits for the answer
        except EmoSenseError as error:
            if isinstance(error, ServerBusy) and not answers:
                raise
            answers.append({"source": name, "error": file_problem(error)})
        if left.is_set():
            break
    return json.dumps({"photos": answers}, ensure_ascii=False).encode("utf-8")


def _read(file: UploadFile) -> bytes:
    limit, size = photo_limits().max_bytes, file.size or 0
    if size > limit:
        raise MediaTooLarge(
            f"Expected at most {limit / 2**20:g} MB. Received: {size / 2**20:.1f} MB."
        )
    return file.file.read()
