"""Photo page: the expression of each face in uploaded photos."""

import streamlit as st

from emosense.services import services
from emosense.ui.components.detector_options import select_detector_options
from emosense.ui.components.model_picker import select_model
from emosense.ui.navigation import require_router, show_title
from emosense.ui.photo.analysis import analyze_photos, clear_analyses
from emosense.ui.photo.input import upload_photos
from emosense.ui.photo.view import show_empty, show_results
from emosense.ui.session.user import session_client


def show() -> None:
    """Show the page; in a function, as photos in a script's globals would outlive its run."""
    show_title("What does a face express?", "Photo")
    model_column, options_column = st.columns([3, 1], vertical_alignment="bottom")
    with model_column:
        model = select_model()
    with options_column:
        options = select_detector_options()
    photos = upload_photos()
    if model is not None and photos:
        pool = services().photos.pool
        analyses = analyze_photos(pool, photos, model, options)
        show_results(session_client(pool), analyses)
    elif not photos:
        clear_analyses()
        show_empty()


require_router()
show()
