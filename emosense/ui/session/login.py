"""Optional login for all pages, by Streamlit's OpenID Connect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import streamlit as st
from streamlit.errors import StreamlitAuthError

from emosense.ui.access import is_login_required
from emosense.ui.components.markdown import escape_markdown

_MAX_NAME: Final = 60


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


def show_account() -> None:
    """Show who is logged in, and a button to log out; nothing if the app asks for no login."""
    if not is_login_required():
        return
    with st.container(
        key="account",
        horizontal=True,
        horizontal_alignment="right",
        vertical_alignment="center",
        gap="small",
    ):
        st.caption(f"Logged in as {escape_markdown(_name(st.user.to_dict()))}", width="content")
        if st.button("Log out", type="tertiary", icon=":material/logout:", key="logout"):
            st.logout()


def _name(claims: Mapping[str, object]) -> str:
    """Return the name of a user (OpenID Connect Core 1.0, section 5.1), shortened."""
    names = (claims.get(claim) for claim in ("name", "preferred_username", "email", "sub"))
    name = next((str(name) for name in names if name), "a user without a name")
    return name if len(name) <= _MAX_NAME else f"{name[:_MAX_NAME]} ..."
