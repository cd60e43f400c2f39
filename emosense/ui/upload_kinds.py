"""Uploads by what they are: every uploader takes all, and says where else something belongs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import streamlit as st

from emosense.formatting import counted
from emosense.media.file_kind import HEAD_BYTES, Kind, file_kind
from emosense.ui.routing import link_to
from emosense.ui.text import plain

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

_ELSEWHERE: Final[dict[Kind, tuple[str, str, str]]] = {
    "photo": ("a photo", "photos", "photo"),
    "video": ("a video", "videos", "video"),
    "archive": ("a zip archive", "zip archives", "batch"),
}
"""One and several of a kind in words, and the page that takes them."""


def divided(uploads: Iterable[UploadedFile]) -> dict[Kind, list[UploadedFile]]:
    """Return uploads by kind; every kind is there, and may be empty."""
    kinds: dict[Kind, list[UploadedFile]] = {"photo": [], "video": [], "archive": [], "other": []}
    for upload in uploads:
        upload.seek(0)
        kinds[file_kind(upload.read(HEAD_BYTES))].append(upload)
        upload.seek(0)
    return kinds


def point_elsewhere(kind: Kind, uploads: Sequence[UploadedFile]) -> None:
    """Say that uploads belong on another page, with a link there; nothing without uploads."""
    if not uploads:
        return
    one, many, page = _ELSEWHERE[kind]
    title = page.capitalize()
    names = ", ".join(plain(upload.name) for upload in uploads[:3])
    more = f" and {counted(len(uploads) - 3, 'other')}" if len(uploads) > 3 else ""
    told = f"is {one}: open it" if len(uploads) == 1 else f"are {many}: open them"
    st.info(f"**{names}**{more} {told} on the {title} page.", icon=":material/info:")
    link_to(page)
