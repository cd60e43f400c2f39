"""Times the analysis of a video; compares with ``fer`` when it is installed; measures memory.

    python benchmarks/video.py [--clip FILE | --wall] [--repeat 3] [--brief]
    python benchmarks/video.py --memory
    python benchmarks/video.py --recall FILE [FILE ...]

The default clip pans over scikit-image's astronaut photo: 640x360, 25 frames a second, 20 s, one
face. "Every frame, results only" is what fer's ``Video.analyze`` is compared with:
both read the file, find the face and classify it in every frame, in turns in one run. The rows
below it pull one lever each, and ``--brief`` leaves them out. Rates are medians, with the fastest
run in brackets, which other programs disturbed least. Shares are each stage's working time, as a part of the wall time;
the stages run side by side, so they add up to more than 1. CPU is the processor time of all threads,
which depends less on what else the machine does. ``--wall`` shows a face before a smooth wall, where
fer's cascade has little to do. ``--memory`` compares the peak of a
10-minute clip with that of a 10-second one, each in a fresh process, at every frame and with
the annotated video. ``--recall`` says which share of the faces that working size 960 finds in
every frame each setting finds too (overlap of boxes at least 0.4).
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import cv2
import numpy as np
from support.synthetic_video import head, pasted, wall, write_clip

from emosense import Analyzer
from emosense.faces.tracking import box_iou
from emosense.media.images import read_photo
from emosense.samples import sample_photo
from emosense.video.options import VideoOptions

ROWS: dict[str, tuple[VideoOptions, bool]] = {
    "every frame, results only": (VideoOptions(per_second=None), False),
    "... every frame searched whole": (VideoOptions(per_second=None, whole_frames=True), False),
    "... working size 320": (VideoOptions(per_second=None, long_side=320), False),
    "... working size 640": (VideoOptions(per_second=None, long_side=640), False),
    "... search in every 3rd frame": (VideoOptions(per_second=None, detect_every=3), False),
    "every frame, with annotated video": (VideoOptions(per_second=None), True),
    "10 a second (default), with annotated video": (VideoOptions(), True),
    "10 a second, results only": (VideoOptions(), False),
    "... searched whole": (VideoOptions(whole_frames=True), False),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", type=Path)
    parser.add_argument("--wall", action="store_true")
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--brief", action="store_true")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--recall", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--peak", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak is not None:
        return peak(arguments.peak)
    if arguments.recall is not None:
        return recall(arguments.recall)
    with tempfile.TemporaryDirectory() as folder:
        if arguments.memory:
            return memory(Path(folder))
        width, height = map(int, arguments.size.split("x"))
        clip = arguments.clip or (before_wall if arguments.wall else made)(
            Path(folder) / "clip.mp4", arguments.seconds, width, height
        )
        rows = dict(list(ROWS.items())[:1]) if arguments.brief else ROWS
        return speed(clip, arguments.repeat, Path(folder), rows)


def made(path: Path, seconds: int, width: int = 640, height: int = 360) -> Path:
    """Pan over the astronaut photo: one face in a picture with as much detail as life has."""
    side = width * 5 // 4
    photo = cv2.resize(read_photo(sample_photo()), (side, side), interpolation=cv2.INTER_CUBIC)

    def frames() -> Iterator[np.ndarray]:
        for i in range(25 * seconds):
            x = round((side - width) * (0.5 + 0.5 * np.sin(i / 20)))
            y = round(side * 0.08 * (0.5 + 0.5 * np.sin(i / 33)))
            yield photo[y : y + height, x : x + width]

    return write_clip(path, frames(), sound=True)


def before_wall(path: Path, seconds: int, width: int = 640, height: int = 360) -> Path:
    """Show a face that sways before a soft, blurred wall."""
    background, face = wall(width, height), head(read_photo(sample_photo()), height * 4 // 9)
    return write_clip(
        path,
        (
            pasted(background, (face, width / 2 + width / 8 * np.sin(i / 20), height / 2))
            for i in range(25 * seconds)
        ),
        sound=True,
    )


def speed(
    clip: Path, repeat: int, folder: Path, rows: dict[str, tuple[VideoOptions, bool]]
) -> None:
    analyzer = Analyzer()
    analyzer.photo(sample_photo())
    fer = fer_video(clip)
    assert analyzer.video(clip, VideoOptions(per_second=None)).finish().frames  # warm
    print(f"{os.cpu_count()} cores, {analyzer.detector}, {clip.name}, median of {repeat}\n")
    print("| run | frames/s | times real time | CPU, ms a frame | shares |\n|---|---|---|---|---|")
    ours: dict[str, list[float]] = {name: [] for name in rows}
    theirs: list[float] = []
    cpu: dict[str, list[float]] = {name: [] for name in [*rows, "fer"]}
    shares: dict[str, dict[str, float]] = {}
    duration, first = 1.0, next(iter(rows))
    for _ in range(repeat):
        for name, (options, annotated) in rows.items():
            start, cpu_start = time.perf_counter(), time.process_time()
            analysis = analyzer.video(clip, options, folder / "out.mp4" if annotated else None)
            result = analysis.finish()
            wall_time = time.perf_counter() - start
            cpu_time = time.process_time() - cpu_start
            assert result.problem is None
            assert not analysis.notes
            duration = result.frames_read / (result.info.frames_per_second or 25)
            cpu[name].append(1000 * cpu_time / result.frames_read)
            ours[name].append(result.frames_read / wall_time)
            shares[name] = {k: v / wall_time for k, v in analysis.timer.seconds.items()}
            if name == first and fer is not None:
                cpu_start = time.process_time()
                theirs.append(fer())
                cpu["fer"].append(1000 * (time.process_time() - cpu_start) / result.frames_read)
    for name, rates in ours.items():
        rate = statistics.median(rates)
        told = ", ".join(f"{stage} {share:.2f}" for stage, share in shares[name].items())
        real = rate * duration / (duration * (result.info.frames_per_second or 25))
        cost = statistics.median(cpu[name])
        print(f"| {name} | {rate:.0f} ({max(rates):.0f}) | {real:.1f} | {cost:.1f} | {told} |")
    if theirs:
        rate, best, cost = statistics.median(theirs), max(theirs), statistics.median(cpu["fer"])
        by_rate, by_best = statistics.median(ours[first]) / rate, max(ours[first]) / best
        by_cpu = cost / statistics.median(cpu[first])
        told = f"ours: {by_rate:.1f}x, fastest {by_best:.1f}x, by CPU {by_cpu:.1f}x"
        print(
            f"| fer, every frame, results only | {rate:.0f} ({best:.0f}) | | {cost:.1f} | {told} |"
        )


def fer_video(clip: Path) -> Callable[[], float] | None:
    """Return a function that runs fer once and gives its frames a second; None without fer."""
    try:
        from fer.classes import Video
        from fer.fer import FER
    except ImportError:
        return None
    # fer asks for a key after each frame, which OpenCV's headless build cannot.
    cv2.waitKey = lambda *_: -1
    cv2.destroyAllWindows = lambda: None
    detector = FER()

    def run() -> float:
        with tempfile.TemporaryDirectory() as out:
            start = time.perf_counter()
            found = Video(str(clip), outdir=out).analyze(
                detector,
                display=False,
                save_frames=False,
                save_video=False,
                annotate_frames=False,
                zip_images=False,
                output="csv",
            )
            return len(found) / (time.perf_counter() - start)

    return run


def memory(folder: Path) -> None:
    print("| clip | peak, MB |\n|---|---|")
    for seconds in (10, 600):
        clip = made(folder / f"{seconds}.mp4", seconds)
        out = subprocess.run(
            [sys.executable, __file__, "--peak", str(clip)],
            capture_output=True,
            text=True,
            check=True,
        )
        print(f"| {seconds} s, 640x360 | {out.stdout.strip().splitlines()[-1]} |")


def recall(clips: list[Path]) -> None:
    analyzer = Analyzer()
    settings = {
        "480 (default for every frame)": VideoOptions(per_second=None),
        "320": VideoOptions(per_second=None, long_side=320),
        "640": VideoOptions(per_second=None, long_side=640),
        "480, search in every 3rd frame": VideoOptions(per_second=None, detect_every=3),
        "480, search in every 5th frame": VideoOptions(per_second=None, detect_every=5),
    }
    found, wanted, more = dict.fromkeys(settings, 0), 0, dict.fromkeys(settings, 0)
    for clip in clips:
        reference = analyzer.video(clip, VideoOptions(per_second=None, long_side=960)).finish()
        wanted += sum(len(frame.faces) for frame in reference.frames)
        for name, options in settings.items():
            result = analyzer.video(clip, options).finish()
            for expected, frame in zip(reference.frames, result.frames, strict=True):
                left = [tracked.face.box for tracked in frame.faces]
                for tracked in expected.faces:
                    best = max(left, key=lambda box: box_iou(box, tracked.face.box), default=None)
                    if best is not None and box_iou(best, tracked.face.box) >= 0.4:
                        left.remove(best)
                        found[name] += 1
                more[name] += len(left)
    print(f"{wanted:,} faces at working size 960\n")
    print("| setting | found of them | others |\n|---|---|---|")
    for name in settings:
        print(f"| {name} | {found[name] / wanted:.1%} | {more[name] / wanted:.1%} |")


def peak(clip: Path) -> None:
    result = (
        Analyzer().video(clip, VideoOptions(per_second=None), clip.with_suffix(".out.mp4")).finish()
    )
    assert result.problem is None
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}")


if __name__ == "__main__":
    main()
