"""What a browser session uploaded is forgotten soon after its page is closed.

Streamlit keeps a session that was left for a while, so that a short loss of the network costs
nothing, but drops it only when another visitor comes. Here it is closed when the while is over.
"""

from __future__ import annotations

import asyncio

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

_PART_OF_TIME = 0.9


def forget_when_left() -> None:
    """See to it that nothing of this session is kept once it is over."""
    context = get_script_run_ctx()
    if context is not None and runtime.exists():
        _visit()


class _Visit:
    def __init__(self, session: str) -> None:
        self._session = session

    def left(self) -> None:
        """Close the session later, unless it is back by then; called in the server's loop."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        kept = float(st.get_option("server.disconnectedSessionTTL") or 0)
        # A little earlier: after its time a session can no longer be closed by its name.
        loop.call_later(_PART_OF_TIME * kept, self._close)

    def _close(self) -> None:
        server = runtime.get_instance()
        if not server.is_active_session(self._session):
            server.close_session(self._session)


@st.cache_resource(show_spinner=False, scope="session", on_release=_Visit.left)
def _visit() -> _Visit:
    context = get_script_run_ctx()
    assert context is not None
    return _Visit(context.session_id)
