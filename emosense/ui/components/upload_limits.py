"""The uploaders' size limits, checked on the server: browsers check them only for honest visitors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import streamlit as st

from emosense.ui.components.markdown import escape_markdown

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile


def within_limit(uploads: Iterable[UploadedFile], megabytes: int) -> list[UploadedFile]:
    """Return the uploads of at most ``megabytes`` MB; larger ones are reported and left out."""
    accepted = []
    for upload in uploads:
        if upload.size <= megabytes * 2**20:
            accepted.append(upload)
        else:
            st.error(
                f"**{escape_markdown(upload.name)}**: Expected at most {megabytes} MB. Received: "
                f"{upload.size / 2**20:.1f} MB.",
                icon=":material/error:",
            )
    return accepted
