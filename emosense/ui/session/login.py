"""An optional login before every page, with Streamlit's OpenID Connect."""

from __future__ import annotations

import streamlit as st
from streamlit.errors import StreamlitAuthError

from emosense import settings


def require_login() -> None:
    """End the run with a login button, if EMOSENSE_LOGIN asks for it and nobody is logged in."""
    if settings.LOGIN.text().lower() in ("no", "0", "false"):
        return
    # Without an [auth] section in the secrets nobody ever is: closed rather than open.
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
