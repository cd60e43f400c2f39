"""Checks streamlit_internals in a server's own process; run by the contract test."""

import asyncio
import socket
import threading

import requests
import uvicorn
from streamlit import runtime
from websockets.exceptions import ConnectionClosed

from app import app
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
    check_limits(f"http://localhost:{port}", server.config)
    server.should_exit = True
    thread.join()
    print("all is as expected")


def check(url: str) -> None:
    uploads = application._uploads
    with BrowserSession(url, "about") as browser:
        assert streamlit_internals.is_connected(browser.id)
        assert streamlit_internals.disconnected_sessions() == []
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
