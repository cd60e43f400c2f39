"""The Camera page: the camera itself, and what was recorded."""

from __future__ import annotations

import streamlit as st

from emosense.formatting import pluralize
from emosense.ui.camera.component import show_camera
from emosense.ui.camera.session import Recording, SessionCamera
from emosense.ui.components.model_picker import confidence_note, select_model
from emosense.ui.player.component import neutral_log_odds, show_player


def show_live(session: SessionCamera) -> None:
    """Show the model picker and the camera."""
    model = select_model()
    if model is None:
        return
    session.camera.model = model
    show_camera(session.address, model=model, neutral=neutral_log_odds(model), key="camera")
    st.caption(
        "Pictures of the camera are analysed in the memory of the machine that runs this app and never "
        "written to disk; a recording keeps numbers. Away from that machine browsers give the camera to pages over "
        "HTTPS only. " + confidence_note(model)
    )


def show_recordings(session: SessionCamera) -> None:
    """Show the recordings of this page, the newest first."""
    for recording in reversed(list(session.recordings.values())):
        with st.container(border=True):
            _show_recording(session, recording)


def _show_recording(session: SessionCamera, recording: Recording) -> None:
    result = recording.result
    left, right = st.columns([5, 1], vertical_alignment="center")
    left.markdown(
        f"**Recording {recording.number}**: {result.info.duration or 0:.1f} s, "
        f"{pluralize(len(result.frames), 'frame')}, numbers only"
    )
    right.button(
        "Remove",
        icon=":material/delete:",
        key=f"remove_recording_{recording.number}",
        on_click=session.remove,
        args=[recording.number],
        width="stretch",
    )
    show_player(
        recording.address,
        name=f"Recording {recording.number}",
        width=result.info.width,
        height=result.info.height,
        frames_per_second=result.info.frames_per_second or 25.0,
        duration=result.info.duration,
        neutral=neutral_log_odds(result.model),
        has_video=False,
        key=f"recording_{recording.number}",
    )
