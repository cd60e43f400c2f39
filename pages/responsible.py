"""Responsible use: what an expression can and cannot tell, and how often a network is wrong."""

from pathlib import Path

import streamlit as st

from emosense.ui.models import usable_models
from emosense.ui.responsible import show_error_rates
from emosense.ui.routing import require_router, show_title

require_router()

text = (Path(__file__).resolve().parents[1] / "docs" / "responsible-use.md").read_text("utf-8")
title, _, body = text.removeprefix("# ").partition("\n")
show_title(title, "Responsible use")
st.markdown(body)
show_error_rates(usable_models())
