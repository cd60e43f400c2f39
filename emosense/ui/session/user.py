"""Who the visitor of a page is, for the fair distribution of processor time."""

from __future__ import annotations

import streamlit as st

from emosense.ui import streamlit_internals
from emosense.ui.access import user_name
from emosense.worker.scheduler import Account


def session_account() -> Account:
    """Return the account of this browser session: its login, else its address."""
    user = user_name(dict(st.user)) or st.context.ip_address or "localhost"
    return Account(user, streamlit_internals.session_id())
