"""Many browser sessions at once: does each get its own answers, and how soon?

    python benchmarks/load.py                    # 17 sessions by protocol, 3 Chromium pages
    python benchmarks/load.py --sessions 5 --pages 0 --rounds 2
    python benchmarks/load.py --attackers 20 --minutes 10                # and strangers among them
    python benchmarks/load.py --attackers 20 --minutes 10 --one-address

A batch of 200 photos runs beside them. With attackers there are no such visitors: twenty sessions of ill
will (see tests/support/attackers.py) work against the server, each from an address of its own or all from
one, while strangers come with an ordinary photo, one after the other: each in a new session, and one who
stays. Fails unless each of them gets the right answer, 95 % of them within 15 seconds, and the server with
all its processes stays within the memory that docs/deployment.md states. Needs the development extras.
"""

import argparse
import io
import re
import sys
import tempfile
import threading
import time
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from support.app_server import Server, running_chromium, started_server
from support.attackers import attacked
from support.hostile_files import write_hostile_files
from support.resource_usage import Footprint, MemoryWatch, footprint
from support.streamlit_client import BrowserSession

from emosense.samples import sample_photo

TTL = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=17)
    parser.add_argument("--pages", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--waves", type=int, default=2)
    parser.add_argument("--attackers", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--one-address", action="store_true", help="all attackers come from one")
    parser.add_argument(
        "--memory", type=float, default=stated_memory(), help="most MB of all processes together"
    )
    options = parser.parse_args()
    if options.attackers:
        sys.exit(not under_attack(options))
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


SLOWEST = 15.0
"""Seconds within which 95 % of the strangers have their answer."""


def stated_memory() -> float:
    """Return the memory, in MB, that docs/deployment.md states for all processes together."""
    text = (Path(__file__).resolve().parents[1] / "docs" / "deployment.md").read_text("utf-8")
    (stated,) = re.findall(r"\| all together, at most \|.*\*\*([\d,]+)\*\* \|", text)
    return float(stated.replace(",", ""))


def under_attack(options: argparse.Namespace) -> bool:
    """Attack a server, let strangers come, print what they met; return whether all was well."""
    astronaut = Image.open(io.BytesIO(sample_photo())).convert("RGB")
    addresses = [
        "127.0.0.2" if options.one_address else f"127.0.{1 + i // 250}.{2 + i % 250}"
        for i in range(options.attackers)
    ]
    with tempfile.TemporaryDirectory() as made, tempfile.TemporaryDirectory() as folder:
        write_hostile_files(Path(made) / "hostile", np.asarray(astronaut))
        photos = [("astronaut.png", sample_photo()), ("12-megapixels.jpg", twelve(astronaut))]
        log = Path(made) / "server.log"
        with started_server(
            output=log, TMPDIR=folder, STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL=str(TTL)
        ) as server:
            visit(server.url, 0, 1, [])
            before = settled(server.pid, Path(folder))
            strangers = [
                Stranger(server.url, photos, "127.1.0.2", stays=False),
                Stranger(server.url, photos, "127.1.0.3", stays=True),
            ]
            until = time.monotonic() + 60 * options.minutes
            with (
                attacked(server.url, addresses, Path(made) / "hostile") as end,
                MemoryWatch(server.pid) as memory,
                ThreadPoolExecutor(len(strangers)) as threads,
            ):
                for visiting in [threads.submit(stranger.come, until) for stranger in strangers]:
                    visiting.result()
                got = end()
            after = settled(server.pid, Path(folder))
        print(f"The server's log: {log.stat().st_size / 1e6:.1f} MB")
    return report(options, strangers, memory, got, before, after)


class Stranger:
    """Somebody with an ordinary photo, who comes again and again.

    Args:
        url: of the server.
        photos: name and content of the photos, which come in turn; each shows the astronaut.
        address: of the visitor.
        stays: whether all visits are one session.
    """

    def __init__(
        self, url: str, photos: list[tuple[str, bytes]], address: str, *, stays: bool
    ) -> None:
        self.url, self.photos, self.address, self.stays = url, photos, address, stays
        self.took: list[float] = []
        self.opened: list[float] = []
        self.failures: list[str] = []

    def come(self, until: float) -> None:
        session: BrowserSession | None = None
        turn = 0
        while time.monotonic() < until:
            name, data = self.photos[turn % len(self.photos)]
            turn += 1
            begun = time.monotonic()
            try:
                if session is None:
                    session = BrowserSession(self.url, timeout=300, address=self.address)
                    self.opened.append(time.monotonic() - begun)
                begun = time.monotonic()
                session.upload((f"{turn}-{name}", data, "image/png"))
                if "**1. happy**" not in session.text or session.photos != [f"{turn}-{name}"]:
                    raise AssertionError(f"wrong answer: {session.text[:300]}")
                self.took.append(time.monotonic() - begun)
            except Exception as error:  # whatever it is, he did not get his answer
                waited = time.monotonic() - begun
                self.failures.append(f"{type(error).__name__} after {waited:.0f} s: {error}"[:300])
                if session is not None:
                    session.close()
                session = None
            if session is not None and not self.stays:
                session.close()
                session = None
            time.sleep(0.5)
        if session is not None:
            session.close()


def report(
    options: argparse.Namespace,
    strangers: list[Stranger],
    memory: MemoryWatch,
    got: Counter[str],
    before: Footprint,
    after: Footprint,
) -> bool:
    """Print what came of the attack; return whether all promises held."""
    where = "one address" if options.one_address else "an address each"
    print(f"{options.attackers} attackers from {where}, {options.minutes:g} minutes")
    print(
        "\n| stranger | answers | upload to answer, s: p50 | p95 | max | page, s: p95 | failures |"
    )
    print("|---|---|---|---|---|---|---|")
    for title, some in (
        ("a new session each time", strangers[:1]),
        ("one session", strangers[1:]),
        ("both", strangers),
    ):
        took = [seconds for stranger in some for seconds in stranger.took] or [np.inf]
        opened = [seconds for stranger in some for seconds in stranger.opened] or [np.inf]
        failures = sum(len(stranger.failures) for stranger in some)
        p50, p95 = np.percentile(took, [50, 95])
        print(
            f"| {title} | {len(took)} | {p50:.2f} | {p95:.2f} | {max(took):.2f} "
            f"| {np.percentile(opened, 95):.2f} | {failures} |"
        )
    for stranger in strangers:
        for failure in stranger.failures[:10]:
            print(f"- failure: {failure}")
    print(
        f"\nAll processes together: at most {memory.peak:.0f} MB of {options.memory:.0f} MB "
        f"({memory.most_processes} processes at most); each at most, MB:"
    )
    for role, megabytes in memory.peaks.items():
        print(f"- {role}: {megabytes:.0f}")
    print("\n| when | memory, MB | open files | processes | threads | on disk |")
    print("|---|---|---|---|---|---|")
    for title, at in (("before", before), ("after", after)):
        print(
            f"| {title} | {at.megabytes:.0f} | {at.files} | {at.processes} | {at.threads} "
            f"| {at.spooled} |"
        )
    print("\nWhat the attackers got:")
    for outcome, number in sorted(got.items()):
        print(f"- {outcome}: {number}")
    promises = {
        f"p95 of strangers under {SLOWEST:.0f} s": p95 < SLOWEST,
        "every stranger got the right answer": not failures and took != [np.inf],
        f"memory under {options.memory:.0f} MB": memory.peak < options.memory,
        "no more processes than before, no files left": (
            after.processes <= max(before.processes, 4) and after.spooled == 0
        ),
    }
    print()
    for promise, holds in promises.items():
        print(f"{'holds' if holds else 'BROKEN'}: {promise}")
    return all(promises.values())


def twelve(astronaut: Image.Image) -> bytes:
    """Return the astronaut as a JPEG file of 12 megapixels."""
    buffer = io.BytesIO()
    astronaut.resize((3464, 3464), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
