"""Uploads by kind: uploaders accept any file and link to the page that handles its kind."""

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

_PAGES: Final[dict[Kind, tuple[str, str, str]]] = {
    "photo": ("a photo", "photos", "photo"),
    "video": ("a video", "videos", "video"),
    "archive": ("a zip archive", "zip archives", "batch"),
}
"""Singular, plural and page of each kind."""
_MAX_NAMES: Final = 10


def group_by_kind(uploads: Iterable[UploadedFile]) -> dict[Kind, list[UploadedFile]]:
    """Return uploads by kind, detected from their content; each kind has a list, maybe empty."""
    kinds: dict[Kind, list[UploadedFile]] = {"photo": [], "video": [], "archive": [], "other": []}
    for upload in uploads:
        upload.seek(0)
        kinds[file_kind(upload.read(HEAD_BYTES))].append(upload)
        upload.seek(0)
    return kinds


def redirect_uploads(kind: Kind, uploads: Sequence[UploadedFile]) -> None:
    """Show that uploads belong on another page, with a link to it; nothing if there are none."""
    if not uploads:
        return
    singular, plural, page = _PAGES[kind]
    title = page.capitalize()
    names = ", ".join(escape_markdown(upload.name) for upload in uploads[:_MAX_NAMES])
    unnamed = len(uploads) - _MAX_NAMES
    others = f" and {pluralize(unnamed, 'other')}" if unnamed > 0 else ""
    text = f"is {singular}: open it" if len(uploads) == 1 else f"are {plural}: open them"
    st.info(f"**{names}**{others} {text} on the {title} page.", icon=":material/info:")
    link_to(page)
