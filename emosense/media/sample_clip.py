"""A short sample video, made from the sample photo."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np

from emosense.media.images import RgbImage, read_photo
from emosense.media.video_writer import VideoWriter
from emosense.samples import sample_photo

_SIZE: Final = (640, 480)
_FRAMES_PER_SECOND: Final = 25
_FIRST_SCENE_SECONDS: Final = 4.0


def write_sample_clip(path: Path) -> None:
    """Write an MP4 file of 6 seconds with two scenes.

    The first scene zooms in on a face, which darkens and brightens; the second has two faces.

    Args:
        path: path of the file.

    Raises:
        MediaError: the file cannot be written, or scikit-image is not installed.
    """
    photo = read_photo(sample_photo())
    pair = cv2.resize(np.hstack([photo, photo[:, ::-1]]), _SIZE, interpolation=cv2.INTER_AREA)
    with VideoWriter(path, *_SIZE, _FRAMES_PER_SECOND) as writer:
        for index in range(round(1.5 * _FIRST_SCENE_SECONDS * _FRAMES_PER_SECOND)):
            time = index / _FRAMES_PER_SECOND
            fraction = time / _FIRST_SCENE_SECONDS
            writer.write(_zoomed(photo, fraction) if fraction < 1 else np.asarray(pair), time)


def _zoomed(photo: RgbImage, fraction: float) -> RgbImage:
    """Return the frame after a fraction of the first scene, in 0..1."""
    zoom = 1.0 + 0.7 * fraction
    matrix = np.array(
        [
            [zoom, 0, _SIZE[0] / 2 - 224 * zoom],
            [0, zoom, _SIZE[1] / 2 - (256 - 96 * fraction) * zoom],
        ]
    )
    zoomed = cv2.warpAffine(photo, matrix, _SIZE, borderMode=cv2.BORDER_REPLICATE)
    brightness = 1.0 - 0.9 * max(0.0, 1 - abs(fraction - 0.6) / 0.25)
    return np.asarray(zoomed * brightness, np.uint8)
