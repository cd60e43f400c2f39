"""Many browser sessions at once: does each get its own answers, and how soon?

    python benchmarks/load.py                    # 17 sessions by protocol, 3 Chromium pages
    python benchmarks/load.py --sessions 5 --pages 0 --rounds 2

A batch of 200 photos runs beside them. Needs the development extras.
"""

import argparse
import io
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from support.app_server import Server, running_chromium, started_server
from support.resource_usage import Footprint, footprint
from support.streamlit_client import BrowserSession

from emosense.samples import sample_photo

TTL = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=17)
    parser.add_argument("--pages", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--waves", type=int, default=2)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        started_server(TMPDIR=folder, STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL=str(TTL)) as server,
    ):
        warm_up(server.url)
        marks = {"before": settled(server.pid, Path(folder))}
        took: list[float] = []
        for wave in range(1, options.waves + 1):
            marks[f"wave {wave}"] = load(server, options, took, Path(folder))
            marks[f"after wave {wave}"] = settled(server.pid, Path(folder))
    expected = (options.sessions + options.pages) * options.rounds * options.waves
    assert len(took) == expected, f"{expected - len(took)} answers are missing"
    p50, p95 = np.percentile(took, [50, 95])
    print(f"{options.sessions} + {options.pages} sessions, {len(took)} photos, each its own answer")
    print(f"upload to answer: p50 {p50:.2f} s, p95 {p95:.2f} s, longest {max(took):.2f} s")
    print(
        "| when | memory, MB | open files | processes | threads | on disk |\n|---|---|---|---|---|---|"
    )
    for title, at in marks.items():
        print(
            f"| {title} | {at.megabytes:.0f} | {at.files} | {at.processes} | {at.threads} "
            f"| {at.spooled} |"
        )


def load(server: Server, options: argparse.Namespace, took: list[float], folder: Path) -> Footprint:
    """Let all visitors come at once; return what the server takes when they have gone."""
    with BrowserSession(server.url, "batch") as greedy:
        greedy.upload(("album.zip", album(200), "application/zip"))
        greedy.click("Analyse 200 photos")
        clients = [
            threading.Thread(target=visit, args=(server.url, i, options.rounds, took))
            for i in range(options.sessions)
        ]
        for client in clients:
            client.start()
        if options.pages:
            browse(server.url, options.pages, options.rounds, took)
        for client in clients:
            client.join()
        peak = footprint(server.pid, folder)
        assert "200 faces in 200 photos" in greedy.wait("photos/s")
    return peak


def visit(url: str, number: int, rounds: int, took: list[float]) -> None:
    """Upload photos as one visitor; every second visitor's show nobody."""
    data = wall(number) if number % 2 else sample_photo()
    with BrowserSession(url) as session:
        for turn in range(rounds):
            name = f"visitor-{number}-{turn}.png"
            begun = time.monotonic()
            session.upload((name, data, "image/png"))
            answered = time.monotonic()
            assert not session.faults, session.faults
            assert not session.alerts or number % 2, session.alerts
            assert ("**1. happy**" in session.text) == (number % 2 == 0), session.text
            assert session.photos == [name], session.photos
            took.append(answered - begun)


def browse(url: str, pages: int, rounds: int, took: list[float]) -> None:
    """The same in real browsers, turn by turn."""
    with running_chromium() as chromium:
        contexts = [chromium.new_context() for _ in range(pages)]
        opened = [context.new_page() for context in contexts]
        for page in opened:
            page.set_default_timeout(120_000)
            page.goto(url)
        for turn in range(rounds):
            for number, page in enumerate(opened):
                name = f"browser-{number}-{turn}.png"
                begun = time.monotonic()
                page.locator("input[type=file]").set_input_files(
                    {"name": name, "mimeType": "image/png", "buffer": sample_photo()}
                )
                page.get_by_role("img", name=f"{name}, 1 face: 1 happy").wait_for()
                answered = time.monotonic()
                for other in range(pages):
                    if other != number:
                        assert page.get_by_text(f"browser-{other}-").count() == 0
                page.get_by_role("button", name=f"Remove {name}").click()
                page.get_by_text("Drop one or many photos above").wait_for()
                took.append(answered - begun)


def wall(seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(60, 160, (6, 8, 3)).astype(np.uint8))
    buffer = io.BytesIO()
    coarse.resize((640, 480), Image.Resampling.BICUBIC).save(buffer, "PNG")
    return buffer.getvalue()


def album(count: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(count):
            archive.writestr(f"{number:04}.png", sample_photo())
    return buffer.getvalue()


def warm_up(url: str) -> None:
    """One visit to each page that is used, so that all code is loaded."""
    visit(url, 0, 1, [])
    with BrowserSession(url, "batch") as session:
        session.upload(("album.zip", album(20), "application/zip"))
        session.click("Analyse 20 photos")
        session.wait("photos/s")


def settled(pid: int, folder: Path) -> Footprint:
    """Measure once the sessions that left are forgotten."""
    time.sleep(2 * TTL + 5)
    return footprint(pid, folder)


if __name__ == "__main__":
    main()
