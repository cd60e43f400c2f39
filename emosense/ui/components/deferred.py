"""Parts of a page that are drawn once the visitor scrolls to them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import streamlit as st

_REACHED: Final = "reached_"
_place = st.components.v2.component(
    "emosense_deferred",
    html='<div class="emosense-deferred" role="img"></div>',
    css=".emosense-deferred { border-radius: 0.6rem; background: var(--st-secondary-background-color); }",
    js=Path(__file__).with_name("deferred.js").read_text("utf-8"),
    isolate_styles=False,
)


def show_when_reached(name: str, height: int, alt: str, show: Callable[[], None]) -> None:
    """Show a part of the page once it is in the browser's window, and keep it from then on.

    Charts are what a page takes longest to draw: one further down need not hold up those above.

    Args:
        name: name of the part, unique on the page.
        height: height of the empty place before, in pixels.
        alt: text of the place for screen readers.
        show: function that shows the part.
    """
    key = f"{_REACHED}{name}"
    slot = st.empty()
    if not st.session_state.get(key):
        with slot:
            place = _place(
                key=f"deferred_{name}",
                height=height,
                data={"height": height, "alt": alt},
                on_reached_change=lambda: None,
            )
        # A state of the whole page, no trigger and no fragment: of several places that are reached
        # at once only one would be shown.
        if not place.get("reached"):
            return
        st.session_state[key] = True
    with slot:
        show()
