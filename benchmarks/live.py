"""How soon do a camera's answers stand on the canvas, and how many a second?

    python benchmarks/live.py                          # one camera, 20 seconds
    python benchmarks/live.py --beside                 # a costly photo and a video at the same time
    python benchmarks/live.py --cameras 4
    python benchmarks/live.py --minutes 30             # memory over time

Server and Chromium run on this machine. Chromium's camera shows a file of 640 x 480 pixels at 30 frames
a second, each with its number burnt into it; "delay" is the time from the capture of a frame, as Chromium
states it, until the canvas shows that number with its answer; one beyond 4 seconds counts as that. Needs the development extras.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from PIL import Image
from skimage.data import astronaut
from support.app_server import running_chromium, started_server
from support.costly_photos import encoded, noise
from support.fake_camera import READ, camera_flags, write_camera
from support.resource_usage import footprint
from support.streamlit_client import BrowserSession
from support.synthetic_video import head, pasted, wall, write_clip

WATCH = f"""
const read = {READ};
const captured = new Map(); // number -> time
window.delays = [];
const ask = HTMLVideoElement.prototype.requestVideoFrameCallback;
const watched = new WeakSet();
HTMLVideoElement.prototype.requestVideoFrameCallback = function (callback) {{
  if (!watched.has(this)) {{
    watched.add(this);
    const note = (now, {{ captureTime }}) => {{
      const at = captureTime ?? now;
      captured.set(read(this), at);
      // Numbers come again after 8.5 seconds.
      for (const [number, time] of captured) if (time < at - 4000) captured.delete(number);
      ask.call(this, note);
    }};
    ask.call(this, note);
  }}
  return ask.call(this, callback);
}};
window.watchPicture = (canvas) => new MutationObserver(() => {{
  const now = performance.now();
  const number = read(canvas);
  // A frame that came between two callbacks was captured some thirtieths of a second after the last.
  for (let k = 0; k < 60; k++) {{
    const before = captured.get((number - k + 256) % 256);
    if (before !== undefined) return window.delays.push(Math.max(0, now - before - (1000 * k) / 30));
  }}
  window.delays.push(4000);
}}).observe(canvas, {{ attributeFilter: ["data-index"] }});
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="emosense-s")
    parser.add_argument("--cameras", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--minutes", type=float, default=0, help="instead of --seconds")
    parser.add_argument("--beside", action="store_true", help="with a costly photo and a video")
    options = parser.parse_args()
    seconds = 60 * options.minutes or options.seconds
    with tempfile.TemporaryDirectory() as folder:
        path = write_camera(Path(folder) / "camera.y4m", astronaut())
        environment = {"TMPDIR": folder, "EMOSENSE_MODEL": options.model}
        with (
            started_server(**environment) as server,
            running_chromium(*camera_flags(path)) as chromium,
        ):
            pages = []
            for _ in range(options.cameras):
                context = chromium.new_context(permissions=["camera"])
                page = context.new_page()
                page.add_init_script(WATCH)
                page.goto(f"{server.url}/camera")
                page.get_by_role("button", name="Start").click()
                picture = page.locator(".picture[data-index]")
                picture.wait_for(timeout=120_000)
                picture.evaluate("(canvas) => window.watchPicture(canvas)")
                pages.append(page)
            pages[0].wait_for_timeout(3000)  # Chromium's and the server's caches
            for page in pages:
                page.evaluate("() => { window.delays.length = 0 }")
            memory = []
            with company(server.url, Path(folder)) if options.beside else nothing():
                started = time.perf_counter()
                while (elapsed := time.perf_counter() - started) < seconds:
                    pages[0].wait_for_timeout(1000 * min(60, seconds - elapsed))
                    memory.append(footprint(server.pid, Path(folder)).megabytes)
                delays = [page.evaluate("() => window.delays") for page in pages]
    for number, found in enumerate(delays, start=1):
        p50, p95 = np.percentile(found, [50, 95])
        print(
            f"camera {number}: {len(found) / elapsed:.1f} answers/s, delay p50 {p50:.0f} ms, "
            f"p95 {p95:.0f} ms, longest {max(found):.0f} ms"
        )
    print("server's memory, MB: " + " ".join(f"{size:.0f}" for size in memory))


@contextmanager
def nothing() -> Iterator[None]:
    """Run no company."""
    yield


@contextmanager
def company(url: str, folder: Path) -> Iterator[None]:
    """Analyse a costly photo again and again, and a video, as long as the block lasts."""
    photo = encoded(Image.fromarray(noise(6000, 6000)), "PNG")
    face, background = head(astronaut()), wall()
    frames = (pasted(background, (face, 200 + number % 240, 180)) for number in range(1500))
    clip = write_clip(folder / "clip.mp4", frames).read_bytes()
    over = threading.Event()

    def photos() -> None:
        while not over.is_set():
            with BrowserSession(url) as session:
                session.upload(("noise.png", photo, "image/png"))

    def videos() -> None:
        while not over.is_set():
            with BrowserSession(url, "video") as session:
                session.upload(("clip.mp4", clip, "video/mp4"))
                session.click("Analyse")
                session.wait("frames analysed of")

    threads = [threading.Thread(target=work, daemon=True) for work in (photos, videos)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()


if __name__ == "__main__":
    main()
