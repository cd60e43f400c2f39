"""Batch page: hundreds of photos at once, one table, the faces of each emotion."""

import streamlit as st

from emosense.ui.batch_input import choose_and_start
from emosense.ui.batch_session import session_batches
from emosense.ui.batch_view import show_empty, show_jobs
from emosense.ui.routing import require_router

require_router()

st.title("What do all these faces express?")
batches = session_batches()
if not choose_and_start(batches) and not batches.jobs:
    show_empty()
show_jobs(batches)
