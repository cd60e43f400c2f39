"""Conversion of decoded photos to upright RGB in bands of rows, so that they are copied once.

Pillow keeps a colour image in 4 bytes per pixel, and every conversion, rotation or export makes one
more copy of it: 80 megapixels took 1.7 GB, with alpha 2.3 GB. In bands a conversion takes the
decoded image, the RGB array and a few megabytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from emosense.media.orientation import Orientation

RgbImage = npt.NDArray[np.uint8]

_BAND_PIXELS: Final = 2**20
_ALPHA_MODES: Final = ("RGBA", "LA", "PA", "RGBa", "La")


class UprightImage:
    """An RGB image that is filled in bands of its stored rows, and is upright.

    Args:
        width: stored width in pixels.
        height: stored height in pixels.
        orientation: EXIF orientation of the stored image.

    Attributes:
        pixels: the upright image, (h, w, 3) uint8 RGB.

    >>> image = UprightImage(width=4, height=2, orientation=6)
    >>> for rows in image.bands():
    ...     image.put(rows, np.zeros((2, 4, 3), np.uint8))
    >>> image.pixels.shape
    (4, 2, 3)
    """

    def __init__(self, width: int, height: int, orientation: int = 1) -> None:
        self._orientation = Orientation.of_exif(orientation)
        self._size = width, height
        upright_width, upright_height = self._orientation.size(width, height)
        self.pixels: RgbImage = np.empty((upright_height, upright_width, 3), np.uint8)

    def bands(self) -> Iterator[slice]:
        """Yield the bands of stored rows, of about a million pixels each."""
        return bands(*self._size)

    def put(self, rows: slice, band: RgbImage) -> None:
        """Write a band.

        Args:
            rows: stored rows of the band, one of :meth:`bands`.
            band: (rows, width, 3) uint8 RGB.
        """
        rotation, mirrored = self._orientation.rotation, self._orientation.mirrored
        height = self._size[1]
        # A mirrored or turned image begins at its last stored row where that comes out first.
        if rotation == 180 or rotation == 270:
            target = slice(height - rows.stop, height - rows.start)
        else:
            target = rows
        upright = self._orientation.upright(band) if rotation or mirrored else band
        if rotation % 180:
            self.pixels[:, target] = upright
        else:
            self.pixels[target] = upright


def bands(width: int, height: int) -> Iterator[slice]:
    """Yield bands of rows that cover an image, of about a million pixels or one row each."""
    rows = max(1, _BAND_PIXELS // width)
    for top in range(0, height, rows):
        yield slice(top, min(height, top + rows))


def pillow_to_rgb(image: Image.Image, orientation: int = 1) -> RgbImage:
    """Convert a decoded image of 8 bits per channel to upright RGB, composited on white.

    Args:
        image: an image of any mode but ``I`` and ``F``.
        orientation: EXIF orientation, which is applied.

    Returns:
        (h, w, 3) uint8 RGB.
    """
    width, height = image.size
    upright = UprightImage(width, height, orientation)
    for rows in upright.bands():
        whole = rows == slice(0, height)
        band = image if whole else image.crop((0, rows.start, width, rows.stop))
        upright.put(rows, np.asarray(_band_to_rgb(band)))
    return upright.pixels


def _band_to_rgb(band: Image.Image) -> Image.Image:
    if band.mode in _ALPHA_MODES or "transparency" in band.info:
        rgba = band.convert("RGBA")
        band = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return band.convert("RGB")
