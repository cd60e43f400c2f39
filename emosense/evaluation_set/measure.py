"""Measures the face of a labelled photo."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from emosense.analyzer import Analyzer
from emosense.emotions import INPUT_SIZE
from emosense.evaluation.degraded_faces import natural_quality
from emosense.evaluation_set.result import MeasuredFace
from emosense.faces.crop import crop_face, crop_preview
from emosense.faces.options import DetectorOptions
from emosense.faces.quality import measure_quality
from emosense.faces.quality_score import quality_scores
from emosense.media.images import PhotoSource, RgbImage, read_photo
from emosense.media.jpeg import encode_jpeg
from emosense.media.resize import fit_within
from emosense.results import FaceQuality

PICTURE_SIDE: Final = 112
"""Longest side of pictures for display, in pixels."""


def measure_photo(
    analyzer: Analyzer,
    photo: PhotoSource,
    options: DetectorOptions | None = None,
    *,
    cropped: bool = False,
    picture_side: int = PICTURE_SIDE,
) -> MeasuredFace:
    """Find, crop and measure the face of a photo as the app does; of several the largest.

    Args:
        analyzer: finds the faces; its network is not used.
        photo: the photo, as :func:`emosense.media.images.read_photo` takes it.
        options: detector options; None uses the defaults for photos.
        cropped: whether the picture is a cropped face already: it is made grey and resized to 48x48
            as it is.
        picture_side: longest side of the picture for display, in pixels; 0 makes none.

    Raises:
        MediaError: the photo cannot be read, or is above a size limit.
    """
    image = read_photo(photo, analyzer.limits)
    if cropped:
        return _measure_cropped(analyzer, image, picture_side)
    height, width = image.shape[:2]
    found = analyzer.detect_faces([image], options)[0]
    if not found:
        return MeasuredFace(0, width, height)
    largest = max(found, key=lambda face: face.full_box.width * face.full_box.height)
    crop = crop_face(image, largest)
    quality = measure_quality(crop, largest, width, height)
    picture = _jpeg(crop_preview(image, largest), picture_side)
    return MeasuredFace(len(found), width, height, crop, quality, picture)


def measure_crops(analyzer: Analyzer, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Measure cropped faces.

    Args:
        analyzer: finds the faces in the crops, for their angles.
        crops: (n, 48, 48) uint8 grey.

    Returns:
        (n, 8) float32, the fields of :class:`emosense.results.FaceQuality` but the score.
    """
    return natural_quality(crops, analyzer.detect_faces)


def _measure_cropped(analyzer: Analyzer, image: RgbImage, picture_side: int) -> MeasuredFace:
    height, width = image.shape[:2]
    # Pillow's filter averages over all pixels, as the readers of training data do.
    grey = Image.fromarray(image).convert("L")
    crop = np.asarray(grey.resize((INPUT_SIZE,) * 2, Image.Resampling.BILINEAR), np.uint8)
    measured = measure_crops(analyzer, crop[None])
    measured[:, 0] *= min(width, height) / INPUT_SIZE
    values = (*measured[0].tolist(), float(quality_scores(measured)[0]))
    quality = FaceQuality(*values)
    return MeasuredFace(1, width, height, crop, quality, _jpeg(image, picture_side))


def _jpeg(image: RgbImage, side: int) -> bytes:
    return encode_jpeg(fit_within(image, side)) if side else b""
