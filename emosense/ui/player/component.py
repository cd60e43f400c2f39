"""The player as a component of pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import streamlit as st

from emosense.emotions import EMOTIONS
from emosense.errors import ModelError
from emosense.export.formats import EXPORTS
from emosense.networks.registry import find_model
from emosense.ui.components.assets import root_path
from emosense.video.baseline import neutral_reference

_ASSETS: Final = Path(__file__).with_name("assets")
_player = st.components.v2.component(
    "emosense_player",
    html='<div class="player"></div>',
    css=(_ASSETS / "player.css").read_text("utf-8"),
    js=(_ASSETS / "mount.js").read_text("utf-8"),
)


def show_player(
    address: str,
    *,
    name: str,
    width: int,
    height: int,
    frames_per_second: float,
    duration: float | None,
    neutral: list[float] | None = None,
    has_video: bool = True,
    key: str,
) -> None:
    """Show a clip with its analysis.

    Args:
        address: address of the clip, see :class:`emosense.ui.player.clips.Clips`.
        name: name of the clip, for screen readers.
        width: width of the upright frames, in pixels; boxes are in them.
        height: height of the upright frames, in pixels.
        frames_per_second: frame rate of the clip, for steps of one frame.
        duration: duration of the clip in seconds, if it is known.
        neutral: log-odds of neutral faces, see :func:`emosense.video.baseline.neutral_reference`;
            None takes all emotions for equally probable.
        has_video: whether there is a video to play, beside the numbers.
        key: key of the component.
    """
    data: dict[str, Any] = {
        "root": f"{root_path()}/player",
        "address": address,
        "name": name,
        "width": width,
        "height": height,
        "framesPerSecond": frames_per_second,
        "duration": duration,
        "hasVideo": has_video,
        "neutral": neutral,
        "exports": [(name, export.label) for name, export in EXPORTS.items()],
    }
    # After an edit the page runs again, so that its charts and tables follow.
    _player(key=key, data=data, on_edited_change=lambda: None)


@st.cache_data(show_spinner=False)
def neutral_log_odds(model: str) -> list[float]:
    """Return the log-odds of neutral faces for a model; zeros if it has no predictions."""
    try:
        return [round(float(value), 4) for value in neutral_reference(find_model(model))]
    except ModelError:
        return [0.0] * len(EMOTIONS)
