"""Models page: which network, why, and can it be believed?"""

import streamlit as st

from emosense.ui.models import (
    architecture,
    calibration,
    classes,
    comparison,
    confusion,
    overview,
    training,
)
from emosense.ui.models.provenance import show_provenance
from emosense.ui.models.selection import select_models, select_view
from emosense.ui.navigation import require_router, show_title

require_router()

VIEWS = {
    "overview": ("Overview", overview),
    "confusion": ("Confusion", confusion),
    "classes": ("Classes", classes),
    "training": ("Training", training),
    "trust": ("Trust", calibration),
    "architecture": ("Architecture", architecture),
    "compare": ("Head to head", comparison),
}

heading = st.container()
view = select_view({name: title for name, (title, _) in VIEWS.items()})
title, shown = VIEWS[view]
with heading:
    show_title("Which network, and why believe it?", title, "Models")
selection = select_models(of_images=shown not in (training, architecture))
if selection is not None:
    shown.show(selection)
    show_provenance(selection)
