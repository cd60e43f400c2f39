"""Clean-up: a browser session's uploads and results are removed soon after its page is closed.

Streamlit keeps a disconnected session for a time to live (TTL), so that it survives a short loss of
the network, but drops expired sessions only when another visitor connects. Here a timer closes it.
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

_TTL_FRACTION = 0.9
_closing: dict[str, asyncio.TimerHandle] = {}
"""Timers that will close disconnected sessions, by session id; for the server's event loop only."""


class SessionResource(ABC):
    """A resource that must be closed when its browser session ends, such as files or jobs.

    >>> class Folder(SessionResource):
    ...     def close(self):
    ...         print("closed")
    >>> Folder().close()
    closed
    """

    @abstractmethod
    def close(self) -> None:
        """Release the resource: its jobs, memory and files."""


Resource = TypeVar("Resource", bound=SessionResource)


def session_resource(make: Callable[[], Resource]) -> Resource:
    """Return this session's instance of a resource, created on first use.

    It survives a short loss of the network and is closed when the session ends.

    Args:
        make: class of the resource, or a named function that creates it.
    """
    key = f"resource_{make.__name__}"
    if key not in st.session_state:
        st.session_state[key] = make()
    return st.session_state[key]  # type: ignore[no-any-return]


def register_cleanup() -> None:
    """Register this session's clean-up, which runs after it has disconnected."""
    context = get_script_run_ctx()
    if context is not None and runtime.exists():
        _session_watcher()


class _SessionWatcher:
    def __init__(self, session_id: str) -> None:
        self._id = session_id

    def on_disconnect(self) -> None:
        """Schedule closing the session, if it does not reconnect; runs in the server's event loop."""
        session = runtime.get_instance().get_app_session(self._id) if runtime.exists() else None
        if session is None:
            return
        ttl = float(st.get_option("server.disconnectedSessionTTL") or 0)
        # A session can reconnect and disconnect again: only the last time counts.
        if (timer := _closing.pop(self._id, None)) is not None:
            timer.cancel()
        # A little before the TTL is over: expired sessions can no longer be closed by their id.
        _closing[self._id] = asyncio.get_running_loop().call_later(
            _TTL_FRACTION * ttl, self._close, session
        )

    def _close(self, session: AppSession) -> None:
        _closing.pop(self._id, None)
        server = runtime.get_instance()
        if not server.is_active_session(self._id):
            server.close_session(self._id)
            for value in list(session.session_state.filtered_state.values()):
                if isinstance(value, SessionResource):
                    value.close()
            session.session_state.clear()  # the server keeps a reference to its last session
            trim_malloc()


@st.cache_resource(show_spinner=False, scope="session", on_release=_SessionWatcher.on_disconnect)
def _session_watcher() -> _SessionWatcher:
    context = get_script_run_ctx()
    assert context is not None
    return _SessionWatcher(context.session_id)
