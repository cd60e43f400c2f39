"""When a disconnected browser session is closed."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from emosense.ui import streamlit_internals
from emosense.ui.session import cleanup
from emosense.ui.session.cleanup import (
    OwnerResource,
    Owners,
    SessionCleanupMiddleware,
    SessionResource,
)


class Files(SessionResource):
    def __init__(self):
        self.closed, self.forgotten = 0, []

    def forget_uploads(self, session, files):
        self.forgotten.append((session, files))

    def close(self):
        self.closed += 1


class Videos(OwnerResource):
    running = 2

    def __init__(self):
        self.ended, self.closed, self.forgotten = [], 0, []

    def forget_uploads(self, session, files):
        self.forgotten.append((session, files))

    def page_ended(self, session):
        self.ended.append(session)

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
        self.owners = Owners()
        monkeypatch.setattr(cleanup, "owners", self.owners)
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


def test_what_an_owner_has_ends_with_the_last_of_his_pages(server):
    videos = server.owners.resource("ann", "a", Videos)
    assert server.owners.resource("ann", "b", Videos) is videos
    assert server.owners.running("ann") == 2

    async def scenario():
        await server.disconnect("a")
        server.timer("a")._run()
        assert (videos.ended, videos.closed) == (["a"], 0)
        await server.disconnect("b")
        assert videos.closed == 0  # it may come back
        server.timer("b")._run()
        assert (videos.ended, videos.closed) == (["a", "b"], 1)

    run(scenario())
    assert server.owners.sessions() == set()
    assert server.owners.running("ann") == 0


def test_a_page_that_is_reloaded_keeps_what_its_owner_has(server):
    videos = server.owners.resource("ann", "a", Videos)

    async def scenario():
        await server.disconnect("a")
        server.connected.add("new")
        assert server.owners.resource("ann", "new", Videos) is videos
        server.timer("a")._run()
        assert videos.closed == 0

    run(scenario())


def test_any_page_of_the_browser_keeps_it(server):
    videos = server.owners.resource("ann", "a", Videos)
    server.owners.join("ann", "b")  # another page, which does not use it

    async def scenario():
        await server.disconnect("a")
        server.timer("a")._run()
        assert videos.closed == 0

    run(scenario())


def test_owners_have_nothing_of_each_other(server):
    ann = server.owners.resource("ann", "a", Videos)
    bob = server.owners.resource("bob", "b", Videos)
    assert ann is not bob

    async def scenario():
        await server.disconnect("a")
        server.timer("a")._run()

    run(scenario())
    assert (ann.closed, bob.closed) == (1, 0)


def test_a_log_out_ends_what_the_owner_has_on_all_pages_at_once(server):
    videos = server.owners.resource("ann", "a", Videos)
    server.owners.join("ann", "b")
    server.owners.end("ann")
    assert videos.closed == 1
    assert server.owners.resource("ann", "b", Videos) is not videos


def test_uploads_that_no_uploader_holds_are_forgotten_by_their_page_alone(server):
    videos = server.owners.resource("ann", "a", Videos)
    others = server.owners.resource("bob", "b", Videos)
    cleanup.forget_uploads("a", {"1"})
    assert videos.forgotten == server.files["a"].forgotten == [("a", {"1"})]
    assert others.forgotten == server.files["b"].forgotten == []
