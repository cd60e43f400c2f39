"""Uploads damaged photos and videos through the running app and counts how they end.

    python benchmarks/fuzz.py                       # 2,000 photos, 300 videos
    python benchmarks/fuzz.py --photos 100 --videos 20 --seed 7

Needs the development extras. Fails if a file ends without result or message, if the page shows a
traceback, or if the server does not survive.
"""

import argparse
import io
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from support.app_server import running_server
from support.corruption import bombs, disguised, mutants, photo_files, video_files
from support.fuzzing import send_photos, send_video
from support.streamlit_client import BrowserSession

from emosense.samples import sample_photo


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--videos", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    astronaut = np.asarray(Image.open(io.BytesIO(sample_photo())).convert("RGB"))
    with running_server() as url, tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        with BrowserSession(url) as session:
            special = [*bombs().items(), *disguised().items()]
            print_row("bombs and disguises", send_photos(session, special), begun)
            begun = time.monotonic()
            damaged = mutants(photo_files(astronaut), options.photos, options.seed)
            print_row("damaged photos", send_photos(session, damaged), begun)
            session.upload(("sound.png", sample_photo(), "image/png"))
            assert "happy" in session.text, session.text
        begun = time.monotonic()
        with BrowserSession(url, "video") as session:
            damaged = mutants(video_files(astronaut, Path(folder)), options.videos, options.seed)
            ended = Counter(send_video(session, name, data) for name, data in damaged)
            print_row("damaged videos", ended, begun)
            sound = video_files(astronaut, Path(folder))["mp4"]
            assert send_video(session, "sound.mp4", sound) == "analysed"


def print_row(title: str, outcomes: Counter[str], begun: float) -> None:
    total = sum(outcomes.values())
    text = ", ".join(f"{count} {name}" for name, count in outcomes.most_common())
    print(f"| {title} | {total} | {text} | {time.monotonic() - begun:.0f} s |", flush=True)


if __name__ == "__main__":
    main()
