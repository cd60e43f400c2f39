"""Runs the analyses of a page's photos and keeps what is done in the browser session."""

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
from emosense.results import PhotoFailure, PhotoResult
from emosense.ui.photo_input import Photo
from emosense.worker.client import InferenceWorker

EXPLANATIONS = "photo_explanations"
_CACHE = "photo_analyses"
_THUMBNAIL: Final = 96


@dataclass(frozen=True)
class Analysis:
    """A photo with its result and the pictures that show it.

    Attributes:
        photo: what was uploaded.
        result: what was found, or why nothing could be.
        preview: annotated photo as JPEG; empty for a failure.
        crops: one JPEG per face.
        thumbnail: the preview as a small data URL; empty for a failure.
    """

    photo: Photo
    result: PhotoResult | PhotoFailure
    preview: bytes = b""
    crops: tuple[bytes, ...] = ()
    thumbnail: str = ""


def analyse(
    worker: InferenceWorker, photos: Sequence[Photo], model: str, options: DetectorOptions
) -> list[Analysis]:
    """Analyse photos with progress; what this session analysed before is not done again."""
    earlier: dict[object, Analysis] = st.session_state.get(_CACHE, {})
    keys = [(photo.digest, photo.name, model, options) for photo in photos]
    waiting = sum(key not in earlier for key in keys)
    bar = st.progress(0.0, _told(0, waiting)) if waiting else None
    done: dict[object, Analysis] = {}
    finished = 0
    for key, photo in zip(keys, photos, strict=True):
        if key in earlier:
            done[key] = earlier[key]
            continue
        try:
            result, preview, crops = worker.photo(photo.data, photo.name, model, options)
            done[key] = Analysis(photo, result, preview, tuple(crops), thumbnail_url(preview))
            # Kept at once: a rerun in the middle loses nothing that was computed.
            st.session_state[_CACHE] = {**earlier, **done}
        except EmoSenseError as error:
            done[key] = Analysis(photo, PhotoFailure(photo.name, str(error)))
        finished += 1
        if bar is not None:
            bar.progress(finished / waiting, _told(finished, waiting))
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


def forget_analyses() -> None:
    """Drop all that this session found in photos."""
    for key in (_CACHE, EXPLANATIONS):
        st.session_state.pop(key, None)


def _told(done: int, waiting: int) -> str:
    if waiting == 1:
        return "Looking for faces ..."
    return f"Analysed {done} of {waiting} photos"
