"""Styles and a script of every page, for what Streamlit itself lacks."""

from __future__ import annotations

from html import escape
from pathlib import Path

import streamlit as st

_FOLDER = Path(__file__).resolve().parent
_script = st.components.v2.component(
    "emosense_frame", js=(_FOLDER / "frame.js").read_text("utf-8"), isolate_styles=False
)
_STYLE = f"<style>{(_FOLDER / 'frame.css').read_text('utf-8')}</style>"


def show_frame() -> None:
    """Add styles and script to the page; call it once per script run."""
    st.html(_STYLE)
    _script(key="frame", height=1)


def announce(text: str) -> None:
    """Announce ``text`` to screen readers when it changes; it is not visible."""
    st.html(f'<div class="emosense-announcement" aria-description="{escape(text)}"></div>')


def dark() -> bool:
    """Return whether the page has a dark background."""
    return st.context.theme.type == "dark"
