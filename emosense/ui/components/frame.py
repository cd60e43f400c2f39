"""What every page has around it: styles, and a script for what Streamlit leaves to the app."""

from __future__ import annotations

from html import escape
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).resolve().parent
_script = st.components.v2.component(
    "emosense_frame", js=(_HERE / "frame.js").read_text("utf-8"), isolate_styles=False
)
_STYLE = f"<style>{(_HERE / 'frame.css').read_text('utf-8')}</style>"


def show_frame() -> None:
    """Put styles and script into the page; to be called once in a run."""
    st.html(_STYLE)
    _script(key="frame", height=1)


def announce(text: str) -> None:
    """Let screen readers say ``text`` when it changes; nothing is seen of it."""
    st.html(f'<div class="emosense-announcement" aria-description="{escape(text)}"></div>')


def dark() -> bool:
    """Whether the page is shown on a dark ground."""
    return st.context.theme.type == "dark"
