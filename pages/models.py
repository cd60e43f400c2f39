"""Models page: metrics, calibration and comparison of the networks."""

import streamlit as st

from emosense.ui.models import (
    architecture,
    calibration,
    classes,
    comparison,
    confusion,
    images,
    overview,
    robustness,
    slices,
    training,
)
from emosense.ui.models.own_set import view as own_set
from emosense.ui.models.provenance import show_provenance
from emosense.ui.models.report import show_report
from emosense.ui.models.selection import select_models, select_view
from emosense.ui.navigation import require_router, show_title

require_router()

VIEWS = {
    "overview": ("Overview", overview),
    "confusion": ("Confusion matrix", confusion),
    "classes": ("Per class", classes),
    "training": ("Training", training),
    "trust": ("Calibration", calibration),
    "slices": ("Slices", slices),
    "robustness": ("Robustness", robustness),
    "architecture": ("Architecture", architecture),
    "compare": ("Comparison", comparison),
    "images": ("Images", images),
    "own": ("Your photos", own_set),
}

heading = st.container()
view = select_view({name: title for name, (title, _) in VIEWS.items()})
title, module = VIEWS[view]
with heading:
    show_title("Which network, and why believe it?", title, "Models")
if module is own_set:
    own_set.show()
elif selection := select_models(with_images=module not in (training, architecture)):
    module.show(selection)
    show_report(selection)
    show_provenance(selection)
