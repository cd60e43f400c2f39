"""Photo uploads of the Photo page, and its sample."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from emosense import settings
from emosense.formatting import pluralize
from emosense.media.formats import PHOTO_FORMATS
from emosense.samples import SAMPLE_CREDIT, SAMPLE_NAME, sample_photo
from emosense.ui.components.upload_kinds import group_by_kind, redirect_uploads
from emosense.ui.components.upload_limits import within_limit
from emosense.ui.navigation import link_to
from emosense.ui.photo.session import Photo, SessionPhotos, session_photos

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

_UPLOADS = "photo_uploads"


def upload_photos() -> list[Photo]:
    """Show the uploader and the sample button, and return the photos to analyse.

    Streamlit empties the uploader when another page is visited; its photos are kept in the session.
    """
    limit = settings.MAX_PHOTOS.whole()
    photos = session_photos()
    if _UPLOADS not in st.session_state:  # first visit, or back from another page
        photos.leave_uploader(limit)
    uploads = st.file_uploader(
        f"Photos, up to {limit} at a time and {settings.MAX_MEGAPIXELS.number():.0f} "
        "megapixels each",
        accept_multiple_files=True,
        max_upload_size=settings.MAX_PHOTO_MB.whole(),
        key=_UPLOADS,
        help=f"{PHOTO_FORMATS}. Anything else is recognised by its content.",
    )
    taken = _take_photo()
    kinds = group_by_kind(within_limit(uploads + taken, settings.MAX_PHOTO_MB.whole()))
    redirect_uploads("video", kinds["video"])
    redirect_uploads("archive", kinds["archive"])
    files = kinds["photo"] + kinds["other"]  # the decoder reports what other files are
    current = _read_uploads(files[:limit], photos)
    earlier = [photo for photo in photos.earlier if photo not in current]
    if earlier and st.button(
        f"Remove {pluralize(len(earlier), 'earlier photo')}",
        icon=":material/delete:",
        key="photo_remove",
    ):
        photos.earlier = []
        st.rerun()
    if current or earlier:
        st.session_state["photo_sample"] = False
        _warn_about_limit(len(files) + len(earlier), limit)
        return [*earlier, *current][:limit]
    if st.button("Try a sample", icon=":material/image:", key="photo_sample_button"):
        st.session_state["photo_sample"] = True
    if st.session_state.get("photo_sample"):
        st.caption(SAMPLE_CREDIT)
        return [_photo(SAMPLE_NAME, sample_photo())]
    return []


def _take_photo() -> list[UploadedFile]:
    """Show the camera if it is asked for; return the photo that was taken with it, or nothing."""
    if not st.toggle("Take a photo", key="photo_camera"):
        return []
    taken = st.camera_input("Take a photo", label_visibility="collapsed", key="photo_taken")
    return [] if taken is None else [taken]


def _warn_about_limit(count: int, limit: int) -> None:
    if count <= limit:
        return
    st.warning(
        f"Expected at most {limit} photos at a time. Received: {count}. The first {limit} are "
        "analysed. The Batch page takes "
        f"{settings.MAX_BATCH_PHOTOS.whole()} at once, and zip archives of photos.",
        icon=":material/warning:",
    )
    link_to("batch")


def _read_uploads(uploads: Sequence[UploadedFile], photos: SessionPhotos) -> list[Photo]:
    """Return uploads as photos; the session caches them, so each is read and hashed once."""
    cached = photos.current
    photos.current = {
        upload.file_id: cached.get(upload.file_id) or _photo(upload.name, upload.getvalue())
        for upload in uploads
    }
    return list(photos.current.values())


def _photo(name: str, data: bytes) -> Photo:
    return Photo(name, data, hashlib.sha256(data).hexdigest())
