"""Crops as pictures for pages."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

_SIDE = 96


def crop_picture(crop: npt.NDArray[np.uint8], side: int = _SIDE) -> bytes:
    """Return a crop as a PNG file, enlarged.

    Args:
        crop: (48, 48) uint8 grey.
        side: side of the picture, in pixels.
    """
    buffer = io.BytesIO()
    picture = Image.fromarray(crop).resize((side, side), Image.Resampling.BICUBIC)
    picture.save(buffer, "PNG")
    return buffer.getvalue()
