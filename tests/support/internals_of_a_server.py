"""Checks streamlit_internals in a server's own process; run by the contract test."""

import asyncio
import socket
import threading

import uvicorn
from streamlit import runtime

from app import app
from emosense.ui import application, streamlit_internals
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
    wait_until(streamlit_internals.disconnected_sessions, "the session did not disconnect")
    ((session, _),) = streamlit_internals.disconnected_sessions()
    assert session.id == browser.id
    assert not streamlit_internals.is_connected(session.id)
    streamlit_internals.end_session(session)
    assert streamlit_internals.disconnected_sessions() == []
    assert not any(uploads.sizes().values())
    assert not uploads.is_issued(session.id, issued.file_id)


if __name__ == "__main__":
    main()
