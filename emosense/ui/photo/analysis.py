"""Analyses of a page's photos, cached in the browser session."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st
from PIL import Image

from emosense.errors import EmoSenseError
from emosense.faces.options import DetectorOptions
from emosense.jobs.photo_jobs import AnalyzedPhoto
from emosense.results import PhotoFailure, PhotoResult
from emosense.ui.photo.input import Photo
from emosense.worker.client import InferenceWorker
from emosense.worker.messages import AnalyzePhoto

EXPLANATIONS = "photo_explanations"
_CACHE = "photo_analyses"
_THUMBNAIL: Final = 96


@dataclass(frozen=True, kw_only=True)
class UploadAnalysis(AnalyzedPhoto):
    """An analysed photo with its upload.

    Attributes:
        photo: what was uploaded.
        thumbnail: the preview as a small data URL; empty for a failure.

    >>> photo = Photo("a.jpg", b"...", "digest")
    >>> UploadAnalysis(result=PhotoFailure("a.jpg", "It is damaged."), photo=photo).thumbnail
    ''
    """

    photo: Photo
    thumbnail: str = ""


def analyze_photos(
    worker: InferenceWorker, photos: Sequence[Photo], model: str, options: DetectorOptions
) -> list[UploadAnalysis]:
    """Analyse photos with progress; what this session analysed before is not done again."""
    earlier: dict[object, UploadAnalysis] = st.session_state.get(_CACHE, {})
    keys = [(photo.digest, photo.name, model, options) for photo in photos]
    waiting = sum(key not in earlier for key in keys)
    bar = st.progress(0.0, _progress_text(0, waiting)) if waiting else None
    done: dict[object, UploadAnalysis] = {}
    finished = 0
    for key, photo in zip(keys, photos, strict=True):
        if key in earlier:
            done[key] = earlier[key]
            continue
        try:
            request = AnalyzePhoto(data=photo.data, name=photo.name, model=model, options=options)
            answer = worker.request(request)
            done[key] = UploadAnalysis(
                result=answer.result,
                preview=answer.preview,
                crops=answer.crops,
                photo=photo,
                thumbnail=thumbnail_url(answer.preview),
            )
            # Kept at once: a rerun in the middle loses nothing that was computed.
            st.session_state[_CACHE] = {**earlier, **done}
        except EmoSenseError as error:
            failure = PhotoFailure(photo.name, str(error))
            done[key] = UploadAnalysis(result=failure, photo=photo)
        finished += 1
        if bar is not None:
            bar.progress(finished / waiting, _progress_text(finished, waiting))
    if bar is not None:
        bar.empty()
    # Only what is shown stays: removed photos are forgotten, failures are tried again.
    st.session_state[_CACHE] = {
        key: item for key, item in done.items() if isinstance(item.result, PhotoResult)
    }
    return [done[key] for key in keys]


def thumbnail_url(preview: bytes) -> str:
    """Return a JPEG, at most 96 pixels wide and high, as a data URL."""
    small = io.BytesIO()
    with Image.open(io.BytesIO(preview)) as picture:
        picture.draft("RGB", (_THUMBNAIL, _THUMBNAIL))
        picture.thumbnail((_THUMBNAIL, _THUMBNAIL))
        picture.save(small, "JPEG")
    return "data:image/jpeg;base64," + base64.b64encode(small.getvalue()).decode("ascii")


def clear_analyses() -> None:
    """Drop all that this session found in photos."""
    for key in (_CACHE, EXPLANATIONS):
        st.session_state.pop(key, None)


def _progress_text(done: int, waiting: int) -> str:
    if waiting == 1:
        return "Detecting faces ..."
    return f"Analysed {done} of {waiting} photos"
