"""Static files are sent from compressed copies that are made once."""

import asyncio
import gc
import gzip
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.staticfiles import StaticFiles

from emosense.asgi.compression import CompressionMiddleware, _Responder
from emosense.asgi.policy import PolicyTable, RoutePolicy

SCRIPT = b"let face = 1;\n" * 1000


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "a.js").write_bytes(SCRIPT)
    (folder / "small.js").write_bytes(b"1")
    (folder / "a.png").write_bytes(bytes(5000))
    rows = (RoutePolicy(path="/", compress=True), RoutePolicy(path="/raw/"))
    app = CompressionMiddleware(StaticFiles(directory=folder), PolicyTable(rows))
    app.folder = folder
    return app


def test_a_file_is_compressed_once_and_equals_its_original(site, ask):
    first = ask(site, "/a.js", accept_encoding="gzip, br")
    assert first.status == 200
    assert gzip.decompress(first.body) == SCRIPT
    assert first.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in first.headers["vary"]
    assert int(first.headers["content-length"]) == len(first.body)
    (key,) = site._copies
    site._copies[key] = gzip.compress(b"the copy")
    assert gzip.decompress(ask(site, "/a.js", accept_encoding="gzip").body) == b"the copy"


def test_a_changed_file_gets_a_new_copy(site, ask):
    ask(site, "/a.js", accept_encoding="gzip")
    (site.folder / "a.js").write_bytes(SCRIPT + b"2")
    assert gzip.decompress(ask(site, "/a.js", accept_encoding="gzip").body) == SCRIPT + b"2"


def test_a_browser_that_has_the_copy_is_told_so(site, ask):
    etag = ask(site, "/a.js", accept_encoding="gzip").headers["etag"]
    again = ask(site, "/a.js", accept_encoding="gzip", if_none_match=etag)
    assert again.status == 304
    assert again.headers["etag"] == etag
    assert not again.body


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/a.js", {}),
        ("/a.js", {"accept_encoding": "br"}),
        ("/a.js", {"accept_encoding": "gzip", "range": "bytes=0-9"}),
        ("/small.js", {"accept_encoding": "gzip"}),
        ("/a.png", {"accept_encoding": "gzip"}),
    ],
)
def test_everything_else_is_sent_as_it_is(site, ask, path, headers):
    answer = ask(site, path, **headers)
    assert "content-encoding" not in answer.headers
    assert (site.folder / path[1:]).read_bytes().startswith(answer.body)
    assert not site._copies


def test_nothing_is_compressed_anew_for_each_request(ask):
    """Streamlit would compress downloads, each time one is asked for."""
    seen = []

    async def app(scope, receive, send):
        seen.append(Headers(scope=scope).get("accept-encoding"))
        await PlainTextResponse("a")(scope, receive, send)

    table = PolicyTable((RoutePolicy(path="/", compress=True), RoutePolicy(path="/media/")))
    for path in ("/media/a.csv", "/a"):
        assert ask(CompressionMiddleware(app, table), path, accept_encoding="gzip").status == 200
    assert seen == [None, None]


def test_many_who_ask_for_a_file_at_once_hold_it_once(site, monkeypatch):
    """One reads and compresses it; the others wait for the copy and read nothing."""
    made, held = [], []
    compress = gzip.compress

    def count(body, *options, **more):
        made.append(len(body))
        held.append(sum(r._body is not None for r in gc.get_objects() if type(r) is _Responder))
        return compress(body, *options, **more)

    monkeypatch.setattr(gzip, "compress", count)

    async def request():
        answer = bytearray()

        async def send(message):
            answer.extend(message.get("body", b""))

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/a.js",
            "root_path": "",
            "headers": [(b"accept-encoding", b"gzip")],
        }
        await site(scope, asyncio.Event().wait, send)
        return bytes(answer)

    async def requests():
        return await asyncio.gather(*(request() for _ in range(20)))

    with ThreadPoolExecutor(1) as thread:
        answers = thread.submit(lambda: asyncio.run(requests())).result()
    assert {gzip.decompress(answer) for answer in answers} == {SCRIPT}
    assert made == [len(SCRIPT)]
    assert held == [1]


def test_a_file_that_fails_while_it_is_read_keeps_nobody_waiting(site, ask):
    async def failing(scope, receive, send):
        headers = [(b"etag", b'"1"'), (b"content-length", b"5000"), (b"content-type", b"text/css")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        raise KeyError

    table = PolicyTable((RoutePolicy(path="/", compress=True),))
    app = CompressionMiddleware(failing, table)
    for _ in range(2):
        with pytest.raises(KeyError):
            ask(app, "/a.js", accept_encoding="gzip")
    assert not app._making.locked()
