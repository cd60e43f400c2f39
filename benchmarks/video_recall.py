"""Compares the search in regions between whole frames with the search of every whole frame.

    python benchmarks/video_recall.py [FILE ...] [--per-second 10] [--reference 960 [--whole]] [--detail]

Clips made here come first: faces that enter, leave, cross each other, pass by quickly, cuts and
pans. "Found" is the share of the faces found in every whole frame at the same working size that the
default finds too, in the same frame (overlap of boxes at least 0.4); "others" are those that it alone
reports, most of them as near to the minimum score as those that it misses. "Overlap" is the mean
intersection over union of the boxes of both, "same answer" the share of their faces with the same
verdict, "whole" the share of frames that are searched whole.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import cv2
import numpy as np
from support.synthetic_video import head, pasted, wall, write_clip

from emosense import Analyzer
from emosense.faces.tracking import box_iou
from emosense.media.images import read_photo
from emosense.results import FrameResult
from emosense.samples import sample_photo
from emosense.video.options import VideoOptions


@dataclass
class Score:
    wanted: int = 0
    found: int = 0
    others: int = 0
    same: int = 0
    frames: int = 0
    whole: int = 0
    overlaps: list[float] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def add(self, expected: FrameResult, frame: FrameResult) -> None:
        left = [tracked.face for tracked in frame.faces]
        for face in (tracked.face for tracked in expected.faces):
            self.wanted += 1
            best = max(left, key=lambda other: box_iou(other.box, face.box), default=None)
            overlap = 0.0 if best is None else box_iou(best.box, face.box)
            if best is None or overlap < 0.4:
                place = f"{face.box.width:.0f} px at {face.box.x:.0f}, {face.box.y:.0f}"
                self.missed.append(
                    f"frame {expected.index}: {place}, score {face.detection_score:.2f}"
                )
                continue
            left = [other for other in left if other is not best]
            self.found += 1
            self.same += best.verdict == face.verdict
            self.overlaps.append(overlap)
        self.others += len(left)
        self.missed += [
            f"frame {expected.index}: only here {face.box.width:.0f} px at {face.box.x:.0f}, "
            f"{face.box.y:.0f}, score {face.detection_score:.2f}"
            for face in left
        ]

    def merge(self, other: Score) -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def row(self, name: str) -> str:
        whole = f"{100 * self.whole / self.frames:.0f} %"
        if not self.wanted:
            return f"| {name} | 0 | | {self.others} | | | {whole} |"
        return (
            f"| {name} | {self.wanted:,} | {self._share(self.found)} | {self._share(self.others)} | "
            f"{np.mean(self.overlaps):.2f} | {100 * self.same / max(self.found, 1):.1f} % | {whole} |"
        )

    def _share(self, faces: int) -> str:
        return f"{100 * faces / self.wanted:.1f} %"


class Counted(Analyzer):
    """Counts the frames that are searched whole."""

    whole = 0

    def detect_faces(self, images, options=None):  # type: ignore[no-untyped-def]
        self.whole += len(images)
        return super().detect_faces(images, options)


def compared(
    analyzer: Counted, clip: Path, options: VideoOptions, reference_options: VideoOptions
) -> Score:
    reference = analyzer.video(clip, reference_options).finish()
    analyzer.whole = 0
    result = analyzer.video(clip, options).finish()
    score = Score(frames=len(result.frames), whole=analyzer.whole)
    for expected, frame in zip(reference.frames, result.frames, strict=True):
        score.add(expected, frame)
    return score


def generated(folder: Path) -> Iterator[tuple[str, Path]]:
    photo = read_photo(sample_photo())
    one, two = head(photo, 110), head(photo, 90, (0.55, 0.8, 1.0))[:, ::-1]
    small, back = head(photo, 70), wall()
    scenes = {
        "enters and leaves": [pasted(back, (one, -60 + 7 * i, 180)) for i in range(110)],
        "appears and is gone": [
            pasted(back, (one, 300, 180)) if i % 20 in range(3, 12) else back for i in range(100)
        ],
        "is seen for three frames": [
            pasted(back, (one, 300, 180)) if i % 16 in range(3, 6) else back for i in range(96)
        ],
        "small, seen for three frames": [
            pasted(back, (small, 300, 180)) if i % 16 in range(3, 6) else back for i in range(96)
        ],
        "two cross": [
            pasted(back, (two, 560 - 10 * i, 190), (one, 80 + 10 * i, 170)) for i in range(48)
        ],
        "one passes before another": [
            pasted(back, (two, 320, 190), (one, -60 + 16 * i, 180)) for i in range(48)
        ],
        "runs": [pasted(back, (small, 30 * i % 900 - 100, 180)) for i in range(90)],
        "cuts": [
            pasted(wall(seed=i // 11), (one, 120 + 97 * (i // 11) % 400, 180)) for i in range(110)
        ],
        "pans": list(panning(photo, 12)),
        "pans fast": list(panning(photo, 4)),
    }
    for name, frames in scenes.items():
        yield name, write_clip(folder / f"{name}.mp4", frames)


def panning(photo: np.ndarray, period: float) -> Iterator[np.ndarray]:
    wide = np.hstack([cv2.resize(photo, (720, 720)), wall(720, 720)])
    for i in range(100):
        x = round(400 * (1 + np.sin(i / period)))
        yield wide[:360, x : x + 640]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path, nargs="*", metavar="FILE")
    parser.add_argument("--per-second", type=float)
    parser.add_argument("--reference", type=int, help="working size of the whole frames")
    parser.add_argument("--whole", action="store_true", help="compare whole frames with them")
    parser.add_argument("--detail", action="store_true", help="name the differences")
    given = parser.parse_args(arguments)
    analyzer = Counted()
    options = VideoOptions(given.per_second, whole_frames=given.whole)
    reference = replace(options, whole_frames=True, long_side=given.reference)
    print("| clip | faces | found | others | overlap | same answer | whole |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        clips = [*generated(Path(folder)), *((clip.name, clip) for clip in given.clips)]
        total, files = Score(), Score()
        for name, clip in clips:
            score = compared(analyzer, clip, options, reference)
            total.merge(score)
            if clip in given.clips:
                files.merge(score)
            print(score.row(name), flush=True)
            if given.detail:
                print("\n".join(score.missed))
    if given.clips:
        print(files.row("all files"))
    print(total.row("all"))


if __name__ == "__main__":
    main()
