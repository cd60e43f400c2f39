"""The occlusion explanation of a prediction, shown on demand."""

from __future__ import annotations

from typing import Any

import streamlit as st

from emosense.errors import EmoSenseError
from emosense.results import Face
from emosense.ui.components.markdown import escape_markdown
from emosense.ui.components.waiting import show_waits
from emosense.ui.photo.analysis import EXPLANATIONS, UploadAnalysis
from emosense.ui.photo.session import session_photos
from emosense.worker.lanes import PoolClient
from emosense.worker.messages import ExplainFace, FaceExplanation

_MAX_EXPLANATIONS = 60
_HEATMAP_SIDE = 300


@st.fragment
def show_explanation(
    client: PoolClient, analysis: UploadAnalysis, face: Face, model: str, key: str
) -> None:
    """Show a button that explains a face's prediction, then the explanation."""
    explanations: dict[Any, FaceExplanation] = st.session_state.setdefault(EXPLANATIONS, {})
    cache_key = (analysis.photo.digest, model, face.box)
    if cache_key not in explanations:
        placeholder = st.empty()
        pressed = placeholder.button(
            "Why?",
            icon=":material/center_focus_strong:",
            key=f"why_{key}",
            help="Shows which regions of the face the prediction depends on (occlusion "
            "sensitivity); takes about a second.",
        )
        if not pressed:
            return
        placeholder.empty()
        try:
            spinner = st.spinner("Blurring one region of the face after another ...")
            with spinner, show_waits("photo") as on_wait:
                request = ExplainFace(
                    data=analysis.photo.data, face=face, model=model, side=_HEATMAP_SIDE
                )
                explanation = client.reporting(on_wait).request(request)
                while len(explanations) >= _MAX_EXPLANATIONS:
                    explanations.pop(next(iter(explanations)))
                kept = [*explanations.values(), explanation]
                session_photos().explanations.resize(sum(len(each.picture) for each in kept))
        except EmoSenseError as error:
            st.error(escape_markdown(str(error)), icon=":material/error:")
            return
        explanations[cache_key] = explanation
    explanation = explanations[cache_key]
    st.image(explanation.picture, width=_HEATMAP_SIDE, alt=explanation.summary)
    st.caption(
        f"{explanation.summary} The picture is the network's input: blurring orange regions "
        f"makes {face.emotion} less probable, blurring blue regions more probable."
    )
