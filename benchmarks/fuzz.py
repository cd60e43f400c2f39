"""Mutated photos and videos: how do they end, and what does each cost?

    python benchmarks/fuzz.py                                   # 20,000 photos, 2,000 videos
    python benchmarks/fuzz.py --photos 300 --videos 30 --seed 7
    python benchmarks/fuzz.py --photos 1 --videos 0 --first 1234 --keep FOLDER    # one of them again
    python benchmarks/fuzz.py --limits                          # under the app's limits
    python benchmarks/fuzz.py --files FILE [FILE ...]           # measure files as they are
    python benchmarks/fuzz.py --through-app                     # as a browser sends them

The files go straight to inference processes, with every request that the app makes: the answer, the
annotated PNG and "Why?" of a photo; the preview and the analysis with annotated video of a video, which
is ended after some seconds. Processor time and peak memory are those of the process, per request. Fails
if a request costs more than is promised, if a process dies or hangs, or if anything but an error in words
comes back. The processes have no limits of their own, which would hide what a file takes; with ``--limits``
they have those that the app sets. ``--through-app`` uploads files with damaged bytes through the running app instead, and fails
if a page shows a traceback. Needs the development extras.
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
from support.corruption import bombs, disguised, mutants, photo_files, video_files
from support.file_cost import FileCost
from support.fuzz_series import Part, measure_files, measured, parts, report, told

from emosense.samples import sample_photo


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int)
    parser.add_argument("--videos", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="folder for the dearest ten and all failures")
    parser.add_argument("--files", type=Path, nargs="+")
    parser.add_argument("--limits", action="store_true", help="set the app's limits of processes")
    parser.add_argument("--through-app", action="store_true")
    options = parser.parse_args()
    if options.through_app:
        through_app(options.photos or 2000, options.videos or 300, options.seed)
        return
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        if options.files:
            costs = listed(measure_files(options.files))
        else:
            photos = 20_000 if options.photos is None else options.photos
            videos = 2000 if options.videos is None else options.videos
            wanted = [
                part
                for are_videos, count in ((False, photos), (True, videos))
                for part in parts(
                    Part(
                        options.seed,
                        are_videos,
                        range(options.first, options.first + count),
                        Path(folder),
                        options.limits,
                    )
                )
            ]
            costs = listed(measured(wanted, options.processes))
            if options.keep:
                keep(costs, options.keep, options.seed, Path(folder))
    failures = [cost for cost in costs if cost.is_failure]
    print(report(costs))
    print(
        f"\n{len(costs)} files in {(time.monotonic() - begun) / 60:.1f} min, "
        f"{len(failures)} failures"
    )
    if options.files is None:
        print(
            f"Again: python benchmarks/fuzz.py --seed {options.seed} --first NUMBER "
            "--photos 1 --videos 0 --keep FOLDER  (or --photos 0 --videos 1)"
        )
    sys.exit(bool(failures))


def listed(costs):  # type: ignore[no-untyped-def]
    """Return all costs; failures are told at once."""
    found: list[FileCost] = []
    for cost in costs:
        found.append(cost)
        if cost.is_failure:
            print(told(cost), flush=True)
        if len(found) % 500 == 0:
            print(f"{len(found)} files", flush=True)
    return found


def keep(costs: list[FileCost], folder: Path, seed: int, made: Path) -> None:
    """Write the dearest ten and all failures."""
    folder.mkdir(parents=True, exist_ok=True)
    corpus = Part(seed, False, range(0), made).corpus()
    dearest = sorted(costs, key=lambda c: -c.share)[:10]
    for cost in {*map(id, dearest), *(id(c) for c in costs if c.is_failure)}:
        (found,) = [c for c in costs if id(c) == cost]
        make = corpus.video if found.name.startswith("video") else corpus.photo
        case = make(found.number)
        (folder / case.name[-200:]).write_bytes(case.data)


def through_app(photos: int, videos: int, seed: int) -> None:
    """Upload damaged files as a browser does, and count how they end."""
    from support.app_server import running_server
    from support.fuzzing import send_photos, send_video
    from support.streamlit_client import BrowserSession

    astronaut = np.asarray(Image.open(io.BytesIO(sample_photo())).convert("RGB"))
    with running_server() as url, tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        with BrowserSession(url) as session:
            special = [*bombs().items(), *disguised().items()]
            print_row("bombs and disguises", send_photos(session, special), begun)
            begun = time.monotonic()
            damaged = mutants(photo_files(astronaut), photos, seed)
            print_row("damaged photos", send_photos(session, damaged), begun)
            session.upload(("sound.png", sample_photo(), "image/png"))
            assert "happy" in session.text, session.text
        begun = time.monotonic()
        with BrowserSession(url, "video") as session:
            damaged = mutants(video_files(astronaut, Path(folder)), videos, seed)
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
