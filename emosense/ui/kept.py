"""Choices that outlive a look at another page: Streamlit forgets widgets that a run does not show."""

from __future__ import annotations

import streamlit as st


def kept(key: str, default: object) -> str:
    """Return ``key`` for a widget without a default of its own, once it holds its value.

    That is the value it had when it was shown last, else ``default``.
    """
    before = f"kept_{key}"
    if key not in st.session_state:
        st.session_state[key] = st.session_state.get(before, default)
    st.session_state[before] = st.session_state[key]
    return key
