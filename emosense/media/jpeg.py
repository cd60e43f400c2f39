"""JPEG encoding of images for pages."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt


def encode_jpeg(image: npt.NDArray[np.uint8], quality: int = 88) -> bytes:
    """Encode an image as a JPEG file.

    Args:
        image: (h, w, 3) uint8 RGB.
        quality: JPEG quality, in 1..100.
    """
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])
