"""Opens the app in the visitor's browser once the server answers."""

from __future__ import annotations

import threading
import time
import urllib.request
import webbrowser
from typing import Final

import streamlit as st

from emosense import settings

_PAUSE: Final = 0.2
_MAX_SECONDS: Final = 60


def open_browser() -> None:
    """Open the app in a browser, if EMOSENSE_OPEN_BROWSER asks for it and there is a screen.

    Streamlit opens none for an ASGI application. Returns at once; a thread waits for the server.
    """
    wanted = settings.OPEN_BROWSER.text().lower() in ("yes", "1", "true")
    if wanted and not st.get_option("server.headless"):
        threading.Thread(target=_open_when_ready, daemon=True, name="emosense-browser").start()


def _open_when_ready() -> None:
    # The port is the one that was free, not always the one that was asked for.
    server = f"http://localhost:{st.get_option('server.port')}"
    deadline = time.monotonic() + _MAX_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{server}/healthz", timeout=5):
                break
        except OSError:
            time.sleep(_PAUSE)
    else:
        return
    base_path = (st.get_option("server.baseUrlPath") or "").strip("/")
    webbrowser.open(f"{server}/{base_path}")
