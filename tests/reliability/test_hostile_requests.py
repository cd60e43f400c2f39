"""A running server under requests that no page sends: refused, and nothing grows."""

import gzip
import http.client
import io
import os
import signal
import uuid

import psutil
import pytest
import requests
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs
from support.app_server import started_server
from support.resource_usage import family
from support.streamlit_client import BrowserSession
from support.waiting import wait_until

from emosense.asgi.headers import SECURITY_HEADERS


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
        session._put(target, ("a.png", bytes(size), "image/png"))
    return refused.value.response


def test_uploads_to_ids_that_no_page_asked_for_are_refused(server):
    with BrowserSession(server.url) as session, BrowserSession(server.url) as other:
        assert put(session, session.id, uuid.uuid4().hex).status_code == 403
        assert put(session, other.id, uuid.uuid4().hex).status_code == 403
        assert put(session, "nobody", "1").status_code == 403


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
