"""What the Photo page analyses: uploads or the sample, each under a stable key."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import streamlit as st

from emosense import settings
from emosense.faces.options import SMALL_FACES_LONG_SIDE, STRICT_THRESHOLD, DetectorOptions
from emosense.media.formats import photo_suffixes
from emosense.samples import SAMPLE_CREDIT, SAMPLE_NAME, sample_photo
from emosense.ui.kept import kept
from emosense.ui.text import counted

_UPLOADS = "photo_uploads"
_SHOWN = "photo_shown"
_BEFORE = "photo_before"


@dataclass(frozen=True)
class Photo:
    """An uploaded photo: its name, bytes, and their SHA-256."""

    name: str
    data: bytes
    digest: str


def choose_photos() -> list[Photo]:
    """Show the uploader and the sample button; return what is to be analysed.

    A look at another page empties the uploader, but what was in it stays.
    """
    limit = settings.MAX_PHOTOS.whole()
    if _UPLOADS not in st.session_state:  # first visit, or back from another page
        st.session_state[_BEFORE] = list(dict.fromkeys([*_held(_BEFORE), *_held(_SHOWN)]))
    uploads = st.file_uploader(
        f"Photos, up to {limit} at a time and {settings.MAX_MEGAPIXELS.number():.0f} "
        "megapixels each",
        type=list(photo_suffixes()),
        accept_multiple_files=True,
        max_upload_size=settings.MAX_PHOTO_MB.whole(),
        key=_UPLOADS,
    )
    shown = [_photo(upload.name, upload.getvalue()) for upload in uploads[:limit]]
    st.session_state[_SHOWN] = shown
    before = [photo for photo in _held(_BEFORE) if photo not in shown]
    if before and st.button(
        f"Remove {counted(len(before), 'earlier photo')}",
        icon=":material/delete:",
        key="photo_remove",
    ):
        st.session_state[_BEFORE] = []
        st.rerun()
    if shown or before:
        st.session_state["photo_sample"] = False
        count = len(uploads) + len(before)
        if count > limit:
            st.warning(
                f"Expected at most {limit} photos at a time. Received: {count}. "
                f"The first {limit} are analysed.",
                icon=":material/warning:",
            )
        return [*before, *shown][:limit]
    if st.button("Try a sample", icon=":material/image:", key="photo_sample_button"):
        st.session_state["photo_sample"] = True
    if st.session_state.get("photo_sample"):
        st.caption(SAMPLE_CREDIT)
        return [_photo(SAMPLE_NAME, sample_photo())]
    return []


def _held(key: str) -> list[Photo]:
    return list(st.session_state.get(key, ()))


def choose_options(page: str = "photo") -> DetectorOptions:
    """Show the detector's options, under keys that begin with ``page``, and return them."""
    with st.popover("Options", icon=":material/tune:", width="stretch"):
        strict = st.toggle(
            "Strict",
            key=kept(f"{page}_strict", False),
            help="Only faces that the detector is very sure of: fewer false ones, some missed.",
        )
        turned = st.toggle(
            "Look for turned faces too",
            key=kept(f"{page}_turned", False),
            help="Searches the photo in four directions, which takes four times as long.",
        )
        small = st.toggle(
            "Look for small faces too",
            key=kept(f"{page}_small", False),
            help="Searches large photos at a finer resolution, which takes several times as long.",
        )
        smallest = st.slider(
            "Smallest face (px)",
            10,
            200,
            key=kept(f"{page}_min_face", DetectorOptions().min_face),
        )
    threshold = STRICT_THRESHOLD if strict else DetectorOptions().threshold
    long_side = SMALL_FACES_LONG_SIDE if small else DetectorOptions().long_side
    return DetectorOptions(threshold, smallest, long_side, turned)


def _photo(name: str, data: bytes) -> Photo:
    return Photo(name, data, hashlib.sha256(data).hexdigest())
