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
from support.streamlit_client import BrowserSession

from emosense import services, settings
from emosense.jobs import lane_choice
from emosense.samples import sample_photo
from emosense.ui.streamlit_internals import PendingMessages
from emosense.ui.uvicorn_internals import MAX_RESPONSES

READER_MB = 0.15
"""What a client that does not read takes in the server, measured with 60 of a file of 36 MB."""


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    astronaut = np.asarray(Image.open(io.BytesIO(sample_photo())).convert("RGB"))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "files"
        write_hostile_files(folder, astronaut)
        clip = video_files(astronaut, Path(made))["mp4"]
        server = server_at_rest(clip)
        with MeasuredWorker() as worker:
            photo_rest = resident(worker.pid)
            photo = dearest(photos(worker, folder / "photos"))
        with MeasuredWorker() as worker:
            video_rest = resident(worker.pid)
            video = dearest(videos(worker, folder / "videos"))
    held = {
        f"{what} in the server (`{setting.name}`)": setting.number() * 2**20 / 1e6
        for what, setting in (
            ("uploads", settings.MAX_SERVER_UPLOAD_MB),
            ("results and downloads", settings.MAX_SERVER_DOWNLOAD_MB),
            ("files on their way that no page keeps any more,", settings.MAX_SERVER_DOWNLOAD_MB),
        )
    }
    held[f"{MAX_RESPONSES} answers to slow readers, in the server"] = MAX_RESPONSES * READER_MB
    pending = (
        PendingMessages.MAX_TOTAL_BYTES + settings.MAX_PAGES.whole() * PendingMessages.SMALL_BYTES
    )
    held["messages that wait for open pages, in the server"] = pending / 1e6
    limits = {
        "process of ordinary photos": lane_choice.photo_bytes() / 1e6,
        "process of dear photos, when needed": lane_choice.VIDEO_BYTES / 1e6,
        "process that encodes previews and videos with boxes, when needed": (
            lane_choice.VIDEO_BYTES / 1e6
        ),
        "process of short videos, when needed": lane_choice.VIDEO_BYTES / 1e6,
        f"{services.LONG_VIDEOS} processes of long videos, when needed": (
            services.LONG_VIDEOS * lane_choice.VIDEO_BYTES / 1e6
        ),
    }
    together = server + sum(held.values()) + sum(limits.values())
    print("| process | at rest, MB | dearest accepted file, MB | limit, MB |")
    print("|---|---|---|---|")
    print(f"| server, all pages used once | {server:.0f} | | |")
    for what, megabytes in held.items():
        print(f"| {what} | | | {megabytes:,.0f} |")
    for what, megabytes in limits.items():
        rest, file = (photo_rest, photo) if "photos" in what else (video_rest, video)
        print(f"| {what} | {rest:.0f} | {file.megabytes:,.0f} ({file.name}) | {megabytes:,.0f} |")
    print(f"| all together, at most | | | **{-(-together // 100) * 100:,.0f}** |")
    sys.exit(photo.megabytes > PHOTO_MB or video.megabytes > VIDEO_MB)


def server_at_rest(clip: bytes) -> float:
    """Return what the server's own process takes after all pages were used once."""
    with started_server() as server:
        with BrowserSession(server.url) as session:
            session.upload(("astronaut.png", sample_photo(), "image/png"))
        with BrowserSession(server.url, "video") as session:
            session.upload(("clip.mp4", clip, "video/mp4"))
            session.click("Analyse")
            session.wait("analysed of")
        for page in ("batch", "models"):
            BrowserSession(server.url, page).close()
        return resident(server.pid)


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
