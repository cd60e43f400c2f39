"""A running server under requests that no page sends: refused, and nothing grows."""

import contextlib
import gzip
import http.client
import io
import os
import select
import signal
import socket
import uuid

import psutil
import pytest
import requests
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.proto.WidgetStates_pb2 import WidgetState
from support.app_server import started_server
from support.resource_usage import family
from support.streamlit_client import BrowserSession
from support.waiting import wait_until

from emosense.asgi.headers import SECURITY_HEADERS
from emosense.ui.log_limit import MAX_RECORDS


@pytest.fixture(scope="module")
def spool(tmp_path_factory):
    return tmp_path_factory.mktemp("spool")


@pytest.fixture(scope="module")
def server(spool):
    with started_server(TMPDIR=str(spool), EMOSENSE_MAX_SESSION_UPLOAD_MB="4") as server:
        yield server


def test_clearing_caches_makes_no_second_process(server, astronaut_png):
    with BrowserSession(server.url) as session:
        session.upload(("a.png", astronaut_png, "image/png"))
        before = {process.pid for process in family(server.pid)}
        for _ in range(5):
            session.send(BackMsg(clear_cache=True))
            session.run()
        session.upload(("b.png", astronaut_png, "image/png"))
        assert "**1. happy**" in session.text
        assert {process.pid for process in family(server.pid)} == before


def put(session, session_id, file_id, size=1000):
    target = FileURLs(upload_url=f"/_stcore/upload_file/{session_id}/{file_id}", file_id=file_id)
    with pytest.raises(requests.HTTPError) as refused:
        session.send_file(target, ("a.png", bytes(size), "image/png"))
    return refused.value.response


def test_uploads_to_ids_that_no_page_asked_for_are_refused(server):
    with BrowserSession(server.url) as session, BrowserSession(server.url) as other:
        assert put(session, session.id, uuid.uuid4().hex).status_code == 403
        assert put(session, other.id, uuid.uuid4().hex).status_code == 403
        assert put(session, "nobody", "1").status_code == 403


def test_an_upload_ends_with_its_page():
    """Else its file would stay in memory, for nobody removes it."""
    with started_server(STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL="1") as server:
        session = BrowserSession(server.url)
        (target,) = session.ask_for_uploads("a.png")
        host = server.url.removeprefix("http://")
        address, port = host.split(":")
        head = (
            f"PUT {target.upload_url} HTTP/1.1\r\nHost: {host}\r\nCookie: {session._cookies}\r\n"
            f"X-Xsrftoken: {session._xsrf}\r\nContent-Length: 100000000\r\nExpect: 100-continue\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        )
        part = '--x\r\nContent-Disposition: form-data; name="a"; filename="a.png"\r\n\r\n'
        with socket.create_connection((address, int(port)), 60) as connection:
            connection.sendall(head.encode())
            assert b" 100 " in connection.recv(1000)  # it reads the file now
            connection.sendall(part.encode())
            session.close()

            def has_ended():
                try:
                    connection.sendall(bytes(1000))  # fast enough for the limits of speed
                except ConnectionError:  # it has answered, and reads no more
                    return True
                return select.select([connection], [], [], 0)[0]

            wait_until(has_ended, "the upload went on")
            told = b""
            with contextlib.suppress(ConnectionError):
                told = connection.recv(1000)
            assert not told or b" 403 " in told


def test_requests_for_very_many_uploads_are_refused(server):
    with BrowserSession(server.url) as session:
        with pytest.raises(AssertionError, match="Expected at most 1000 files at once"):
            session.ask_for_uploads(*[""] * 1001)
        assert len({target.file_id for target in session.ask_for_uploads(*["a"] * 1000)}) == 1000


def test_widgets_that_no_page_has_reach_no_script_and_no_log(tmp_path):
    log = tmp_path / "log"
    with started_server(output=log) as server, BrowserSession(server.url) as session:
        for name in ("x", "$$ID", "$$ID-1-None", "frame"):
            message = BackMsg()
            message.rerun_script.widget_states.widgets.add(id=name, string_value="x")
            session.send(message)
        session.run()
        assert not session.faults
    assert "Traceback" not in log.read_text()


def test_values_of_wrong_kinds_do_not_fill_the_log(tmp_path, astronaut_png):
    log = tmp_path / "log"
    with started_server(output=log) as server, BrowserSession(server.url) as session:
        session.upload(("a.png", astronaut_png, "image/png"))
        name = session.elements("file_uploader")[0].file_uploader.id
        for _ in range(40):
            session._states[name] = WidgetState(id=name, string_value="x")
            session.run()
        faults = session.faults
    text = log.read_text()
    assert faults or "Traceback" in text  # it does raise
    assert text.count("Traceback (most recent") <= 2 * MAX_RECORDS


def test_a_pages_uploads_have_a_limit_that_is_said_in_words(server, astronaut_png):
    with BrowserSession(server.url) as session:
        with pytest.raises(requests.HTTPError) as refused:
            session.upload(("big.png", bytes(5 * 2**20), "image/png"))
        assert refused.value.response.status_code == 413
        assert "Expected at most 4 MB of uploads of one page" in refused.value.response.text
        session.upload(("a.png", astronaut_png, "image/png"))
        assert "**1. happy**" in session.text


def test_a_file_beyond_the_uploaders_own_limit_is_refused_on_the_page(astronaut_png):
    with started_server(EMOSENSE_MAX_PHOTO_MB="1") as server, BrowserSession(server.url) as session:
        session.upload(
            ("big.png", bytes(2**20 + 1), "image/png"), ("a.png", astronaut_png, "image/png")
        )
        assert "**big.png**: Expected at most 1 MB. Received: 1.0 MB." in session.alerts
        assert "**1. happy**" in session.text


@pytest.mark.parametrize("path", ["/", "/models", "/static/x.js", "/_stcore/health", "/media/x"])
def test_foreign_hosts_and_origins_are_refused_everywhere(server, path):
    assert requests.get(server.url + path, headers={"Host": "evil.example"}).status_code == 403
    origin = {"Origin": "https://evil.example"}
    assert requests.get(server.url + path, headers=origin).status_code == 403


def test_load_balancers_may_ask_by_any_name(server):
    answer = requests.get(f"{server.url}/healthz", headers={"Host": "10.0.0.7"})
    assert answer.json() == {"status": "ok"}


def test_metrics_are_closed(server):
    assert requests.get(f"{server.url}/_stcore/metrics").status_code == 404


def test_every_answer_has_the_security_headers(server):
    for path in ("/", "/healthz", "/_stcore/metrics", "/nothing", "/_stcore/health"):
        headers = requests.get(server.url + path).headers
        assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_scripts_come_compressed(server):
    page = requests.get(server.url).text
    script = page.split('src="./static/', 1)[1].split('"', 1)[0]
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    bodies = []
    for encoding in ("identity", "gzip", "gzip"):
        connection.request("GET", f"/static/{script}", headers={"Accept-Encoding": encoding})
        bodies.append(connection.getresponse().read())
    assert len(bodies[1]) < len(bodies[0]) / 2
    assert gzip.GzipFile(fileobj=io.BytesIO(bodies[1])).read() == bodies[0]
    assert bodies[2] == bodies[1]


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_processes_and_files_end_with_the_server(tmp_path, stop, astronaut_png):
    with started_server(TMPDIR=str(tmp_path)) as server:
        with BrowserSession(server.url, "video") as session:
            session.click("Try a sample")
        processes = family(server.pid)
        assert len(processes) > 1
        os.kill(server.pid, stop)
        _, alive = psutil.wait_procs(processes, timeout=60)
        assert not alive
    wait_until(lambda: not list(tmp_path.glob("emosense-*")), "the spool is still there")
