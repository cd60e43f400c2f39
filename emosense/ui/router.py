"""The script that Streamlit runs for every visitor and interaction: it shows the page of the URL."""

import streamlit as st

from emosense.errors import EmoSenseError
from emosense.ui.components.markdown import escape_markdown
from emosense.ui.navigation import navigate, show_footer

try:
    navigate().run()
except EmoSenseError as error:  # e.g. an invalid setting
    st.error(escape_markdown(str(error)), icon=":material/error:")
show_footer()
