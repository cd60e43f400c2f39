"""Visitors come and go for an hour: does anything grow?

    python benchmarks/soak.py                    # an hour
    python benchmarks/soak.py --minutes 10

Each visitor uploads a photo, a damaged photo, a zip and a clip, and leaves. Once a minute what the
server takes is printed; at the end the last quarter is compared with the second one. Needs the
development extras.
"""

import argparse
import io
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from support.app_server import started_server
from support.corruption import video_files
from support.resource_usage import Footprint, footprint
from support.visitor import Visitor

from emosense.samples import sample_photo

TTL = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    options = parser.parse_args()
    astronaut = np.asarray(Image.open(io.BytesIO(sample_photo())).convert("RGB"))
    samples: list[Footprint] = []
    visits = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        started_server(TMPDIR=folder, STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL=str(TTL)) as server,
    ):
        clip = video_files(astronaut, Path(folder))["mp4"]
        visitor = Visitor(server.url, sample_photo(), clip)
        print("| minute | visits | memory, MB | open files | processes | threads | on disk |")
        print("|---|---|---|---|---|---|---|")
        begun = time.monotonic()
        while time.monotonic() - begun < 60 * options.minutes:
            until = time.monotonic() + min(60, 60 * options.minutes / 8)
            while time.monotonic() < until:
                visitor.visit()
                visits += 1
            time.sleep(2 * TTL)
            now = footprint(server.pid, Path(folder))
            samples.append(now)
            print(
                f"| {(time.monotonic() - begun) / 60:.0f} | {visits} | {now.megabytes:.0f} "
                f"| {now.files} | {now.processes} | {now.threads} | {now.spooled} |",
                flush=True,
            )
    quarter = max(1, len(samples) // 4)
    early, late = samples[quarter : 2 * quarter], samples[-quarter:]
    for name in ("megabytes", "files", "processes", "threads", "spooled"):
        first, last = (median(getattr(s, name) for s in part) for part in (early, late))
        print(f"{name}: {first:.0f} in the second quarter, {last:.0f} in the last")


if __name__ == "__main__":
    main()
