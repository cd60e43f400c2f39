"""Small encoders for showing pictures on a page."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt


def encode_jpeg(image: npt.NDArray[np.uint8], quality: int = 88) -> bytes:
    """Encode an (h, w, 3) RGB uint8 image as a JPEG file; quality in 1..100."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])


def fit_within(image: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """Scale an image down (never up) until its long side has at most ``side`` pixels."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
