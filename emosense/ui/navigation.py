"""Navigation: the app's pages, titles, links and footer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import streamlit as st

from emosense.runtime.malloc import limit_malloc_arenas
from emosense.ui.components.frame import dark, show_frame
from emosense.ui.session.login import require_login, show_account
from emosense.ui.session.owner import count_running, join_owner
from emosense.ui.session.query_params import PAGE

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

_PAGES = Path(__file__).resolve().parents[2] / "pages"
_TITLES: Final = {
    "photo": ("Photo", ":material/photo_camera:"),
    "video": ("Video", ":material/videocam:"),
    "camera": ("Camera", ":material/photo_camera_front:"),
    "batch": ("Batch", ":material/photo_library:"),
    "models": ("Models", ":material/monitoring:"),
    "responsible": ("Responsible use", ":material/balance:"),
    "about": ("About", ":material/info:"),
}
"""Menu title and icon of each page, by file name without extension."""

_RESPONSIBLE = _PAGES / "responsible.py"
_ROUTED = "routed"
_NAME = "EmoSense"
_LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 126 28" width="126" height="28">'
    '<g fill="none" stroke="{colour}" stroke-width="2.4" stroke-linecap="round">'
    '<circle cx="14" cy="14" r="11"/><path d="M9 16.5q5 5 10 0"/><path d="M10 10.5v.2M18 10.5v.2"/>'
    '</g><text x="31" y="20.5" font-family="Source Sans Pro, Source Sans, Helvetica, Arial, sans-serif" '
    'font-weight="700" font-size="19" textLength="92" lengthAdjust="spacingAndGlyphs" fill="{colour}">EmoSense</text></svg>'
)


def navigate() -> StreamlitPage:
    """Set up the app and return the page of the URL."""
    # An emoji as page icon: browsers would load a Material icon from another server.
    st.set_page_config(page_title=_NAME, page_icon="🙂", layout="wide")
    limit_malloc_arenas()
    require_login()
    join_owner()
    st.session_state[_ROUTED] = True
    st.logo(_LOGO.format(colour="#8AB0FF" if dark() else "#2457C5"), size="large")
    show_frame()
    running = count_running()
    page = st.navigation(
        [
            st.Page(
                _PAGES / f"{page}.py",
                title=f"{title} ({running})" if page == "video" and running else title,
                icon=icon,
                default=page == "photo",
            )
            for page, (title, icon) in _TITLES.items()
        ],
        position="top",
    )
    st.session_state[PAGE] = page.url_path
    show_account()
    if running:
        _watch_jobs(running)
    return page


@st.fragment(run_every=2.0)
def _watch_jobs(shown: int) -> None:
    """Run the page again once another number of videos is analysed than its menu shows."""
    if count_running() != shown:
        st.rerun()


def show_title(heading: str, *names: str) -> None:
    """Show a page's heading and set the title in the browser's tab and history.

    Args:
        heading: heading on the page.
        names: parts of the browser's title: the view's title, if the page has views, then the
            page's title.
    """
    st.set_page_config(page_title=" · ".join((*names, _NAME)))
    st.title(heading)


def link_to(page: str, model: str | None = None) -> None:
    """Show a link to a page.

    Args:
        page: name of the page's file, e.g. ``video``.
        model: name of the model that is selected there; None for the page as it was.
    """
    title, icon = _TITLES[page]
    st.page_link(
        _PAGES / f"{page}.py",
        label=f"Open the {title} page",
        icon=icon,
        query_params=None if model is None else {"model": model},
    )


def go_to(page: str, **parameters: str) -> None:
    """Open another page in the same session; the script of this one ends.

    Args:
        page: name of the page's file, e.g. ``models``.
        parameters: query parameters of its URL.
    """
    st.switch_page(_PAGES / f"{page}.py", query_params=parameters)


def show_footer() -> None:
    """Show the footer of every page."""
    with st.container(key="footer"):
        st.divider()
        st.page_link(
            _RESPONSIBLE,
            label="An expression is not a feeling",
            icon=":material/balance:",
        )


def require_router() -> None:
    """Rerun through app.py if Streamlit ran the page without it.

    Until app.py has run once, Streamlit opens a deep link by running only the file in pages/,
    without navigation and page settings.
    """
    if not st.session_state.get(_ROUTED):
        navigate()
        st.rerun()
