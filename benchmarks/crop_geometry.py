"""Measures FER2013's framing, and what the whole pipeline loses against direct classification.

    python benchmarks/crop_geometry.py measure  fer2013.csv [--images 4000]
    python benchmarks/crop_geometry.py pipeline fer2013.csv [--part PublicTest] [--model cnn8]

``measure`` enlarges Training images, runs the detector on them and prints where its box lies
in the 48x48 frame. ``pipeline`` pastes every image of a part, enlarged and turned by a seeded
random amount, into a larger canvas, runs detector, crop and network, and compares with the
network on the original pixels.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from emosense.emotions import INPUT_SIZE
from emosense.faces.crop import FER2013_GEOMETRY, CropGeometry, crop_face, roll_angle
from emosense.faces.detector import FaceDetector
from emosense.faces.options import DetectorOptions
from emosense.networks.classifier import EmotionClassifier
from emosense.networks.registry import find_model
from emosense.results import Detection
from emosense.training.dataset import Split
from emosense.training.readers.fer2013_csv import read_csv

CANVAS = 320
CHUNK = 128


def place(face: np.ndarray, side: int, angle: float, rng: np.random.Generator) -> np.ndarray:
    """Return a grey canvas (320, 320, 3) with a 48x48 face of ``side`` px, turned by ``angle``."""
    canvas = np.full((CANVAS, CANVAS), int(np.median(face)), np.uint8)
    matrix = cv2.getRotationMatrix2D(((INPUT_SIZE - 1) / 2,) * 2, angle, side / INPUT_SIZE)
    matrix[:, 2] += (CANVAS - 1) / 2 - (INPUT_SIZE - 1) / 2
    room = (CANVAS - side) / 2
    matrix[:, 2] += rng.uniform(-0.4, 0.4, 2) * max(0.0, room)
    cv2.warpAffine(face, matrix, (CANVAS, CANVAS), canvas, cv2.INTER_CUBIC, cv2.BORDER_TRANSPARENT)
    return np.repeat(canvas[..., None], 3, axis=2)


def detect_best(detector: FaceDetector, canvases: list[np.ndarray]) -> list[Detection | None]:
    """Return the best detection of every canvas, or None."""
    options = DetectorOptions(threshold=0.6)
    return [found[0] if found else None for found in detector.detect(canvases, options)]


def compute_metrics(split: Split, images: int, side: int) -> None:
    """Print the framing of ``images`` evenly spread Training images."""
    detector = FaceDetector("opencv")
    rows = np.linspace(0, len(split) - 1, images).astype(int)
    table = []
    for row in rows:
        canvas = np.full((CANVAS, CANVAS), int(np.median(split.images[row])), np.uint8)
        start = (CANVAS - side) // 2
        big = cv2.resize(split.images[row], (side, side), interpolation=cv2.INTER_CUBIC)
        canvas[start : start + side, start : start + side] = big
        found = detect_best(detector, [np.repeat(canvas[..., None], 3, axis=2)])[0]
        if found is None:
            continue
        box, size = found.full_box, np.sqrt(found.full_box.width * found.full_box.height)
        middle = start + side / 2
        table.append(
            (
                side / size,
                (middle - box.centre[0]) / size,
                (middle - box.centre[1]) / size,
                np.degrees(roll_angle(found)),
                size / side * INPUT_SIZE,
                box.height / box.width,
            )
        )
    values = np.array(table)
    print(f"detected {len(values)} of {images} ({100 * len(values) / images:.1f} %)")
    names = ("scale", "shift_x", "shift_y", "roll (degrees)", "box size in 48 px", "box h / w")
    for name, column in zip(names, values.T, strict=True):
        low, q1, mid, q3, high = np.percentile(column, [5, 25, 50, 75, 95])
        print(
            f"{name:18s} median {mid:7.3f}   quartiles {q1:7.3f} {q3:7.3f}   5-95 % {low:7.3f} {high:7.3f}"
        )


def pipeline(split: Split, model: str, geometries: dict[str, CropGeometry]) -> None:
    """Print accuracy direct and through the pipeline, on the same images."""
    classify = EmotionClassifier(find_model(model))
    direct = classify(split.images).argmax(1) == split.labels
    print(f"direct, all {len(split)} images: {100 * direct.mean():.2f} %")
    detector = FaceDetector("opencv")
    for label, (low, high), turn in (
        ("faces of 64 to 256 px, upright", (64, 256), 0.0),
        ("faces of 64 to 256 px, turned by up to 20 degrees", (64, 256), 20.0),
    ):
        rng = np.random.default_rng(0)
        found: list[Detection | None] = []
        crops: dict[str, list[np.ndarray]] = {name: [] for name in geometries}
        for start in range(0, len(split), CHUNK):
            faces = split.images[start : start + CHUNK]
            canvases = [
                place(face, int(rng.integers(low, high)), rng.uniform(-turn, turn), rng)
                for face in faces
            ]
            best = detect_best(detector, canvases)
            found += best
            for name, geometry in geometries.items():
                crops[name] += [
                    crop_face(canvas, detection, geometry)
                    for canvas, detection in zip(canvases, best, strict=True)
                    if detection is not None
                ]
        seen = np.array([detection is not None for detection in found])
        base = 100 * direct[seen].mean()
        print(
            f"{label}: found {seen.sum()} of {len(seen)} ({100 * seen.mean():.1f} %); "
            f"direct on these {base:.2f} %"
        )
        for name, images in crops.items():
            right = classify(np.stack(images)).argmax(1) == split.labels[seen]
            print(
                f"    {name:34s} {100 * right.mean():.2f} %  ({100 * right.mean() - base:+.2f} points)"
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=("measure", "pipeline"))
    parser.add_argument("data", type=Path)
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--side", type=int, default=192, help="enlarged side in px (measure)")
    parser.add_argument("--part", default="PublicTest")
    parser.add_argument("--model", default="cnn8")
    arguments = parser.parse_args()
    data = read_csv(arguments.data)
    if arguments.what == "measure":
        compute_metrics(data.split("Training"), arguments.images, arguments.side)
        return
    ours = FER2013_GEOMETRY
    pipeline(
        data.split(arguments.part),
        arguments.model,
        {
            "measured geometry": ours,
            "measured, without roll correction": CropGeometry(
                ours.scale, ours.shift_x, ours.shift_y, False
            ),
            "measured, 10 % tighter": CropGeometry(
                ours.scale * 0.9, ours.shift_x, ours.shift_y, True
            ),
            "measured, 10 % looser": CropGeometry(
                ours.scale * 1.1, ours.shift_x, ours.shift_y, True
            ),
            "the bare box made square": CropGeometry(1.0, 0.0, 0.0, False),
        },
    )


if __name__ == "__main__":
    main()
