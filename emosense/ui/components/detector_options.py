"""Detector options for photos, shared by all pages of a session."""

from __future__ import annotations

import streamlit as st

from emosense.faces.options import SMALL_FACES_LONG_SIDE, STRICT_THRESHOLD, DetectorOptions
from emosense.ui.session.query_params import query_flag, query_number


def select_detector_options() -> DetectorOptions:
    """Show the controls for the detector options and return the options."""
    defaults = DetectorOptions()
    with st.popover("Options", icon=":material/tune:", width="stretch"):
        strict = query_flag(
            "strict",
            False,
            lambda key: st.toggle(
                "Strict",
                key=key,
                help="Only faces with a high detection score: fewer false positives, more missed "
                "faces.",
            ),
        )
        rotated = query_flag(
            "turned",
            False,
            lambda key: st.toggle(
                "Look for turned faces too",
                key=key,
                help="Searches the photo in four directions, which takes four times as long.",
            ),
        )
        small_faces = query_flag(
            "small",
            False,
            lambda key: st.toggle(
                "Look for small faces too",
                key=key,
                help="Searches large photos at a finer resolution, which takes several times as "
                "long.",
            ),
        )
        min_face = query_number(
            "smallest",
            10,
            200,
            defaults.min_face,
            lambda key: st.slider("Smallest face (px)", 10, 200, key=key),
        )
    threshold = STRICT_THRESHOLD if strict else defaults.threshold
    long_side = SMALL_FACES_LONG_SIDE if small_faces else defaults.long_side
    return DetectorOptions(threshold, min_face, long_side, rotated)
