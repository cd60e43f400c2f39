"""Optional login for all pages, by Streamlit's OpenID Connect."""

from __future__ import annotations

import streamlit as st
from streamlit.errors import StreamlitAuthError

from emosense.ui.access import is_login_required


def require_login() -> None:
    """Show only a login button if EMOSENSE_LOGIN requires login and the visitor is logged out."""
    if not is_login_required():
        return
    # Without an [auth] section in the secrets nobody can log in: access stays denied.
    if st.user.get("is_logged_in", False):
        return
    st.title("EmoSense")
    if st.button("Log in", type="primary", icon=":material/login:", key="login"):
        try:
            st.login()
        except StreamlitAuthError:
            st.error(
                "Login is required here, but it is not set up: expected an [auth] section in "
                ".streamlit/secrets.toml and the package Authlib. See docs/deployment.md.",
                icon=":material/error:",
            )
    st.stop()
