"""Test faces made worse: pasted into pictures, corrupted, found again and cropped as photos are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from emosense.emotions import INPUT_SIZE
from emosense.evaluation.corruptions import Grey, Scene, corrupted_scene
from emosense.evaluation.predictions import CORRUPTIONS, SEVERITIES
from emosense.faces.crop import FER2013_GEOMETRY, crop_face
from emosense.faces.quality import grey_quality, measure_quality
from emosense.results import Detection

Detect = Callable[[Sequence[npt.NDArray[np.uint8]]], Sequence[Sequence[Detection]]]
"""Finds the faces of (h, w, 3) uint8 RGB pictures."""

_CHUNK: Final = 64
_MARGIN: Final = 64
_ENLARGED: Final = 192


@dataclass(frozen=True)
class DegradedFaces:
    """n degraded faces.

    Attributes:
        images: (n,) uint32, the image of the split that a face was made from.
        corruptions: (n,) uint8, indices in :data:`~emosense.evaluation.predictions.CORRUPTIONS`.
        severities: (n,) uint8, in 1..5.
        found: (n,) bool, whether the detector found the face in the corrupted picture. The others are
            cropped where it was before.
        quality: (n, 8) float32, the fields of :class:`emosense.results.FaceQuality`.
        crops: (n, 48, 48) uint8 grey.

    >>> DegradedFaces.__name__
    'DegradedFaces'
    """

    images: npt.NDArray[np.uint32]
    corruptions: npt.NDArray[np.uint8]
    severities: npt.NDArray[np.uint8]
    found: npt.NDArray[np.bool_]
    quality: npt.NDArray[np.float32]
    crops: npt.NDArray[np.uint8]


def degrade_faces(
    images: npt.NDArray[np.uint8], detect: Detect, per_image: int = 2, seed: int = 0
) -> DegradedFaces:
    """Make degraded faces of test images: each corruption and severity equally often.

    Args:
        images: (m, 48, 48) uint8 grey; m may be 0.
        detect: finds faces.
        per_image: number of degraded faces of each image. Images whose face is not found before the
            corruption have none: they are drawings, profiles, or no faces.
        seed: seed of all that is random.
    """
    rng = np.random.default_rng(seed)
    kinds = len(CORRUPTIONS) * SEVERITIES
    wanted = [
        (image, *divmod((image * per_image + j) % kinds, SEVERITIES))
        for image in range(len(images))
        for j in range(per_image)
    ]
    rows: list[tuple[int, int, int, bool, tuple[float, ...]]] = []
    crops: list[npt.NDArray[np.uint8]] = []
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        scenes = [
            corrupted_scene(images[image], CORRUPTIONS[kind], severity + 1, rng)
            for image, kind, severity in chunk
        ]
        before = _found(detect, [scene for scene, _ in scenes])
        after = _found(detect, [scene for _, scene in scenes])
        for (image, kind, severity), (clean, scene), known, again in zip(
            chunk, scenes, before, after, strict=True
        ):
            if known is None:
                continue
            detection = again or _scaled(known, len(scene.picture) / len(clean.picture))
            crop = crop_face(_rgb(scene.picture), detection)
            height, width = scene.picture.shape
            quality = astuple(measure_quality(crop, detection, width, height))[:8]
            rows.append((image, kind, severity + 1, again is not None, quality))
            crops.append(crop)
    return DegradedFaces(
        np.array([row[0] for row in rows], np.uint32),
        np.array([row[1] for row in rows], np.uint8),
        np.array([row[2] for row in rows], np.uint8),
        np.array([row[3] for row in rows], bool),
        np.array([row[4] for row in rows], np.float32).reshape(-1, 8),
        np.array(crops, np.uint8).reshape(-1, INPUT_SIZE, INPUT_SIZE),
    )


def natural_quality(images: npt.NDArray[np.uint8], detect: Detect) -> npt.NDArray[np.float32]:
    """Measure the quality of test images as they are.

    Args:
        images: (n, 48, 48) uint8 grey.
        detect: finds faces, here in the enlarged images, for size and angles.

    Returns:
        (n, 8) float32, the fields of :class:`emosense.results.FaceQuality`; the angles are NaN and the
        size is that of FER2013's framing where no face is found. Nothing is cut off.
    """
    quality = np.full((len(images), 8), np.nan, np.float32)
    factor = _ENLARGED / INPUT_SIZE
    for start in range(0, len(images), _CHUNK):
        scenes = [_enlarged(image) for image in images[start : start + _CHUNK]]
        found = _found(detect, scenes)
        for row, (scene, detection) in enumerate(zip(scenes, found, strict=True), start):
            quality[row, 0] = INPUT_SIZE / FER2013_GEOMETRY.scale
            quality[row, 1:4] = grey_quality(images[row])
            if detection is not None:
                side = len(scene.picture)
                measured = measure_quality(images[row], detection, side, side)
                quality[row, 0] = measured.size / factor
                quality[row, 4:7] = measured.roll, measured.yaw, measured.pitch
            quality[row, 7] = 0
    return quality


def _enlarged(image: Grey) -> Scene:
    large = cv2.resize(image, (_ENLARGED, _ENLARGED), interpolation=cv2.INTER_CUBIC)
    edges = (_MARGIN,) * 4
    picture = cv2.copyMakeBorder(large, *edges, cv2.BORDER_CONSTANT, value=float(np.median(image)))
    middle = (len(picture) - 1) / 2
    return Scene(np.asarray(picture, np.uint8), middle, middle, _ENLARGED)


def _found(detect: Detect, scenes: Sequence[Scene]) -> list[Detection | None]:
    """Return the face of each scene, or None."""
    detections = detect([_rgb(scene.picture) for scene in scenes])
    return [
        next((d for d in found if _is_face(d, scene)), None)
        for scene, found in zip(scenes, detections, strict=True)
    ]


def _is_face(detection: Detection, scene: Scene) -> bool:
    x, y = detection.full_box.centre
    return abs(x - scene.x) < scene.side / 2 and abs(y - scene.y) < scene.side / 2


def _scaled(detection: Detection, factor: float) -> Detection:
    right_eye, left_eye, nose, right_mouth, left_mouth = (
        (x * factor, y * factor) for x, y in detection.landmarks
    )
    return Detection(
        detection.box.scaled(factor),
        (right_eye, left_eye, nose, right_mouth, left_mouth),
        detection.score,
        detection.full_box.scaled(factor),
    )


def _rgb(grey: Grey) -> npt.NDArray[np.uint8]:
    return np.repeat(grey[..., None], 3, axis=2)
