"""Photo page: upload photos, see what each face expresses."""

import streamlit as st

from emosense.ui.detector_options import choose_options
from emosense.ui.models import pick_model
from emosense.ui.photo_analysis import analyse, forget_analyses
from emosense.ui.photo_input import choose_photos
from emosense.ui.photo_view import show_empty, show_results
from emosense.ui.routing import require_router, show_title
from emosense.ui.worker import shared_worker


def show() -> None:
    """Show the page. A function, since a script's globals outlive it, and with them the photos."""
    worker = shared_worker()
    show_title("What does a face express?", "Photo")
    model_column, options_column = st.columns([3, 1], vertical_alignment="bottom")
    with model_column:
        model = pick_model()
    with options_column:
        options = choose_options()
    photos = choose_photos()
    if model is not None and photos:
        show_results(worker, analyse(worker, photos, model, options))
    elif not photos:
        forget_analyses()
        show_empty()


require_router()
show()
