"""Static files are sent from compressed copies that are made once."""

import asyncio
import gzip
import threading

import pytest
from starlette.staticfiles import StaticFiles

from emosense.asgi.compression import CompressionMiddleware
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


def test_those_who_ask_for_a_file_at_the_same_time_share_its_copy(site, ask, monkeypatch):
    made, compress = [], gzip.compress
    third_waits = threading.Event()

    def compress_late(body, *level, **options):
        made.append(len(body))
        assert third_waits.wait(60)
        return compress(body, *level, **options)

    monkeypatch.setattr(gzip, "compress", compress_late)
    copies = site._copy
    asked = []

    async def copy(key, body):
        asked.append(key)
        if len(asked) == 3:
            asyncio.get_running_loop().call_soon(third_waits.set)
        return await copies(key, body)

    site._copy = copy

    async def thrice(scope, receive, send):
        await asyncio.gather(*(site(dict(scope), receive, send) for _ in range(3)))

    answer = ask(thrice, "/a.js", accept_encoding="gzip")
    bodies = [m["body"] for m in answer.messages if m["type"] == "http.response.body"]
    assert [gzip.decompress(body) for body in bodies] == [SCRIPT] * 3
    assert made == [len(SCRIPT)]
    assert not site._compressing


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
