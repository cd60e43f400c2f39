"""Uploads are kept in memory, also while they are received."""

from __future__ import annotations

import streamlit as st
from starlette.formparsers import MultiPartParser

from emosense import settings


def keep_uploads_in_memory() -> None:
    """Keep uploads in memory while the server receives them.

    By default Starlette, below Streamlit, spools uploads of more than 1 MB to a temporary file.
    """
    megabytes = max(
        int(st.get_option("server.maxUploadSize")), settings.MAX_SESSION_UPLOAD_MB.whole()
    )
    MultiPartParser.spool_max_size = (megabytes + 1) * 2**20
