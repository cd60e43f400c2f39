"""Uploads by what they are: every uploader takes all, and says where else something belongs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import streamlit as st

from emosense.formatting import pluralize
from emosense.media.file_kind import HEAD_BYTES, Kind, file_kind
from emosense.ui.components.markdown import escape_markdown
from emosense.ui.navigation import link_to

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

_ELSEWHERE: Final[dict[Kind, tuple[str, str, str]]] = {
    "photo": ("a photo", "photos", "photo"),
    "video": ("a video", "videos", "video"),
    "archive": ("a zip archive", "zip archives", "batch"),
}
"""One and several of a kind in words, and the page that takes them."""
_NAMED: Final = 10


def group_by_kind(uploads: Iterable[UploadedFile]) -> dict[Kind, list[UploadedFile]]:
    """Return uploads by kind; every kind is there, and may be empty."""
    kinds: dict[Kind, list[UploadedFile]] = {"photo": [], "video": [], "archive": [], "other": []}
    for upload in uploads:
        upload.seek(0)
        kinds[file_kind(upload.read(HEAD_BYTES))].append(upload)
        upload.seek(0)
    return kinds


def redirect_uploads(kind: Kind, uploads: Sequence[UploadedFile]) -> None:
    """Say that uploads belong on another page, with a link there; nothing without uploads."""
    if not uploads:
        return
    singular, many, page = _ELSEWHERE[kind]
    title = page.capitalize()
    names = ", ".join(escape_markdown(upload.name) for upload in uploads[:_NAMED])
    rest = len(uploads) - _NAMED
    more = f" and {pluralize(rest, 'other')}" if rest > 0 else ""
    text = f"is {singular}: open it" if len(uploads) == 1 else f"are {many}: open them"
    st.info(f"**{names}**{more} {text} on the {title} page.", icon=":material/info:")
    link_to(page)
