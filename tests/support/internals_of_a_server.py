"""Checks streamlit_internals in a server's own process; run by the contract test."""

import asyncio
import logging
import socket
import threading
from typing import Any

import requests
import streamlit.config
import uvicorn
from streamlit import runtime
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from app import app
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
        browser._put(issued, ("a.jpg", b"123", "image/jpeg"))
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
