"""Times photos end to end, and the CNN alone; compares with ``fer`` when it is installed.

    python benchmarks/photo.py [--repeat 30] [--model cnn8]

The photos are made from scikit-image's astronaut: 640x480 with one face and with five, and
4000x3000 with one. End to end means: RGB array in, faces with probabilities out. Each figure
is the median over the repetitions, ours and fer's alternating in one run.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2
import numpy as np

from emosense import Analyzer
from emosense.media.images import read_photo
from emosense.networks.throughput import faces_per_second
from emosense.samples import sample_photo


def photos() -> dict[str, np.ndarray]:
    """Return the test photos by name."""
    astronaut = read_photo(sample_photo())
    head = astronaut[20:260, 110:350]
    grey = np.full((480, 640, 3), 120, np.uint8)
    one = grey.copy()
    one[:, 64:576] = cv2.resize(astronaut, (512, 512))[:480]
    five = grey.copy()
    for index, (x, y) in enumerate(((5, 5), (215, 5), (425, 5), (100, 235), (330, 235))):
        side = 205 if index < 3 else 235
        five[y : y + side, x : x + side] = cv2.resize(head, (side, side))
    large = cv2.resize(one, (4000, 3000), interpolation=cv2.INTER_CUBIC)
    return {"640x480, one face": one, "640x480, five faces": five, "4000x3000, one face": large}


def milliseconds(functions: list[Callable[[], Any]], repeat: int) -> list[float]:
    """Return the median of each function; they take turns, so load hits all alike."""
    for function in functions:
        function()
        function()
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(repeat):
        for function, taken in zip(functions, times, strict=True):
            start = time.perf_counter()
            function()
            taken.append(1000 * (time.perf_counter() - start))
    return [statistics.median(taken) for taken in times]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=30)
    parser.add_argument("--model", default="cnn8")
    arguments = parser.parse_args()
    analyzer = Analyzer(arguments.model)
    try:
        from fer.fer import FER

        fer: Any = FER()
    except ImportError:
        fer = None
    print(f"detector {analyzer.detector}, model {analyzer.model}, {os.cpu_count()} cores")
    print(f"| photo | EmoSense ms (faces) | {'fer ms (faces) | ratio |' if fer else ''}")
    for name, image in photos().items():
        ours: Callable[[], Any] = partial(analyzer.photo, image)
        functions = [ours]
        if fer is not None:
            bgr = np.ascontiguousarray(image[..., ::-1])
            functions.append(partial(fer.detect_emotions, bgr))
        times = milliseconds(functions, arguments.repeat if image.size < 2e6 else 5)
        line = f"| {name} | {times[0]:.1f} ({len(ours().faces)}) |"
        if fer is not None:
            line += f" {times[1]:.1f} ({len(functions[1]())}) | {times[1] / times[0]:.2f}x |"
        print(line)
    for batch in (1, 5, 64):
        rate = faces_per_second(analyzer.classify, batch, seconds=5)
        print(f"| CNN, batch {batch} | {1000 * batch / rate:.1f} ms, {rate:.0f} faces/s |")
    one = photos()["640x480, one face"]
    (taken,) = milliseconds([partial(analyzer._detector.detect, [one])], arguments.repeat)
    print(f"| detector alone, 640x480 | {taken:.1f} ms |")


if __name__ == "__main__":
    main()
