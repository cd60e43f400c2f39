"""Clean-up: a browser session's uploads and results are removed soon after its page is closed.

Streamlit keeps a disconnected session for a time to live (TTL), so that it survives a short loss of
the network, but drops expired sessions only when another visitor connects. Here a timer closes it.
The timers stand in no cache of Streamlit, since every visitor can clear those.

A reload of a page makes a new session. What belongs to the browser, its owner, is therefore kept until the
last of its sessions has ended.
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Final, TypeVar

import streamlit as st

from emosense.runtime.malloc import trim_malloc
from emosense.ui import streamlit_internals

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

    def forget_uploads(self, session: str, files: Collection[str]) -> None:  # noqa: B027  most keep none
        """Release what was kept for uploads that are in no uploader of the session any more.

        Args:
            session: id of the session.
            files: ids of the uploads.
        """


class OwnerResource(SessionResource):
    """A resource that all pages of an owner share; closed when the last one has gone.

    >>> issubclass(OwnerResource, SessionResource)
    True
    """

    @property
    @abstractmethod
    def running(self) -> int:
        """Number of jobs that wait or run."""

    @abstractmethod
    def page_ended(self, session: str) -> None:
        """Release what only the page of this browser session used."""


Resource = TypeVar("Resource", bound=SessionResource)
OwnerResourceT = TypeVar("OwnerResourceT", bound=OwnerResource)


class Owners:
    """The pages of each owner, and the resources that they share. Thread-safe.

    >>> class Folder(OwnerResource):
    ...     running = 0
    ...     def page_ended(self, session):
    ...         print(f"{session} ended")
    ...     def close(self):
    ...         print("closed")
    >>> owners = Owners()
    >>> folder = owners.resource("ann", "tab 1", Folder)
    >>> owners.resource("ann", "tab 2", Folder) is folder
    True
    >>> owners.leave("tab 1")
    tab 1 ended
    >>> owners.leave("tab 2")
    tab 2 ended
    closed
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._pages: dict[str, set[str]] = {}
        self._resources: dict[str, dict[str, OwnerResource]] = {}

    def join(self, owner: str, session: str) -> None:
        """Count a browser session as a page of an owner."""
        with self._lock:
            self._pages.setdefault(owner, set()).add(session)

    def resource(
        self, owner: str, session: str, make: Callable[[], OwnerResourceT]
    ) -> OwnerResourceT:
        """Return an owner's instance of a resource, created on first use, for one of his pages."""
        with self._lock:
            self.join(owner, session)
            resources = self._resources.setdefault(owner, {})
            if make.__name__ not in resources:
                resources[make.__name__] = make()
            return resources[make.__name__]  # type: ignore[return-value]

    def shared_by(self, session: str) -> list[OwnerResource]:
        """Return the resources that a page shares with others of its owner."""
        with self._lock:
            return [
                resource
                for owner, pages in self._pages.items()
                if session in pages
                for resource in self._resources.get(owner, {}).values()
            ]

    def running(self, owner: str) -> int:
        """Return how many jobs of an owner wait or run."""
        with self._lock:
            resources = list(self._resources.get(owner, {}).values())
        return sum(resource.running for resource in resources)

    def sessions(self) -> set[str]:
        """Return the browser sessions of all owners."""
        with self._lock:
            return {session for pages in self._pages.values() for session in pages}

    def leave(self, session: str) -> None:
        """Forget a page that has ended; with an owner's last one his resources are closed."""
        with self._lock:
            left = [owner for owner, pages in self._pages.items() if session in pages]
            for owner in left:
                self._pages[owner].discard(session)
            shared = [r for owner in left for r in self._resources.get(owner, {}).values()]
            gone = [owner for owner in left if not self._pages[owner]]
        for resource in shared:
            resource.page_ended(session)
        for owner in gone:
            self._end_without_pages(owner)

    def end(self, owner: str) -> None:
        """Close what an owner has: he has logged out."""
        with self._lock:
            resources = self._resources.pop(owner, {})
        for resource in resources.values():
            resource.close()

    def _end_without_pages(self, owner: str) -> None:
        with self._lock:
            if self._pages.get(owner):  # a new page came meanwhile
                return
            self._pages.pop(owner, None)
            resources = self._resources.pop(owner, {})
        for resource in resources.values():
            resource.close()


owners = Owners()
"""The owners of this server."""

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


def forget_uploads(session: str, files: Collection[str]) -> None:
    """Let a session's resources release what they keep for uploads that are in no uploader any more."""
    for resource in (*_resources.get(session, ()), *owners.shared_by(session)):
        resource.forget_uploads(session, files)


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
        for name in {*_resources, *owners.sessions()}:
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
        owners.leave(name)
        trim_malloc()
