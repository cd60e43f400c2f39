"""When a disconnected browser session is closed."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from emosense.ui import streamlit_internals
from emosense.ui.session import cleanup
from emosense.ui.session.cleanup import SessionCleanupMiddleware, SessionResource


class Files(SessionResource):
    def __init__(self):
        self.closed = 0

    def close(self):
        self.closed += 1


class Server:
    """Sessions by name, as streamlit_internals shows them."""

    def __init__(self, monkeypatch):
        self.disconnected, self.connected, self.ended = {}, {"a", "b"}, []
        self.files = {"a": Files(), "b": Files()}
        monkeypatch.setattr(streamlit_internals, "disconnected_sessions", self._disconnected)
        monkeypatch.setattr(streamlit_internals, "is_connected", self.connected.__contains__)
        monkeypatch.setattr(
            cleanup, "_resources", {name: [file] for name, file in self.files.items()}
        )
        monkeypatch.setattr(
            streamlit_internals, "end_session", lambda session: self.ended.append(session.id)
        )
        self.middleware = SessionCleanupMiddleware(self._app)

    def _disconnected(self):
        return [(SimpleNamespace(id=name), token) for name, token in self.disconnected.items()]

    async def _app(self, scope, receive, send):
        if scope["type"] == "websocket":
            self.connected.discard(scope["session"])
            if not scope.get("logged_out"):
                self.disconnected[scope["session"]] = object()

    async def disconnect(self, name, **scope):
        await self.middleware({"type": "websocket", "session": name, **scope}, None, None)

    def timer(self, name):
        return self.middleware._timers[name][1]


@pytest.fixture
def server(monkeypatch):
    return Server(monkeypatch)


def run(scenario):
    # In a separate thread: browser tests leave the main thread with a running event loop.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(scenario)).result()


def test_a_session_ends_once_with_its_resources(server):
    async def scenario():
        await server.disconnect("a")
        await server.disconnect("b")
        server.timer("a")._run()
        assert server.ended == ["a"]
        assert server.files["a"].closed == 1
        assert server.files["b"].closed == 0
        assert not server.timer("b").cancelled()

    run(scenario())


def test_only_the_last_disconnection_counts(server):
    async def scenario():
        await server.disconnect("a")
        first = server.timer("a")
        await server.disconnect("b")
        assert server.timer("a") is first  # the other's end changes nothing
        await server.disconnect("a")  # it had reconnected
        assert first.cancelled()
        assert not server.timer("a").cancelled()

    run(scenario())


def test_a_session_that_is_back_stays(server):
    async def scenario():
        await server.disconnect("a")
        server.connected.add("a")
        server.timer("a")._run()
        assert not server.ended
        assert not server.files["a"].closed

    run(scenario())


def test_the_resources_of_a_session_that_logs_out_are_closed_at_once(server):
    async def scenario():
        await server.disconnect("a", logged_out=True)
        assert server.files["a"].closed == 1
        assert not server.files["b"].closed

    run(scenario())


def test_requests_that_are_no_websocket_end_no_session(server):
    async def scenario():
        server.disconnected["a"] = object()
        await server.middleware({"type": "http"}, None, None)
        assert not server.middleware._timers

    run(scenario())
