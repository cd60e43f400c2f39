"""Clean-up: a browser session's uploads and results are removed soon after its page is closed.

Streamlit keeps a disconnected session for a time to live (TTL), so that it survives a short loss of
the network, but drops expired sessions only when another visitor connects. Here a timer closes it.
The timers stand in no cache of Streamlit, since every visitor can clear those.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, TypeVar

import streamlit as st

from emosense.ui import streamlit_internals
from emosense.ui.session.malloc import trim_malloc

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from emosense.ui.streamlit_internals import AppSession

_TTL_FRACTION: Final = 0.9


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

    def held_buffers(self) -> Iterable[bytes]:
        """Return the uploads that the resource keeps in memory."""
        return ()


Resource = TypeVar("Resource", bound=SessionResource)

_resources: dict[str, list[SessionResource]] = {}
"""The resources of each session, by its id: a session that logs out or that Streamlit drops is gone
at once, with its state."""


def session_resource(make: Callable[[], Resource]) -> Resource:
    """Return this session's instance of a resource, created on first use.

    It survives a short loss of the network and is closed when the session ends.

    Args:
        make: class of the resource, or a named function that creates it.
    """
    key = f"resource_{make.__name__}"
    if key not in st.session_state:
        st.session_state[key] = resource = make()
        _resources.setdefault(streamlit_internals.session_id(), []).append(resource)
    return st.session_state[key]  # type: ignore[no-any-return]


def held_buffers() -> dict[str, list[bytes]]:
    """Return the uploads that the resources of each session keep in memory, by session id."""
    return {
        session: [buffer for resource in resources for buffer in resource.held_buffers()]
        for session, resources in list(_resources.items())
    }


class SessionCleanupMiddleware:
    """ASGI middleware that closes sessions some time after their WebSocket has closed.

    Args:
        app: the application that it wraps.

    >>> async def app(scope, receive, send): ...
    >>> import asyncio
    >>> asyncio.run(SessionCleanupMiddleware(app)({"type": "http"}, None, None))
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._timers: dict[str, tuple[object, asyncio.TimerHandle]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; after a WebSocket has closed, schedule the end of its session."""
        try:
            await self._app(scope, receive, send)
        finally:
            if scope["type"] == "websocket":
                self._schedule()

    def _schedule(self) -> None:
        ttl = float(st.get_option("server.disconnectedSessionTTL") or 0)
        for session, disconnection in streamlit_internals.disconnected_sessions():
            earlier, timer = self._timers.get(session.id, (None, None))
            if earlier is disconnection:
                continue
            if timer is not None:  # it reconnected meanwhile: only the last disconnection counts
                timer.cancel()
            # A little before the TTL is over: expired sessions can no longer be closed by id.
            timer = asyncio.get_running_loop().call_later(_TTL_FRACTION * ttl, self._close, session)
            self._timers[session.id] = (disconnection, timer)
        for name in list(_resources):
            if name not in self._timers and not streamlit_internals.is_connected(name):
                self._release(name)

    def _close(self, session: AppSession) -> None:
        del self._timers[session.id]
        if not streamlit_internals.is_connected(session.id):
            streamlit_internals.end_session(session)
            self._release(session.id)

    def _release(self, name: str) -> None:
        for resource in _resources.pop(name, ()):
            resource.close()
        trim_malloc()
