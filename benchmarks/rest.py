"""How soon does POST /photos of the REST API answer, with many clients, beside open pages?

    python benchmarks/rest.py                       # 1, 4 and 16 clients for 20 s each, 3 pages beside
    python benchmarks/rest.py --clients 4 --seconds 60 --pages 10

Each client sends one photo after the other, over one connection that it keeps open, and compares each answer
with the first. The pages are sessions by protocol; on one of them a visitor uploads a photo every two seconds.
Server and clients share the machine. Fails if an answer is wrong, or another status than 200. Needs the
development extras.
"""

import argparse
import io
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import requests
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from support.app_server import started_server
from support.streamlit_client import BrowserSession

from emosense.samples import sample_photo

KEY = "0123456789abcdef"
VISITOR_SECONDS = 2.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--pages", type=int, default=3)
    options = parser.parse_args()
    photo = as_jpeg(sample_photo())
    with started_server(output=None, EMOSENSE_API_KEY=KEY) as server, ExitStack() as stack:
        expected = ask(requests.Session(), server.url, photo)
        pages = [stack.enter_context(BrowserSession(server.url)) for _ in range(options.pages)]
        print(
            "| clients | answers/s | p50, ms | p95, ms | slowest, ms | a page's photo, p50, ms | slowest |"
            "\n|---|---|---|---|---|---|---|"
        )
        for count in options.clients:
            took, of_page = measure(server.url, photo, expected, count, options.seconds, pages)
            p50, p95 = np.percentile(took, [50, 95])
            print(
                f"| {count} | {len(took) / options.seconds:.1f} | {p50:.0f} | {p95:.0f} "
                f"| {max(took):.0f} | {np.median(of_page):.0f} | {max(of_page):.0f} |"
            )


def measure(
    url: str,
    photo: bytes,
    expected: object,
    clients: int,
    seconds: float,
    pages: list[BrowserSession],
) -> tuple[list[float], list[float]]:
    """Return the times of all answers, and of the visitor's photos, in milliseconds."""
    end = time.monotonic() + seconds
    stop = threading.Event()

    def client(number: int) -> list[float]:
        took: list[float] = []
        with requests.Session() as session:
            while time.monotonic() < end:
                begun = time.monotonic()
                answer = ask(session, url, photo)
                took.append(1000 * (time.monotonic() - begun))
                assert answer == expected, answer
        return took

    with ThreadPoolExecutor(clients + 1) as threads:
        visitor = threads.submit(visit, pages[0], stop)
        took = [each for times in threads.map(client, range(clients)) for each in times]
        stop.set()
        return took, visitor.result()


def ask(session: requests.Session, url: str, photo: bytes) -> object:
    answer = session.post(
        f"{url}/api/v1/photos",
        headers={"Authorization": f"Bearer {KEY}"},
        files={"files": ("a.jpg", photo)},
    )
    assert answer.status_code == 200, answer.text
    (result,) = answer.json()["photos"]
    assert result["faces"][0]["verdict"] == "happy", result
    return result


def visit(page: BrowserSession, stop: threading.Event) -> list[float]:
    took: list[float] = []
    while not stop.wait(VISITOR_SECONDS):
        name = f"{len(took)}-{time.monotonic()}.png"
        begun = time.monotonic()
        page.upload((name, sample_photo(), "image/png"))
        took.append(1000 * (time.monotonic() - begun))
        assert "**1. happy**" in page.text
    return took


def as_jpeg(png: bytes) -> bytes:
    jpeg = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(jpeg, "JPEG", quality=90)
    return jpeg.getvalue()


if __name__ == "__main__":
    main()
