"""Clean-up: what a browser session uploaded is forgotten soon after its page is closed.

Streamlit keeps a session that was left for a while, so that a short loss of the network costs
nothing, but drops it only when another visitor comes. Here it is closed when the while is over.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from emosense.ui.session.malloc import trim_malloc

if TYPE_CHECKING:
    from streamlit.runtime.app_session import AppSession

_PART_OF_TIME = 0.9
_closing: dict[str, asyncio.TimerHandle] = {}
"""By session: what will close it. Used in the server's loop only."""


class SessionResource(ABC):
    """What a browser session has beside its widgets, and must be ended with it.

    >>> class Nothing(SessionResource):
    ...     def close(self):
    ...         print("closed")
    >>> Nothing().close()
    closed
    """

    @abstractmethod
    def close(self) -> None:
        """End it; nothing of it stays."""


Resource = TypeVar("Resource", bound=SessionResource)


def session_resource(make: Callable[[], Resource]) -> Resource:
    """Return this session's resource of a kind, made when it is first asked for.

    It outlives a short loss of the network, and is closed when the session is over.
    """
    key = f"resource_{make.__name__}"
    if key not in st.session_state:
        st.session_state[key] = make()
    return st.session_state[key]  # type: ignore[no-any-return]


def register_cleanup() -> None:
    """Register this session's clean-up for the time when it is over."""
    context = get_script_run_ctx()
    if context is not None and runtime.exists():
        _visit()


class _Visit:
    def __init__(self, session: str) -> None:
        self._id = session

    def left(self) -> None:
        """Close the session later, unless it is back by then; called in the server's loop."""
        session = runtime.get_instance().get_app_session(self._id) if runtime.exists() else None
        if session is None:
            return
        seconds_kept = float(st.get_option("server.disconnectedSessionTTL") or 0)
        # Only its last departure counts: it may have come back and left again.
        if (earlier := _closing.pop(self._id, None)) is not None:
            earlier.cancel()
        # A little earlier: after its time a session can no longer be closed by its name.
        _closing[self._id] = asyncio.get_running_loop().call_later(
            _PART_OF_TIME * seconds_kept, self._close, session
        )

    def _close(self, session: AppSession) -> None:
        _closing.pop(self._id, None)
        server = runtime.get_instance()
        if not server.is_active_session(self._id):
            server.close_session(self._id)
            for value in list(session.session_state.filtered_state.values()):
                if isinstance(value, SessionResource):
                    value.close()
            session.session_state.clear()  # the server still refers to the last session it saw
            trim_malloc()


@st.cache_resource(show_spinner=False, scope="session", on_release=_Visit.left)
def _visit() -> _Visit:
    context = get_script_run_ctx()
    assert context is not None
    return _Visit(context.session_id)
