"""Responsible use page: limits of expression recognition, and the networks' error rates."""

from pathlib import Path

import streamlit as st

from emosense.ui.components.model_picker import loadable_models
from emosense.ui.navigation import require_router, show_title
from emosense.ui.responsible.error_rates import show_error_rates

require_router()

text = (Path(__file__).resolve().parents[1] / "docs" / "responsible-use.md").read_text("utf-8")
title, _, body = text.removeprefix("# ").partition("\n")
show_title(title, "Responsible use")
st.markdown(body)
show_error_rates(loadable_models())
