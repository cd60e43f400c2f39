"""Analysis of the Photo page's photos, cached in the browser session."""

from __future__ import annotations

import base64
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st
from PIL import Image

from emosense.errors import EmoSenseError, NoRoom
from emosense.faces.options import DetectorOptions
from emosense.jobs.photo_jobs import AnalyzedPhoto
from emosense.results import PhotoFailure, PhotoResult
from emosense.ui.components.waiting import describe_wait
from emosense.ui.photo.session import Photo, session_photos
from emosense.ui.session.user import session_client
from emosense.worker.lanes import InferencePool
from emosense.worker.messages import AnalyzePhoto
from emosense.worker.scheduler import Wait

EXPLANATIONS = "photo_explanations"
_CACHE = "photo_analyses"
_THUMBNAIL_SIDE: Final = 96


@dataclass(frozen=True, kw_only=True)
class UploadAnalysis(AnalyzedPhoto):
    """An analysed photo with its upload.

    Attributes:
        photo: the uploaded photo.
        thumbnail: data URL of the preview as a small JPEG; empty for a failure.

    >>> photo = Photo("a.jpg", b"...", "digest")
    >>> UploadAnalysis(result=PhotoFailure("a.jpg", "It is damaged."), photo=photo).thumbnail
    ''
    """

    photo: Photo
    thumbnail: str = ""

    @property
    def size(self) -> int:
        """About how much memory it takes beside its upload, in bytes."""
        return super().size + len(self.thumbnail)


def analyze_photos(
    pool: InferencePool,
    photos: Sequence[Photo],
    model: str,
    options: DetectorOptions,
) -> list[UploadAnalysis]:
    """Analyse photos and show the progress; results cached in the session are reused.

    Args:
        pool: inference processes.
        photos: photos to analyse.
        model: registry name of the network.
        options: detector options.

    Returns:
        One analysis per photo, in order; a failure for a photo that cannot be analysed.
    """
    cached: dict[object, UploadAnalysis] = st.session_state.get(_CACHE, {})
    keys = [(photo.digest, photo.name, model, options) for photo in photos]
    total = sum(key not in cached for key in keys)
    progress_bar = st.progress(0.0, _progress_text(0, total)) if total else None
    analyses: dict[object, UploadAnalysis] = {}
    finished = 0

    def on_wait(wait: Wait | None) -> None:
        if progress_bar is not None:
            text = _progress_text(finished, total)
            text = text if wait is None else describe_wait(wait, "photo")
            progress_bar.progress(finished / total, text)

    client = session_client(pool, on_wait)
    no_room: NoRoom | None = None
    for key, photo in zip(keys, photos, strict=True):
        if key in cached:
            analyses[key] = cached[key]
            continue
        try:
            if no_room is not None:
                raise no_room
            request = AnalyzePhoto(data=photo.data, name=photo.name, model=model, options=options)
            response = client.request(request)
            analyses[key] = UploadAnalysis(
                result=response.result,
                preview=response.preview,
                crops=response.crops,
                photo=photo,
                thumbnail=thumbnail_url(response.preview),
            )
            # Cached at once, so that a rerun in the middle of the loop loses no result.
            cached = _cache({**cached, **analyses}, keys)
        except EmoSenseError as error:
            no_room = error if isinstance(error, NoRoom) else None
            failure = PhotoFailure(photo.name, str(error))
            analyses[key] = UploadAnalysis(result=failure, photo=photo)
        finished += 1
        if progress_bar is not None:
            progress_bar.progress(finished / total, _progress_text(finished, total))
    if progress_bar is not None:
        progress_bar.empty()
    # Only current photos stay cached: removed ones are forgotten, failures are tried again.
    _cache(
        {
            key: analysis
            for key, analysis in analyses.items()
            if isinstance(analysis.result, PhotoResult)
        },
        keys,
    )
    return [analyses[key] for key in keys]


def _cache(
    analyses: dict[object, UploadAnalysis], current: Collection[object]
) -> dict[object, UploadAnalysis]:
    """Cache analyses in the session and return them; without room for all, only current ones.

    Others may be the last to hold their uploads, which count with them then.

    Raises:
        NoRoom: there is no room for the current ones either; the cache is left as it is.
    """
    holding = session_photos().analyses
    sizes = {
        key: analysis.size + (0 if key in current else len(analysis.photo.data))
        for key, analysis in analyses.items()
    }
    try:
        holding.resize(sum(sizes.values()))
    except NoRoom:
        analyses = {key: analysis for key, analysis in analyses.items() if key in current}
        holding.resize(sum(sizes[key] for key in analyses))
    st.session_state[_CACHE] = analyses
    return analyses


def thumbnail_url(preview: bytes) -> str:
    """Return a JPEG, at most 96 pixels wide and high, as a data URL."""
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(preview)) as picture:
        picture.draft("RGB", (_THUMBNAIL_SIDE, _THUMBNAIL_SIDE))
        picture.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE))
        picture.save(buffer, "JPEG")
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def clear_analyses() -> None:
    """Remove this session's cached photo analyses and explanations."""
    for key in (_CACHE, EXPLANATIONS):
        st.session_state.pop(key, None)
    photos = session_photos()
    photos.analyses.resize(0)
    photos.explanations.resize(0)


def _progress_text(finished: int, total: int) -> str:
    if total == 1:
        return "Detecting faces ..."
    return f"Analysed {finished} of {total} photos"
