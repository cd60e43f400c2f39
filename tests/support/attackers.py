"""Visitors of ill will: sessions that upload what costs much, and floods of requests."""

from __future__ import annotations

import contextlib
import http.client
import multiprocessing
import random
import socket
import time
import urllib.parse
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path

import requests
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import WebSocketException

from support.hostile_files import archive
from support.streamlit_client import BrowserSession

PATIENCE = 60.0
"""Seconds that an attacker waits for an answer before he leaves without a word."""
_EXPECTED = (
    *(requests.RequestException, WebSocketException, OSError, http.client.HTTPException),
    *(TimeoutError, AssertionError, StopIteration),
)


class Attacker:
    """One attacker: what he does, again and again, until he is told to stop.

    Args:
        url: of the server.
        number: of the attacker; it decides what he does.
        address: his own address.
        files: folder with photos and videos, see :mod:`support.hostile_files`.
        stop: set when it is over.
    """

    def __init__(self, url: str, number: int, address: str, files: Path, stop: Event) -> None:
        self._url, self._address, self._stop = url, address, stop
        self._rng = random.Random(number)
        self._photos = sorted((files / "photos").iterdir())
        self._videos = sorted((files / "videos").iterdir())
        self.outcomes: Counter[str] = Counter()
        ways = (
            self._one_photo,
            self._many_photos,
            self._downloads,
            self._video,
            self._batch,
            self._sessions,
            self._messages,
            self._bodies,
            self._requests,
            self._one_photo,
        )
        self._attack = ways[number % len(ways)]

    def run(self) -> Counter[str]:
        name = self._attack.__name__.strip("_").replace("_", " ")
        while not self._stop.is_set():
            try:
                self._attack()
            except (TimeoutError, requests.Timeout):
                self._count(f"{name}: left waiting")
            except requests.HTTPError as error:
                status = getattr(error.response, "status_code", None)
                self._count(f"{name}: refused ({status})")
            except _EXPECTED as error:
                status = getattr(getattr(error, "response", None), "status_code", None)
                self._count(f"{name}: refused ({status or type(error).__name__})")
                time.sleep(0.2)
        return self.outcomes

    def _count(self, outcome: str, number: int = 1) -> None:
        self.outcomes[outcome] += number

    @contextmanager
    def _session(self, page: str = "") -> Iterator[BrowserSession]:
        session = BrowserSession(self._url, page, timeout=PATIENCE, address=self._address)
        with session:
            yield session

    def _uploads(self, number: int) -> list[tuple[str, bytes, str]]:
        chosen = [self._rng.choice(self._photos) for _ in range(number)]
        # Other names each time: a session remembers what it has seen.
        return [
            (f"{uuid.uuid4().hex[:6]}-{path.name}", path.read_bytes(), "image/png")
            for path in chosen
        ]

    def _one_photo(self) -> None:
        with self._session() as session:
            for _ in range(5):
                if self._stop.is_set():
                    return
                session.upload(*self._uploads(1))
                self._tell("one photo", session, 1)

    def _many_photos(self) -> None:
        with self._session() as session:
            session.upload(*self._uploads(20))
            self._tell("many photos", session, 20)

    def _tell(self, name: str, session: BrowserSession, sent: int) -> None:
        refused = min(sent, len(session.alerts))
        self._count(f"{name}: refused in words", refused)
        self._count(f"{name}: answered", sent - refused)
        self._count(f"{name}: traceback", len(session.faults))

    def _downloads(self) -> None:
        """Photos that are answered: "Why?" and the annotated photo of each."""
        with self._session() as session:
            faces = [path for path in self._photos if path.name.startswith("face")]
            for _ in range(3):
                if self._stop.is_set():
                    return
                path = self._rng.choice(faces)
                name = f"{uuid.uuid4().hex[:6]}-{path.name}"
                session.upload((name, path.read_bytes(), "image/png"))
                self._tell("downloads", session, 1)
                for _ in range(3):
                    if any(e.button.label == "Why?" for e in session.elements("button")):
                        session.click("Why?")
                        self._count("downloads: explained")
                    size = len(session.download("Annotated photo (PNG)"))
                    self._count(f"downloads: {'got' if size else 'no'} PNG")

    def _video(self) -> None:
        with self._session("video") as session:
            path = self._rng.choice(self._videos)
            session.upload((path.name, path.read_bytes(), "video/mp4"))
            if not any(e.button.label == "Analyse" for e in session.elements("button")):
                self._count("video: refused in words")
                return
            session.click("Analyse")
            until = time.monotonic() + PATIENCE
            while time.monotonic() < until and not self._stop.is_set():
                session.run()
                if "analysed of" in session.text:
                    self._count("video: answered")
                    return
                time.sleep(1)
            self._count("video: left waiting")

    def _batch(self) -> None:
        with self._session("batch") as session:
            chosen = [self._rng.choice(self._photos) for _ in range(10)]
            session.upload(("album.zip", archive(sorted(set(chosen))), "application/zip"))
            starts = [e.button.label for e in session.elements("button")]
            start = next(label for label in starts if label.startswith("Analyse "))
            session.click(start)
            until = time.monotonic() + PATIENCE
            while time.monotonic() < until and not self._stop.is_set():
                session.run()
                if "photos/s" in session.text:
                    self._count("batch: answered")
                    return
                time.sleep(1)
            self._count("batch: left waiting")

    def _sessions(self) -> None:
        """Many sessions, opened and dropped; some in the middle of an upload."""
        with contextlib.ExitStack() as opened:
            for _ in range(self._rng.choice((1, 5, 30))):
                if self._stop.is_set():
                    return
                session = opened.enter_context(self._session(self._rng.choice(("", "models"))))
                self._count("sessions: opened")
            for _ in range(20):
                message = BackMsg()
                message.rerun_script.page_name = self._rng.choice(("", "video", "batch", "models"))
                session.send(message)
                self._count("sessions: run asked for")

    def _messages(self) -> None:
        """Messages that only developers send, messages that nobody sends."""
        with self._session() as session:
            for _ in range(50):
                message = BackMsg()
                what = self._rng.randrange(6)
                if what == 0:
                    message.clear_cache = True
                elif what == 1:
                    message.debug_shutdown_runtime = True
                elif what == 2:
                    message.load_git_info = True
                elif what == 3:
                    message.file_urls_request.request_id = "x"
                    message.file_urls_request.file_names.extend(["a"] * 5000)
                elif what == 4:
                    message.backend_operation_request.session_id = session.id
                    message.backend_operation_request.deferred_file.file_id = uuid.uuid4().hex
                else:
                    widget = message.rerun_script.widget_states.widgets.add(id="x")
                    widget.string_value = "x" * self._rng.choice((10, 500_000, 3_000_000))
                session.send(message)
                self._count("messages: sent")

    def _bodies(self) -> None:
        """Uploads that nobody asked for: to unknown ids, half, slow, huge."""
        target = urllib.parse.urlsplit(self._url)
        path = f"/_stcore/upload_file/{uuid.uuid4()}/{uuid.uuid4()}"
        way: Callable[[socket.socket], None] = self._rng.choice(
            (self._half, self._slow, self._huge, self._chunked)
        )
        with socket.create_connection(
            (target.hostname, target.port), timeout=PATIENCE, source_address=(self._address, 0)
        ) as connection:
            size = self._rng.choice((10**6, 10**8, 10**10))
            head = f"PUT {path} HTTP/1.1\r\nHost: {target.netloc}\r\nContent-Type: multipart/"
            head += "form-data; boundary=x\r\n"
            head += (
                "Transfer-Encoding: chunked" if way == self._chunked else f"Content-Length: {size}"
            )
            connection.sendall((head + "\r\n\r\n").encode())
            way(connection)
            with contextlib.suppress(OSError):
                answer = connection.recv(100).decode(errors="replace").split("\r\n")[0]
                self._count(f"bodies: {answer[9:12] or 'closed'}")

    def _half(self, connection: socket.socket) -> None:
        connection.sendall(bytes(1000))
        self._stop.wait(30)

    def _slow(self, connection: socket.socket) -> None:
        for _ in range(60):
            connection.sendall(b"x")
            if self._stop.wait(1):
                return

    def _huge(self, connection: socket.socket) -> None:
        for _ in range(200):
            connection.sendall(bytes(2**20))

    def _chunked(self, connection: socket.socket) -> None:
        for _ in range(200):
            connection.sendall(b"100000\r\n" + bytes(2**20) + b"\r\n")

    def _requests(self) -> None:
        """Floods of small requests, of other hosts and origins too."""
        paths = ["/", "/_stcore/health", "/_stcore/host-config", "/_stcore/metrics", "/healthz"]
        paths += ["/media/x.png", "/static/../../etc/passwd", "/_stcore/stream", "/component/x/y"]
        headers: list[dict[str, str]] = [{}, {"Host": "evil.example"}]
        headers.append({"Origin": "https://evil.example"})
        with requests.Session() as http:
            from support.streamlit_client import _FromAddress

            http.mount("http://", _FromAddress(self._address))
            for _ in range(100):
                method = self._rng.choice(("GET", "GET", "HEAD", "POST", "DELETE", "OPTIONS"))
                answer = http.request(
                    method,
                    self._url + self._rng.choice(paths),
                    headers=self._rng.choice(headers),
                    timeout=PATIENCE,
                )
                self._count(f"requests: {answer.status_code}")


_attack_note = None


def _attack(
    url: str, addresses: list[str], files: Path, stop: Event, results: Queue[Counter[str]]
) -> None:
    """Run all attackers in threads of this process; hand over what they got."""
    attackers = [Attacker(url, i, address, files, stop) for i, address in enumerate(addresses)]
    with ThreadPoolExecutor(len(attackers)) as threads:
        outcomes = sum(threads.map(Attacker.run, attackers), Counter())
    results.put(outcomes)


@contextmanager
def attacked(url: str, addresses: list[str], files: Path) -> Iterator[Callable[[], Counter[str]]]:
    """Attack the server from another process; call what is given to end it and hear what came."""
    context = multiprocessing.get_context("spawn")
    stop, results = context.Event(), context.Queue()
    process = context.Process(target=_attack, args=(url, addresses, files, stop, results))
    process.start()

    def end() -> Counter[str]:
        stop.set()
        outcomes: Counter[str] = results.get(timeout=PATIENCE * 8)
        process.join(PATIENCE)
        return outcomes

    try:
        yield end
    finally:
        stop.set()
        process.kill()
