"""Checks streamlit_internals in a server's own process; run by the contract test."""

import asyncio
import gc
import socket
import threading
from collections.abc import Callable

import requests
import uvicorn
from streamlit import runtime
from uvicorn.server import ServerState
from websockets.exceptions import ConnectionClosed

from app import app
from emosense.asgi.response import SLICE_BYTES
from emosense.ui import application, streamlit_internals, uvicorn_internals
from support.streamlit_client import BrowserSession
from support.waiting import wait_until


def main() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    wait_until(lambda: server.started, "the server did not start", timeout=60)
    check(f"http://localhost:{port}")
    check_downloads(f"http://localhost:{port}")
    check_parts_of_files(f"http://localhost:{port}")
    check_slow_readers(port)
    check_pings(server.config)
    check_limits(f"http://localhost:{port}", server.config)
    server.should_exit = True
    thread.join()
    print("all is as expected")


def check(url: str) -> None:
    uploads = application._uploads
    with BrowserSession(url, "about") as browser:
        assert streamlit_internals.is_connected(browser.id)
        assert streamlit_internals.disconnected_sessions() == []
        client = runtime.get_instance()._session_mgr.get_active_session_info(browser.id).client
        assert isinstance(client._send_queue, streamlit_internals.PendingMessages)
        assert client._send_queue.maxsize == 500  # as large as Streamlit makes it
        (issued,) = runtime.get_instance().uploaded_file_mgr.get_upload_urls(browser.id, ["a.jpg"])
        assert uploads.is_issued(browser.id, issued.file_id)
        assert not uploads.is_issued(browser.id, "another")
        assert not uploads.is_issued("another", issued.file_id)
        browser._put(issued, ("a.jpg", b"123", "image/jpeg"))
        assert uploads.sizes() == {browser.id: 3}
        files = streamlit_internals.media_sizes()
        assert all(size > 0 for sizes in files.values() for size in sizes)
    wait_until(streamlit_internals.disconnected_sessions, "the session did not disconnect")
    ((session, _),) = streamlit_internals.disconnected_sessions()
    assert session.id == browser.id
    assert not streamlit_internals.is_connected(session.id)
    streamlit_internals.end_session(session)
    assert streamlit_internals.disconnected_sessions() == []
    assert not any(uploads.sizes().values())
    assert not uploads.is_issued(session.id, issued.file_id)


def check_downloads(url: str) -> None:
    """A file made for a download outlives the end of other sessions' runs."""
    manager = runtime.get_instance().media_file_mgr
    with BrowserSession(url, "about") as browser:
        manager._files_by_session_and_coord[browser.id]["place"] = "placeholder"
        manager._deferred_callables["placeholder"] = {
            "callable": lambda: b"12345",
            "mimetype": "text/csv",
            "filename": "a.csv",
        }
        made = manager.execute_deferred("placeholder")
        for _ in range(3):
            manager.remove_orphaned_files()
        assert requests.get(url + made, timeout=60).content == b"12345"
        assert 5 in streamlit_internals.media_sizes()[browser.id]
        for file, (session, _) in list(streamlit_internals._downloads.items()):
            streamlit_internals._downloads[file] = (session, float("-inf"))
        for _ in range(3):
            manager.remove_orphaned_files()
        assert requests.get(url + made, timeout=60).status_code == 404


def check_parts_of_files(url: str) -> None:
    """A range request is answered with a view of the file, and never with a copy."""
    manager = runtime.get_instance().media_file_mgr
    file = bytes(range(256)) * 1000
    path = manager.add(file, "video/mp4", "place")
    view = manager._storage.get_file(path.rsplit("/", 1)[1]).content
    assert isinstance(view, memoryview)
    assert view.obj is manager._storage._files_by_id[path.rsplit("/", 1)[1].split(".")[0]].content
    assert requests.get(url + path, timeout=60).content == file
    part = requests.get(url + path, headers={"Range": "bytes=1000-"}, timeout=60)
    assert (part.status_code, part.content) == (206, file[1000:])
    assert part.headers["content-range"] == f"bytes 1000-{len(file) - 1}/{len(file)}"
    compressible = manager.add(b"text" * 1000, "text/csv", "other")
    answer = requests.get(url + compressible, timeout=60)  # asks for gzip, as browsers do
    assert "content-encoding" not in answer.headers


def check_slow_readers(port: int) -> None:
    """uvicorn keeps one part for a client that does not read, and ends its connection if told so."""
    manager = runtime.get_instance().media_file_mgr
    path = manager.add(bytes(30 * 2**20), "video/mp4", "place")
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", port))
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        wait_until(lambda: waiting_connections(), "nobody waits")
        (connection,) = waiting_connections()
        transport = connection._transport
        assert transport.get_write_buffer_limits() == (0, 0)
        assert transport.get_write_buffer_size() <= SLICE_BYTES
        transport._loop.call_soon_threadsafe(connection.abort)
        wait_until(lambda: not waiting_connections(), "the connection stays")
        try:
            while client.recv(2**20):
                pass
        except ConnectionResetError:
            pass


def check_pings(config: uvicorn.Config) -> None:
    """A WebSocket whose client does not answer to a ping is ended, even if it reads nothing."""
    assert config.ws_protocol_class is uvicorn_internals.EndingWebSocket
    aborted, later = [], []

    class Stuck:
        def is_closing(self) -> bool:
            return False

        def write(self, data: bytes) -> None: ...

        def close(self) -> None: ...

        def abort(self) -> None:
            aborted.append(True)

    class Loop:
        def call_later(self, seconds: float, call: Callable[[], None]) -> None:
            later.append(call)

    protocol = uvicorn_internals.EndingWebSocket(config, ServerState(), {}, _loop=Loop())
    protocol.transport = Stuck()
    protocol.keepalive_timeout()
    later[-1]()
    assert aborted == [True]


def waiting_connections() -> list[uvicorn_internals.UvicornConnection]:
    return [
        value
        for value in gc.get_objects()
        if type(value) is uvicorn_internals.UvicornConnection
        and value._transport.get_write_buffer_size()
    ]


def check_limits(url: str, config: uvicorn.Config) -> None:
    """The running server obeys the limits that were set on its configuration."""
    assert config.limit_concurrency == uvicorn_internals.MAX_CONNECTIONS
    with BrowserSession(url, "about") as browser:
        browser._socket.send(bytes(uvicorn_internals.MAX_MESSAGE_BYTES + 1))
        try:
            while True:
                browser._receive()
        except ConnectionClosed as closed:
            assert closed.rcvd is not None
            assert closed.rcvd.code == 1009  # RFC 6455: message too big
    address = url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), 60) as connection:
        connection.sendall(
            b"GET / HTTP/1.1\r\nX: " + b"a" * (uvicorn_internals.MAX_HEADER_BYTES + 1)
        )
        assert b" 400 " in connection.recv(1000)


if __name__ == "__main__":
    main()
