"""All uses of Streamlit's private parts, in one place.

Written for Streamlit 1.67; ``tests/contract/test_streamlit_internals.py`` checks each of them against
the installed version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

if TYPE_CHECKING:
    from streamlit.runtime.app_session import AppSession
    from streamlit.runtime.websocket_session_manager import WebsocketSessionManager

STREAMLIT_VERSION: Final = "1.67"
"""The version whose private parts these are."""

STREAM_PATH: Final = "/_stcore/stream"
"""Path of Streamlit's WebSocket."""


def _session_manager() -> WebsocketSessionManager | None:
    manager = runtime.get_instance()._session_mgr if runtime.exists() else None
    return manager  # type: ignore[return-value]


def disconnected_sessions() -> list[tuple[AppSession, object]]:
    """Return the sessions whose browser has gone and that may still reconnect.

    Returns:
        Each session with an object that stands for its disconnection: another one after the
        session has reconnected and disconnected again.
    """
    manager = _session_manager()
    if manager is None:
        return []
    return [(info.session, info) for info in manager._session_storage.list()]


def session_id() -> str:
    """Return the id of the session whose script runs in this thread; empty outside of a script."""
    context = get_script_run_ctx(suppress_warning=True)
    return "" if context is None else context.session_id


def is_connected(session: str) -> bool:
    """Return whether a browser is connected to the session with this id."""
    return runtime.exists() and runtime.get_instance().is_active_session(session)


def end_session(session: AppSession) -> None:
    """End a disconnected session: its uploads are removed and its state is emptied."""
    if runtime.exists():
        runtime.get_instance().close_session(session.id)
    session.shutdown()  # if the storage of sessions has dropped it before; else it does nothing
    session.session_state.clear()  # the server keeps a reference to its last session
