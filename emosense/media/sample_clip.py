"""A short video to try the app with, made from the sample photo."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np

from emosense.media.images import RgbImage, read_photo
from emosense.media.video_writer import VideoWriter
from emosense.samples import sample_photo

_SIZE: Final = (640, 480)
_RATE: Final = 25
_SECONDS: Final = 4.0


def write_sample_clip(path: Path) -> None:
    """Write an MP4 of 6 seconds: a face comes nearer, the light goes out and on; then two faces.

    Raises:
        MediaError: the file cannot be written, or scikit-image is not installed.
    """
    photo = read_photo(sample_photo())
    pair = cv2.resize(np.hstack([photo, photo[:, ::-1]]), _SIZE, interpolation=cv2.INTER_AREA)
    with VideoWriter(path, *_SIZE, _RATE) as writer:
        for number in range(round(1.5 * _SECONDS * _RATE)):
            time = number / _RATE
            near = time < _SECONDS
            writer.write(_nearer(photo, time / _SECONDS) if near else np.asarray(pair), time)


def _nearer(photo: RgbImage, fraction: float) -> RgbImage:
    """Return the picture after ``fraction`` of the first scene, in 0..1."""
    zoom = 1.0 + 0.7 * fraction
    matrix = np.array(
        [
            [zoom, 0, _SIZE[0] / 2 - 224 * zoom],
            [0, zoom, _SIZE[1] / 2 - (256 - 96 * fraction) * zoom],
        ]
    )
    moved = cv2.warpAffine(photo, matrix, _SIZE, borderMode=cv2.BORDER_REPLICATE)
    light = 1.0 - 0.9 * max(0.0, 1 - abs(fraction - 0.6) / 0.25)
    return np.asarray(moved * light, np.uint8)
