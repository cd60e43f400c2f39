"""The camera as a component of pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import streamlit as st

from emosense.ui.components.assets import root_path

_ASSETS: Final = Path(__file__).with_name("assets")
_camera = st.components.v2.component(
    "emosense_camera",
    html='<div class="camera"></div>',
    css=(_ASSETS / "camera.css").read_text("utf-8"),
    js=(_ASSETS / "mount.js").read_text("utf-8"),
)


def show_camera(address: str, *, model: str, neutral: list[float], key: str) -> None:
    """Show the camera; the page runs again after a recording, and if the server has started anew.

    Args:
        address: address of the camera, see :class:`emosense.ui.camera.cameras.Cameras`.
        model: registry name of the network that answers.
        neutral: log-odds of neutral faces, see :func:`emosense.video.baseline.neutral_reference`.
        key: key of the component.
    """
    data: dict[str, Any] = {
        "root": root_path(),
        "address": address,
        "model": model,
        "neutral": neutral,
    }
    _camera(
        key=key,
        data=data,
        on_recorded_change=lambda: None,
        on_unknown_change=lambda: None,
    )
