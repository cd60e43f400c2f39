"""Checks streamlit_internals in a server's own process; run by the contract test."""

import asyncio
import gc
import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

import requests
import streamlit.config
import uvicorn
from streamlit import runtime
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from uvicorn.server import ServerState
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from app import app
from emosense.asgi.response import SLICE_BYTES
from emosense.errors import ServerBusy
from emosense.ui import application, streamlit_internals, uvicorn_internals
from emosense.ui.log_limit import LogLimit
from emosense.ui.session import messages
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
    check_prepared_downloads(f"http://localhost:{port}")
    check_messages(f"http://localhost:{port}")
    check_logs()
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
        visitor, address = streamlit_internals.session_visitor(browser.id)
        assert not visitor.get("is_logged_in")
        assert address in ("127.0.0.1", "::1")
        assert streamlit_internals.session_visitor("another") == ({}, None)
        (issued,) = runtime.get_instance().uploaded_file_mgr.get_upload_urls(browser.id, ["a.jpg"])
        assert uploads.is_issued(browser.id, issued.file_id)
        assert not uploads.is_issued(browser.id, "another")
        assert not uploads.is_issued("another", issued.file_id)
        assert issued.file_id in issued.upload_url
        assert issued.file_id in issued.delete_url
        browser.send_file(issued, ("a.jpg", b"123", "image/jpeg"))
        assert uploads.buffers() == {browser.id: [b"123"]}
        assert uploads.sizes()[browser.id] > 3
        with BrowserSession(url, "about") as other:
            assert not uploads.is_issued(other.id, issued.file_id)
        files = streamlit_internals.media_sizes()
        assert all(size > 0 for sizes in files.values() for size in sizes)

    def kept():
        return {session.id: session for session, _ in streamlit_internals.disconnected_sessions()}

    wait_until(lambda: len(kept()) == 2, "the sessions did not disconnect")
    session = kept()[browser.id]
    assert uploads.is_issued(session.id, issued.file_id)  # it may come back
    streamlit_internals.end_session(kept()[other.id])
    assert not streamlit_internals.is_connected(session.id)
    streamlit_internals.end_session(session)
    assert streamlit_internals.disconnected_sessions() == []
    assert not any(uploads.sizes().values())
    assert not uploads.is_issued(session.id, issued.file_id)
    # The last bytes of an upload arrive now, when nobody would remove it any more.
    late = UploadedFileRec(issued.file_id, "a.jpg", "image/jpeg", b"123")
    runtime.get_instance().uploaded_file_mgr.add_file(session.id, late)
    assert not any(uploads.sizes().values())


def check_prepared_downloads(url: str) -> None:
    """Files are made in threads of their own, and what is wrong is said in words."""
    manager = runtime.get_instance().media_file_mgr
    threads = []

    def make() -> bytes:
        threads.append(threading.current_thread().name)
        return b"12345"

    def refuse() -> bytes:
        raise ServerBusy("There is no room.")

    def answer(browser: BrowserSession, file: str) -> Any:
        message = BackMsg()
        request = message.backend_operation_request
        request.request_id, request.session_id = "7", browser.id
        request.deferred_file.file_id = file
        browser.send(message)
        while True:
            received = browser._receive()
            if received.WhichOneof("type") == "backend_operation_response":
                return received.backend_operation_response

    with BrowserSession(url, "about") as browser:
        for name, function in (("made", make), ("refused", refuse)):
            manager._files_by_session_and_coord[browser.id][name] = name
            manager._deferred_callables[name] = {
                "callable": function,
                "mimetype": "text/csv",
                "filename": "a.csv",
            }
        made = answer(browser, "made")
        assert requests.get(url + made.deferred_file.url, timeout=60).content == b"12345"
        assert threads[0].startswith("emosense-download")
        assert answer(browser, "refused").error_msg == "There is no room."
        assert "Press the button again" in answer(browser, "another").error_msg


def check_messages(url: str) -> None:
    """A page that asks for nothing is closed, one that comes back is not."""
    patience = messages.SILENT_SECONDS
    with BrowserSession(url, "about") as browser:
        messages.SILENT_SECONDS = 0.0
        silent = connect(
            url.replace("http", "ws", 1) + "/_stcore/stream",
            subprotocols=[Subprotocol("streamlit")],
        )
        try:
            while True:
                silent.recv(timeout=60)
        except ConnectionClosed:
            pass
        browser.reconnect()
        message = BackMsg()
        message.file_urls_request.request_id = "7"
        message.file_urls_request.file_names.extend(["a"] * 1001)
        browser.send(message)
        while (answer := browser._receive()).WhichOneof("type") != "file_urls_response":
            pass
        assert answer.file_urls_response.error_msg.startswith("Expected at most 1000 files")
        messages.SILENT_SECONDS = patience


def check_logs() -> None:
    """Those who log what visitors do are limited."""
    for name in (
        "streamlit.error_util",
        "streamlit.runtime.app_session",
        "streamlit.runtime.backend_operation_handler",
        "streamlit.runtime.scriptrunner.script_runner",
        "streamlit.web.server.starlette.starlette_websocket",
        "streamlit.web.server.starlette.starlette_routes",
        "uvicorn.error",
    ):
        filters = logging.getLogger(name).filters
        assert [type(limit) for limit in filters] == [LogLimit], name
    assert not streamlit.config.get_option("logger.enableRich")


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
