"""Does the GPU answer as the CPU does, and how fast? For the day on which there is one.

    python benchmarks/gpu.py [--model emosense-s] [--clip FILE] [--repeat 3]
    python benchmarks/gpu.py --cpu            # all steps without a GPU, to try this script itself

Each runtime that works on the GPU (ONNX Runtime's CUDA provider, Keras) is compared with ONNX Runtime on
the CPU, on photos of the sample photo's face in several sizes: how many faces, boxes and landmarks,
scores, crops, probabilities. The largest differences stand beside their tolerances. Then photos, faces
and frames per second, the median of the repetitions, GPU and CPU in turns: photos are given decoded, in
batches of 32, as 640x480 pixels with five faces; faces in batches of 64; of the video every frame is
analysed at working size 480, and its rate is divided by that of decoding alone, which should be at least
.8. Exit status: 0 if all is well, 1 if answers differ, 3 if no runtime works on a GPU, 4 if
the video is slower than it should be.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import cv2
import numpy as np
from support.synthetic_video import head, pasted, wall, write_clip

from emosense import Analyzer
from emosense.faces.backends.cuda import CudaYuNet
from emosense.faces.crop import crop_faces
from emosense.faces.detector import FaceDetector
from emosense.media.images import RgbImage, read_photo
from emosense.media.video_reader import VideoReader
from emosense.networks.classifier import BATCH_SIZE
from emosense.networks.throughput import faces_per_second
from emosense.results import Face
from emosense.runtime.environment import set_tensorflow_defaults
from emosense.runtime.gpu import gpu
from emosense.runtime.gpu_driver import may_have_gpu
from emosense.samples import sample_photo
from emosense.settings import video_limits
from emosense.video.options import VideoOptions

DIFFERENT, NO_GPU, SLOW = 1, 3, 4
GOAL = 0.8
"""Frames analysed per second, as a share of the frames decoded per second."""
PHOTOS = 32
TOLERANCES = {
    "boxes and landmarks, pixels": 0.5,
    "detector scores": 0.01,
    "crops, mean grey levels of 255": 1.0,
    "probabilities": 0.02,
}
"""Largest accepted differences. ONNX Runtime computes in float32 on both (TF32 is off), in another order;
TensorFlow multiplies with 10 bits of mantissa (TF32) on GPUs that can."""


@dataclass(frozen=True)
class Rates:
    """Photos, faces and frames per second of an analyzer, and frames of decoding alone."""

    photos: float
    faces: float
    frames: float
    decoded: float


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="emosense-s")
    parser.add_argument("--clip", type=Path)
    parser.add_argument("--seconds", type=int, default=20, help="length of the generated clip")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--cpu", action="store_true", help="run all steps on the CPU")
    arguments = parser.parse_args()
    set_tensorflow_defaults()
    on_cpu = Analyzer(arguments.model, "onnx")
    candidates = dict(stand_ins(arguments.model) if arguments.cpu else on_gpu(arguments.model))
    if not candidates:
        say_what_is_missing()
        return NO_GPU
    astronaut = read_photo(sample_photo())
    equal = [is_equal(name, one, on_cpu, astronaut) for name, one in candidates.items()]
    with tempfile.TemporaryDirectory() as folder:
        clip = arguments.clip or made(Path(folder) / "clip.mp4", astronaut, arguments.seconds)
        rates = measured({"cpu": on_cpu, **candidates}, clip, astronaut, arguments.repeat)
    shares = show_rates(rates)
    if not all(equal):
        return DIFFERENT
    return 0 if arguments.cpu or max(shares[name] for name in candidates) >= GOAL else SLOW


def on_gpu(model: str) -> Iterator[tuple[str, Analyzer]]:
    """Yield an analyzer for each runtime that works on the GPU."""
    for backend in ("cuda", "keras") if may_have_gpu() else ():
        analyzer = Analyzer(model, backend)
        if analyzer.on_gpu and "GPU" in analyzer.network_backend:
            yield backend, analyzer


def stand_ins(model: str) -> Iterator[tuple[str, Analyzer]]:
    """Yield what runs on the GPU otherwise: the graph for batches, and Keras, here on the CPU."""
    analyzer = Analyzer(model, "onnx")
    analyzer._detector = FaceDetector(CudaYuNet(cuda=False))
    yield "cuda", analyzer
    yield "keras", Analyzer(model, "keras")


def say_what_is_missing() -> None:
    import onnxruntime

    print(
        "Expected a GPU of NVIDIA with its driver, and onnxruntime-gpu or TensorFlow's GPU build."
    )
    print(f"Received: driver {'found' if may_have_gpu() else 'not found'};", end=" ")
    print(f"onnxruntime {onnxruntime.__version__} with", end=" ")
    print(", ".join(onnxruntime.get_available_providers()) + ".")
    if gpu.is_taken:
        print("The GPU belongs to another process of EmoSense.")
    for runtime, failure in gpu.failures.items():
        print(f"{runtime}: {failure}")
    print("docs/deployment.md says what to install; --cpu runs all steps without a GPU.")


def crowd(astronaut: RgbImage, shift: int = 0) -> RgbImage:
    """Make a photo of 640x480 pixels with five faces."""
    places = ((100, 110), (320, 110), (540, 110), (210, 350), (430, 350))
    tints = ((1, 1, 1), (0.8, 1, 1), (1, 0.9, 0.8), (0.7, 0.7, 0.7), (1, 0.8, 0.9))
    faces = [
        (head(astronaut, 180, tint), x + shift % 7, y)
        for (x, y), tint in zip(places, tints, strict=True)
    ]
    return pasted(wall(640, 480), *faces)


def made(path: Path, astronaut: RgbImage, seconds: int) -> Path:
    """Write a clip of 640x360 pixels, 25 frames a second, in which one face moves."""
    face, background = head(astronaut), wall()
    frames = (
        pasted(background, (face, 320 + 150 * np.sin(index / 20), 180))
        for index in range(25 * seconds)
    )
    return write_clip(path, frames)


def is_equal(name: str, analyzer: Analyzer, on_cpu: Analyzer, astronaut: RgbImage) -> bool:
    """Print the largest differences from the CPU, and return whether all are tolerable."""
    images = [crowd(astronaut, index) for index in range(PHOTOS + 1)]
    images += [astronaut, astronaut[:301], cv2.resize(astronaut, (2000, 2000))]
    photos = [(str(index), image) for index, image in enumerate(images)]
    found, expected = (
        [result.faces for result in one.images(photos)] for one in (analyzer, on_cpu)
    )
    print(f"\n{name}: {analyzer.detector}; {analyzer.network_backend}")
    counts = [[len(faces) for faces in results] for results in (found, expected)]
    print(f"{sum(counts[0])} faces in {len(images)} photos, {sum(counts[1])} on the CPU")
    if counts[0] != counts[1] or not sum(counts[0]):
        print("DIFFERENT: expected as many faces in each photo")
        return False
    largest = differences(images, found, expected)
    print("\n| | largest difference | tolerance | |\n|---|---|---|---|")
    for what, tolerance in TOLERANCES.items():
        verdict = "ok" if largest[what] <= tolerance else "DIFFERENT"
        print(f"| {what} | {largest[what]:.2g} | {tolerance:g} | {verdict} |")
    return all(largest[what] <= tolerance for what, tolerance in TOLERANCES.items())


def differences(
    images: list[RgbImage],
    found: list[tuple[Face, ...]],
    expected: list[tuple[Face, ...]],
) -> dict[str, float]:
    """Return the largest difference of each kind, for as many faces in the same order."""
    pairs = [
        (image, one, other)
        for image, ours, theirs in zip(images, found, expected, strict=True)
        for one, other in zip(ours, theirs, strict=True)
    ]
    crops = [
        crop_faces((image, face) for image, face in faces).astype(float)
        for faces in (
            [(image, one) for image, one, _ in pairs],
            [(image, other) for image, _, other in pairs],
        )
    ]
    values = (
        max(np.abs(geometry(one) - geometry(other)).max() for _, one, other in pairs),
        max(abs(one.detection_score - other.detection_score) for _, one, other in pairs),
        np.abs(crops[0] - crops[1]).mean(axis=(1, 2)).max(),
        max(
            np.abs(np.subtract(one.probabilities, other.probabilities)).max()
            for _, one, other in pairs
        ),
    )
    return dict(zip(TOLERANCES, map(float, values), strict=True))


def geometry(face: Face) -> np.ndarray:
    """Return corners and landmarks, (7, 2)."""
    box = face.box
    corners = [(box.x, box.y), (box.x + box.width, box.y + box.height)]
    return np.array([*corners, *face.landmarks])


def measured(
    analyzers: dict[str, Analyzer], clip: Path, astronaut: RgbImage, repeat: int
) -> dict[str, Rates]:
    """Measure all analyzers in turns."""
    photos = [(str(index), crowd(astronaut, index)) for index in range(PHOTOS)]
    options = VideoOptions(per_second=None, long_side=480)
    for analyzer in analyzers.values():  # warm: shapes of the batches
        analyzer.images(photos)
        analyzer.video(clip, options).finish()
    rates: dict[str, list[Rates]] = {name: [] for name in analyzers}
    for _ in range(repeat):
        for name, analyzer in analyzers.items():
            rates[name].append(
                Rates(
                    photos=per_second(partial(analyze_photos, analyzer, photos)),
                    faces=faces_per_second(analyzer.classify, BATCH_SIZE),
                    frames=per_second(partial(analyze_video, analyzer, clip, options)),
                    decoded=per_second(partial(decode, clip)),
                )
            )
    return {name: median_of(found) for name, found in rates.items()}


def median_of(rates: list[Rates]) -> Rates:
    fields = ("photos", "faces", "frames", "decoded")
    return Rates(
        **{name: statistics.median(getattr(one, name) for one in rates) for name in fields}
    )


def per_second(work: Callable[[], int]) -> float:
    start = time.perf_counter()
    count = work()
    return count / (time.perf_counter() - start)


def analyze_photos(analyzer: Analyzer, photos: list[tuple[str, RgbImage]]) -> int:
    return len(analyzer.images(photos))


def analyze_video(analyzer: Analyzer, clip: Path, options: VideoOptions) -> int:
    result = analyzer.video(clip, options).finish()
    assert result.problem is None, result.problem
    return result.frames_read


def decode(clip: Path) -> int:
    with VideoReader(clip, video_limits()) as reader:
        return sum(1 for frame in reader.frames() if frame.rgb().size)


def show_rates(rates: dict[str, Rates]) -> dict[str, float]:
    """Print the rates; return the video's rate as a share of that of decoding, by analyzer."""
    print(f"\n{os.cpu_count()} cores\n")
    print("| | photos/s | faces/s | frames/s | decoding alone | share | goal |")
    print("|---|---|---|---|---|---|---|")
    shares = {name: rate.frames / rate.decoded for name, rate in rates.items()}
    for name, rate in rates.items():
        print(
            f"| {name} | {rate.photos:.0f} | {rate.faces:.0f} | {rate.frames:.0f} "
            f"| {rate.decoded:.0f} | {shares[name]:.2f} | {GOAL} |"
        )
    return shares


if __name__ == "__main__":
    sys.exit(main())
