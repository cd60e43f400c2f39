"""EmoSense: the ASGI application, pages and routes on one port. Start it with ``streamlit run app.py``."""

import runpy

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from emosense.ui import application

if get_script_run_ctx(suppress_warning=True) is None:
    app = st.App(
        application.SCRIPT,
        routes=application.routes(),
        middleware=application.middleware(),
        lifespan=application.lifespan,
    )
else:  # run as a script, e.g. by streamlit.testing.v1.AppTest
    runpy.run_path(str(application.SCRIPT))
