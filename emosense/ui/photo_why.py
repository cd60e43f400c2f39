"""Shows on demand what the answer for a face rests on."""

from __future__ import annotations

from typing import Any

import streamlit as st

from emosense.errors import EmoSenseError
from emosense.results import Face
from emosense.ui.photo_analysis import EXPLANATIONS, Analysis
from emosense.worker.client import InferenceWorker

_MOST = 60
_SIDE = 300


@st.fragment
def show_why(worker: InferenceWorker, analysis: Analysis, face: Face, model: str, key: str) -> None:
    """Show a button, and once it was pressed the explanation of a face's answer."""
    kept: dict[Any, dict[str, Any]] = st.session_state.setdefault(EXPLANATIONS, {})
    name = (analysis.photo.digest, model, face.box)
    if name not in kept:
        slot = st.empty()
        pressed = slot.button(
            "Why?",
            icon=":material/center_focus_strong:",
            key=f"why_{key}",
            help="Shows which parts of the face the answer rests on; takes about a second.",
        )
        if not pressed:
            return
        slot.empty()
        try:
            with st.spinner("Hiding one part of the face after another ..."):
                found = worker.ask(
                    "explain", data=analysis.photo.data, face=face, model=model, side=_SIDE
                )
        except EmoSenseError as error:
            st.error(str(error), icon=":material/error:")
            return
        while len(kept) >= _MOST:
            kept.pop(next(iter(kept)))
        kept[name] = found
    st.image(kept[name]["picture"], width=_SIDE, alt=kept[name]["told"])
    st.caption(
        f"{kept[name]['told']} What the network saw: blurring orange parts makes it less sure "
        f"of {face.emotion}, blurring blue parts surer."
    )
