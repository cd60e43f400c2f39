"""What the app's processes take at rest and at their dearest: the table of docs/deployment.md.

    python benchmarks/memory.py

Runs a server, and gives inference processes photos and videos that cost as much as is accepted, most of
them made for it (tests/support/hostile_files.py). Memory is what the kernel calls resident, in MB of 10^6
bytes, at its highest moment. Fails if a process takes more than is promised. Needs the development extras.
"""

import argparse
import io
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from support.app_server import started_server
from support.corruption import video_files
from support.file_cost import ANSWERED, CUT_SHORT, PHOTO_MB, VIDEO_MB, FileCost, MeasuredWorker
from support.hostile_files import write_hostile_files
from support.resource_usage import inference_processes
from support.streamlit_client import BrowserSession
from support.waiting import wait_until

from emosense import settings
from emosense.samples import sample_photo


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    astronaut = np.asarray(Image.open(io.BytesIO(sample_photo())).convert("RGB"))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "files"
        write_hostile_files(folder, astronaut)
        clip = video_files(astronaut, Path(made))["mp4"]
        server, processes = server_at_rest(clip)
        with MeasuredWorker() as worker:
            photo_rest = resident(worker.pid)
            photo = dearest(photos(worker, folder / "photos"))
        with MeasuredWorker() as worker:
            video_rest = resident(worker.pid)
            video = dearest(videos(worker, folder / "videos"))
    uploads = settings.MAX_SERVER_UPLOAD_MB.number() * 2**20 / 1e6
    # One of the inference processes is for videos.
    together = server + uploads + (processes - 1) * PHOTO_MB + VIDEO_MB
    print("| process | at rest, MB | dearest accepted file, MB | promised at most, MB |")
    print("|---|---|---|---|")
    print(f"| server, all pages used once | {server:.0f} | | |")
    print(
        f"| uploads in the server (`{settings.MAX_SERVER_UPLOAD_MB.name}`) | 0 | | {uploads:,.0f} |"
    )
    number = f"photo process ({processes - 1} of them)" if processes > 2 else "photo process"
    print(f"| {number} | {photo_rest:.0f} | {photo.megabytes:.0f} ({photo.name}) | {PHOTO_MB:,} |")
    print(
        f"| video process | {video_rest:.0f} | {video.megabytes:.0f} ({video.name}) | {VIDEO_MB:,} |"
    )
    print(f"| all together, at most | | | **{-(-together // 100) * 100:,.0f}** |")
    sys.exit(photo.megabytes > PHOTO_MB or video.megabytes > VIDEO_MB)


def server_at_rest(clip: bytes) -> tuple[float, int]:
    """Return what a server takes that was used once, and how many inference processes it has."""
    with started_server() as server:
        with BrowserSession(server.url) as session:
            session.upload(("astronaut.png", sample_photo(), "image/png"))
        with BrowserSession(server.url, "video") as session:
            session.upload(("clip.mp4", clip, "video/mp4"))
            session.click("Analyse")
            session.wait("analysed of")
        for page in ("batch", "models"):
            BrowserSession(server.url, page).close()
        wait_until(lambda: inference_processes(server.pid))
        return resident(server.pid), len(inference_processes(server.pid))


def photos(worker: MeasuredWorker, folder: Path) -> Iterator[FileCost]:
    for path in sorted(folder.iterdir()):
        yield worker.photo(path.name, "", path.read_bytes())


def videos(worker: MeasuredWorker, folder: Path) -> Iterator[FileCost]:
    for path in sorted(folder.iterdir()):
        yield worker.video(path.name, "", path)


def dearest(costs: Iterable[FileCost]) -> FileCost:
    """Return the file that was answered and took most."""
    answered = [cost for cost in costs if cost.outcome in (ANSWERED, CUT_SHORT)]
    return max(answered, key=lambda cost: cost.megabytes)


def resident(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss / 1e6)


if __name__ == "__main__":
    main()
