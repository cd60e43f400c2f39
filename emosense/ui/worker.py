"""The one inference process that all sessions of the app share."""

from __future__ import annotations

import contextlib
import threading

import streamlit as st

from emosense import settings
from emosense.errors import EmoSenseError
from emosense.worker.client import InferenceWorker


@st.cache_resource(show_spinner=False)
def shared_worker() -> InferenceWorker:
    """Start the inference process once and warm it while the first page is shown."""
    worker = InferenceWorker()
    worker.start()

    def warm() -> None:
        # An error comes again, and is shown, when a photo is analysed.
        with contextlib.suppress(EmoSenseError):
            worker.ask("warm", model=settings.MODEL.text())

    threading.Thread(target=warm, daemon=True, name="emosense-warm").start()
    return worker
