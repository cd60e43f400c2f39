"""Uploads stay in memory while they arrive, too."""

from __future__ import annotations

import streamlit as st
from starlette.formparsers import MultiPartParser


def keep_uploads_in_memory() -> None:
    """Keep uploads from passing through a temporary file.

    Streamlit's server writes uploads of more than 1 MB to a nameless one while they arrive.
    """
    megabytes = int(st.get_option("server.maxUploadSize"))
    MultiPartParser.spool_max_size = (megabytes + 1) * 2**20
