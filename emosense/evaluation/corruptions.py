"""Common corruptions of a picture, in five severities.

After ImageNet-C (Hendrycks and Dietterich 2019, arXiv:1903.12261), for faces: what happens to photos is
done to a picture in which a face was pasted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from emosense.emotions import INPUT_SIZE
from emosense.evaluation.predictions import CORRUPTIONS, SEVERITIES

Grey = npt.NDArray[np.uint8]

_SIDE: Final = 320
_SMALLEST, _LARGEST = 96, 200


@dataclass(frozen=True)
class Scene:
    """A grey picture with one pasted face.

    Attributes:
        picture: (h, w) uint8 grey.
        x: horizontal centre of the face, in pixels.
        y: vertical centre of the face, in pixels.
        side: side of the pasted 48x48 image in the picture, in pixels.

    >>> scene = paste_face(np.full((48, 48), 90, np.uint8), np.random.default_rng(0))
    >>> scene.picture.shape
    (320, 320)
    """

    picture: Grey
    x: float
    y: float
    side: float


def paste_face(
    face: Grey, rng: np.random.Generator, degrees: float = 0.0, cut_off: float = 0.0
) -> Scene:
    """Paste a face, enlarged, at a random place of a picture.

    Args:
        face: (48, 48) uint8 grey.
        rng: decides on place and size.
        degrees: angle by which the face is turned, clockwise.
        cut_off: fraction of the face's side that lies outside the picture, in 0..1.
    """
    side = float(rng.integers(_SMALLEST, _LARGEST))
    middle = (INPUT_SIZE - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), -degrees, side / INPUT_SIZE)
    offset = rng.uniform(-0.4, 0.4, 2) * (_SIDE - side)
    if cut_off:
        offset[rng.integers(2)] = rng.choice([-1, 1]) * ((_SIDE - side) / 2 + cut_off * side)
    matrix[:, 2] += (_SIDE - 1) / 2 - middle + offset
    # Around the face is what its edges have, blurred: no hard border for the detector.
    around = cv2.warpAffine(
        face, matrix, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    picture = cv2.GaussianBlur(around, (0, 0), 12)
    cv2.warpAffine(face, matrix, (_SIDE, _SIDE), picture, cv2.INTER_CUBIC, cv2.BORDER_TRANSPARENT)
    x, y = (_SIDE - 1) / 2 + offset
    return Scene(np.asarray(picture, np.uint8), float(x), float(y), side)


def _clipped(values: npt.NDArray[np.floating[Any]]) -> Grey:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def _scale(scene: Scene, severity: int, rng: np.random.Generator) -> Scene:
    factor = (40, 32, 26, 20, 14)[severity - 1] / scene.side
    size = max(1, round(len(scene.picture) * factor))
    picture = cv2.resize(scene.picture, (size, size), interpolation=cv2.INTER_AREA)
    factor = size / len(scene.picture)
    return Scene(
        np.asarray(picture, np.uint8), scene.x * factor, scene.y * factor, scene.side * factor
    )


def _blur(scene: Scene, severity: int, rng: np.random.Generator) -> Scene:
    sigma = (0.01, 0.02, 0.03, 0.045, 0.06)[severity - 1] * scene.side
    return _with(scene, np.asarray(cv2.GaussianBlur(scene.picture, (0, 0), sigma), np.uint8))


def _motion_blur(scene: Scene, severity: int, rng: np.random.Generator) -> Scene:
    length = max(3, round((0.06, 0.1, 0.15, 0.2, 0.28)[severity - 1] * scene.side)) | 1
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1
    angle = rng.uniform(0, 180)
    turn = cv2.getRotationMatrix2D(((length - 1) / 2,) * 2, angle, 1)
    kernel = np.asarray(cv2.warpAffine(kernel, turn, (length, length)), np.float32)
    return _with(
        scene, np.asarray(cv2.filter2D(scene.picture, -1, kernel / kernel.sum()), np.uint8)
    )


def _dark(scene: Scene, severity: int, rng: np.random.Generator) -> Scene:
    light = scene.picture * (0.5, 0.3, 0.2, 0.12, 0.07)[severity - 1]
    return _with(scene, _clipped(light + rng.normal(0, 2.5, light.shape)))


def _bright(scene: Scene, severity: int, rng: np.random.Generator) -> Scene:
    gain = (1.4, 1.8, 2.3, 3.0, 4.0)[severity - 1]
    return _with(scene, _clipped(scene.picture * gain))


def _noise(scene: Scene, severity: int, rng: np.random.Generator) -> Scene:
    sigma = (8, 16, 26, 38, 52)[severity - 1]
    return _with(scene, _clipped(scene.picture + rng.normal(0, sigma, scene.picture.shape)))


def _jpeg(scene: Scene, severity: int, rng: np.random.Generator) -> Scene:
    quality = (30, 18, 12, 8, 5)[severity - 1]
    written = cv2.imencode(".jpg", scene.picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return _with(scene, np.asarray(cv2.imdecode(written, cv2.IMREAD_GRAYSCALE), np.uint8))


def _occlusion(scene: Scene, severity: int, rng: np.random.Generator) -> Scene:
    side = (0.2, 0.3, 0.4, 0.5, 0.6)[severity - 1] * scene.side
    left, top = (
        int(centre + rng.uniform(-0.3, 0.3) * scene.side - side / 2)
        for centre in (scene.x, scene.y)
    )
    picture = scene.picture.copy()
    right, bottom = max(0, left + int(side)), max(0, top + int(side))
    picture[max(0, top) : bottom, max(0, left) : right] = rng.integers(256)
    return _with(scene, picture)


def _with(scene: Scene, picture: Grey) -> Scene:
    return Scene(picture, scene.x, scene.y, scene.side)


_ROTATIONS: Final = (8.0, 15.0, 22.0, 30.0, 40.0)
_CUTS: Final = (0.03, 0.08, 0.14, 0.2, 0.28)
_CORRUPTIONS: Final[dict[str, Callable[[Scene, int, np.random.Generator], Scene]]] = {
    "scale": _scale,
    "blur": _blur,
    "motion blur": _motion_blur,
    "dark": _dark,
    "bright": _bright,
    "noise": _noise,
    "jpeg": _jpeg,
    "occlusion": _occlusion,
}


def corrupted_scene(
    face: Grey, corruption: str, severity: int, rng: np.random.Generator
) -> tuple[Scene, Scene]:
    """Paste a face in a picture and corrupt it.

    Args:
        face: (48, 48) uint8 grey.
        corruption: one of :data:`~emosense.evaluation.predictions.CORRUPTIONS`.
        severity: 1 (slight) to 5.
        rng: decides on what is random.

    Returns:
        The picture before and after. They differ in size by "scale" alone; "rotation" and "cut off" are
        of the pasting, and have no before.

    Raises:
        ValueError: there is no such corruption or severity.
    """
    if corruption not in CORRUPTIONS or not 1 <= severity <= SEVERITIES:
        raise ValueError(
            f"Expected one of {', '.join(CORRUPTIONS)} with a severity of 1 to {SEVERITIES}. "
            f"Received: {corruption!r} with {severity}"
        )
    if corruption == "rotation":
        scene = paste_face(face, rng, degrees=float(rng.choice([-1, 1])) * _ROTATIONS[severity - 1])
        return scene, scene
    if corruption == "cut off":
        scene = paste_face(face, rng, cut_off=_CUTS[severity - 1])
        return scene, scene
    scene = paste_face(face, rng)
    return scene, _CORRUPTIONS[corruption](scene, severity, rng)
