"""The explanation of a prediction, shown on demand."""

from __future__ import annotations

from typing import Any

import streamlit as st

from emosense.errors import EmoSenseError
from emosense.results import Face
from emosense.ui.photo.analysis import EXPLANATIONS, UploadAnalysis
from emosense.worker.client import InferenceWorker
from emosense.worker.messages import ExplainFace, FaceExplanation

_MAX_EXPLANATIONS = 60
_SIDE = 300


@st.fragment
def show_explanation(
    worker: InferenceWorker, analysis: UploadAnalysis, face: Face, model: str, key: str
) -> None:
    """Show a button, and once it was pressed the explanation of a face's answer."""
    explanations: dict[Any, FaceExplanation] = st.session_state.setdefault(EXPLANATIONS, {})
    cache_key = (analysis.photo.digest, model, face.box)
    if cache_key not in explanations:
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
                request = ExplainFace(data=analysis.photo.data, face=face, model=model, side=_SIDE)
                explanation = worker.request(request)
        except EmoSenseError as error:
            st.error(str(error), icon=":material/error:")
            return
        while len(explanations) >= _MAX_EXPLANATIONS:
            explanations.pop(next(iter(explanations)))
        explanations[cache_key] = explanation
    explanation = explanations[cache_key]
    st.image(explanation.picture, width=_SIDE, alt=explanation.summary)
    st.caption(
        f"{explanation.summary} What the network saw: blurring orange parts makes it less sure "
        f"of {face.emotion}, blurring blue parts surer."
    )
