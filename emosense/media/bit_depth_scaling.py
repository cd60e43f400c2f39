"""Scaling of images of any bit depth to 8 bits, in bands of rows.

The used value range determines white. For integers it is 2^bits - 1, of the smallest of 8, 10, 12,
14, 16, 24 and 32 bits (signed integers also 7, 15 and 31) that holds the largest value; if there
are negative values, the smallest one becomes 0. So a dark image becomes brighter, at most four
times, and no highlights are clipped. For floats white is 1 or 2^bits - 1, by the 99th percentile of
the positive values: resampling and sharpening leave some values beyond white and below black, which
are clipped. NaN and infinite values are black.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from emosense.errors import UnsupportedMedia
from emosense.media.rgb_bands import RgbImage, UprightImage, bands

_BIT_DEPTHS: Final = (8, 10, 12, 14, 16, 24, 32)
_SIGNED_BIT_DEPTHS: Final = (7, 15, 31)
_FLOAT_MAXIMA: Final = (1.0, *(2.0**bits - 1 for bits in _BIT_DEPTHS))
_PERCENTILE: Final = 99
_SAMPLED_PIXELS: Final = 1_000_000
"""Number of pixels from which the percentile is computed."""
_MAX_NEGATIVE_FRACTION: Final = 0.01
"""Maximum fraction of negative values in a float image; above it, 0 cannot be black."""


@dataclass(frozen=True)
class DeepImage:
    """An image of more than 8 bits per channel that is read in bands.

    Attributes:
        width: width in pixels.
        height: height in pixels.
        dtype: type of its values: integers or floats.
        read: function that returns the values of rows: (n, width) grey, (n, width, 3) RGB or
            (n, width, 4) RGBA.

    >>> values = np.zeros((2, 4), np.uint16)
    >>> DeepImage(4, 2, values.dtype, lambda rows: values[rows]).read(slice(0, 1)).shape
    (1, 4)
    """

    width: int
    height: int
    dtype: np.dtype[Any]
    read: Callable[[slice], npt.NDArray[Any]]

    @classmethod
    def of_array(
        cls, values: npt.NDArray[Any], channel_order: list[int] | None = None
    ) -> DeepImage:
        """Return an array as an image; ``channel_order`` are the indices of R, G, B (and A)."""

        def read(rows: slice) -> npt.NDArray[Any]:
            return values[rows] if channel_order is None else values[rows][..., channel_order]

        return cls(values.shape[1], values.shape[0], values.dtype, read)

    @classmethod
    def of_pillow(cls, image: Image.Image) -> DeepImage:
        """Return a decoded Pillow image of a mode ``I``, ``I;16`` or ``F`` as an image."""

        def read(rows: slice) -> npt.NDArray[Any]:
            return np.asarray(image.crop((0, rows.start, image.width, rows.stop)))

        return cls(image.width, image.height, read(slice(0, 1)).dtype, read)

    def bands(self) -> Iterator[npt.NDArray[Any]]:
        """Yield the values of all rows, from top to bottom."""
        return (self.read(rows) for rows in bands(self.width, self.height))


def scale_to_rgb(image: DeepImage, orientation: int = 1) -> RgbImage:
    """Scale an image to 8 bits; RGBA is composited on white.

    Args:
        image: the image.
        orientation: EXIF orientation, which is applied.

    Returns:
        (h, w, 3) uint8 RGB, upright.

    Raises:
        UnsupportedMedia: more than 1 % of the values are negative floats.
    """
    black, white, opaque = _range(image)
    upright = UprightImage(image.width, image.height, orientation)
    for rows in upright.bands():
        scaled = _to_float(image.read(rows)) - black
        alpha: npt.NDArray[Any] | None = None
        if scaled.ndim == 3 and scaled.shape[2] == 4:
            scaled, alpha = scaled[..., :3], scaled[..., 3:] / opaque
        scaled = scaled * (255 / white)
        if alpha is not None:
            scaled = scaled * alpha + 255 * (1 - alpha)
        band = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
        upright.put(rows, np.repeat(band[..., np.newaxis], 3, axis=2) if band.ndim == 2 else band)
    return upright.pixels


def _to_float(values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore", invalid="ignore"):  # float32 overflow becomes infinite
        floats = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    return np.asarray(floats, np.float32)


def _range(image: DeepImage) -> tuple[np.float32, float, float]:
    """Return the values of black, of white, and of an opaque alpha, the last two above black.

    Alpha may have another bit depth than colour.
    """
    if np.issubdtype(image.dtype, np.integer):
        # The smallest of all values, and the largest ones of colour and alpha.
        limits = [
            (band.min(), band[..., :3].max() if band.ndim == 3 else band.max(), band[..., -1].max())
            for band in image.bands()
        ]
        smallest, colour, alpha = (
            np.array(values, np.float32) for values in zip(*limits, strict=True)
        )
        black = min(np.float32(0), smallest.min())
        return (
            black,
            _integer_white(float(colour.max() - black), image.dtype),
            _integer_white(float(alpha.max() - black), image.dtype),
        )
    sample = _to_float(_subsample(image))
    if (sample < 0).mean() > _MAX_NEGATIVE_FRACTION:
        raise UnsupportedMedia(
            "Expected a photo whose black is 0. Received: floats with many values below it."
        )
    if sample.ndim == 3 and sample.shape[2] == 4:
        return np.float32(0), _float_white(sample[..., :3]), _float_white(sample[..., 3:])
    return np.float32(0), _float_white(sample), 1.0


def _integer_white(largest: float, dtype: np.dtype[Any]) -> float:
    signed = np.issubdtype(dtype, np.signedinteger)
    depths = sorted(_BIT_DEPTHS + _SIGNED_BIT_DEPTHS) if signed else _BIT_DEPTHS
    maxima = tuple(float(np.float32(2.0**bits - 1)) for bits in depths)  # rounded like the values
    return next((maximum for maximum in maxima if largest <= maximum), largest)


def _float_white(sample: npt.NDArray[np.float32]) -> float:
    positive = sample[sample > 0]
    largest = float(np.percentile(positive, _PERCENTILE)) if positive.size else 0.0
    return next((maximum for maximum in _FLOAT_MAXIMA if largest <= maximum), largest)


def _subsample(image: DeepImage) -> npt.NDArray[Any]:
    """Return the values of about a million evenly spaced pixels at most."""
    step = math.isqrt(image.width * image.height // _SAMPLED_PIXELS) + 1
    return np.concatenate(
        [
            image.read(rows)[-rows.start % step :: step, ::step]
            for rows in bands(image.width, image.height)
        ]
    )
