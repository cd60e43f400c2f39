"""What the coarse level of the face search finds, what false faces it brings, what it costs.

    .venv/bin/python benchmarks/face_scales.py

Large faces are 40 crops of scikit-image's astronaut at the box of the face, enlarged to 1,200
pixels. Pictures without faces are scikit-image's, 20 random cuts of each, and coloured noise.
"""

from __future__ import annotations

from time import perf_counter

import cv2
import numpy as np
from skimage import data

from emosense.faces import detector as module
from emosense.faces.detector import FaceDetector
from emosense.faces.options import DetectorOptions
from emosense.media.images import read_photo

WITHOUT_FACES = (
    "brick", "cat", "chelsea", "clock", "coffee", "coins", "colorwheel", "grass", "gravel", "horse",
    "hubble_deep_field", "immunohistochemistry", "logo", "moon", "page", "rocket", "text",
)  # fmt: skip
SIZES = (960, 640, 480)
LEVELS = {"one level": 10**6, "with coarser levels": module._MAX_FACE}


def large_faces(detector: FaceDetector) -> list[np.ndarray]:
    photo = data.astronaut()
    (face,) = detector.detect([photo])[0]
    box, rng, crops = face.box, np.random.default_rng(0), []
    for _ in range(40):
        left, top, right, bottom = rng.uniform(-0.05, 0.25, 4)
        x, y = max(0, int(box.x - left * box.width)), max(0, int(box.y - top * box.height))
        crop = photo[
            y : int(box.y + (1 + bottom) * box.height), x : int(box.x + (1 + right) * box.width)
        ]
        scale = 1200 / max(crop.shape[:2])
        crops.append(cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC))
    return crops


def without_faces() -> list[np.ndarray]:
    rng, pictures = np.random.default_rng(0), []
    for name in WITHOUT_FACES:
        try:
            picture = read_photo(getattr(data, name)())
        except Exception as error:  # some are downloaded at their first use
            print(f"left out: {name} ({type(error).__name__})")
            continue
        pictures.append(picture)
        height, width = picture.shape[:2]
        for _ in range(20):
            fraction = rng.uniform(0.2, 0.9)
            h, w = max(8, int(fraction * height)), max(8, int(fraction * width))
            y, x = rng.integers(0, height - h + 1), rng.integers(0, width - w + 1)
            cut = picture[y : y + h, x : x + w]
            scale = 1200 / max(cut.shape[:2])
            pictures.append(cv2.resize(cut, None, fx=scale, fy=scale))
    for _ in range(100):
        coarse = rng.integers(0, 256, (int(rng.choice((3, 5, 8, 16, 40))), 12, 3)).astype(np.uint8)
        pictures.append(cv2.resize(coarse, (1200, 900), interpolation=cv2.INTER_CUBIC))
    return pictures


def milliseconds(detector: FaceDetector, picture: np.ndarray, size: int) -> list[float]:
    """Return the least of 60 times without and with coarser levels; they take turns."""
    options = DetectorOptions(long_side=size, second_look=False)
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(60):
        for taken, largest in zip(times, LEVELS.values(), strict=True):
            module._MAX_FACE = largest  # type: ignore[misc]  # what is measured
            start = perf_counter()
            detector.detect([picture], options)
            taken.append(1000 * (perf_counter() - start))
    return [min(taken) for taken in times]


def main() -> None:
    detector = FaceDetector()
    large, none = large_faces(detector), without_faces()
    print(f"{detector.label}; {len(large)} large faces, {len(none)} pictures without faces")
    for size in SIZES:
        options = DetectorOptions(long_side=size, second_look=False)
        cost = milliseconds(detector, none[-1][:675], size)
        for (text, largest), minimum in zip(LEVELS.items(), cost, strict=True):
            module._MAX_FACE = largest  # type: ignore[misc]  # what is measured
            found = sum(bool(faces) for faces in detector.detect(large, options))
            false = sum(len(detector.detect([picture], options)[0]) for picture in none)
            print(
                f"{size} px, {text}: {found} of {len(large)} found, {false} false faces, "
                f"{minimum:.1f} ms"
            )


if __name__ == "__main__":
    main()
