"""EmoSense: the app's router. Start it with ``streamlit run app.py``."""

import streamlit as st

st.set_page_config(page_title="EmoSense", page_icon="🙂", layout="wide")

st.navigation(
    [
        st.Page("pages/photo.py", title="Photo", icon=":material/photo_camera:", default=True),
        st.Page("pages/about.py", title="About", icon=":material/info:"),
    ],
    position="top",
).run()
