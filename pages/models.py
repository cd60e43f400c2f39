"""Models page: which network, why, and can it be believed?"""

import streamlit as st

from emosense.ui.dashboard import (
    architecture,
    classes,
    confusion,
    head_to_head,
    overview,
    training,
    trust,
)
from emosense.ui.dashboard.made import show_made
from emosense.ui.dashboard.selection import choose_models, choose_view
from emosense.ui.routing import require_router, show_title

require_router()

VIEWS = {
    "overview": ("Overview", overview),
    "confusion": ("Confusion", confusion),
    "classes": ("Classes", classes),
    "training": ("Training", training),
    "trust": ("Trust", trust),
    "architecture": ("Architecture", architecture),
    "compare": ("Head to head", head_to_head),
}

heading = st.container()
view = choose_view({name: title for name, (title, _) in VIEWS.items()})
title, shown = VIEWS[view]
with heading:
    show_title("Which network, and why believe it?", title, "Models")
selection = choose_models(of_images=shown not in (training, architecture))
if selection is not None:
    shown.show(selection)
    show_made(selection)
