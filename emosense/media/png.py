"""PNG encoding of images, in bands of rows."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Final

import numpy as np
import numpy.typing as npt

from emosense.media.rgb_bands import bands

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB = 0, 2
_UP_FILTER: Final = 2
_MEMORY_LEVEL: Final = 9
_LEVEL: Final = 1
"""Compression level of zlib: 6, its default, makes photos hardly smaller and takes three times as
long."""


def encode_png(image: npt.NDArray[np.uint8]) -> bytes:
    """Encode an image as a PNG file (W3C PNG, third edition).

    Pillow would first copy the image to 4 bytes per pixel, and OpenCV to the order BGR. Here a band
    of rows is filtered at a time, all by "up", the difference to the row above (9.2): photos become
    as small as by Pillow's choice of a filter per row, in half the time.

    Args:
        image: (h, w, 3) RGB or (h, w) grey, uint8.
    """
    height, width = image.shape[:2]
    colour_type = _RGB if image.ndim == 3 else _GREY
    file = io.BytesIO()
    file.write(_SIGNATURE)
    _write_chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0))
    compressor = zlib.compressobj(_LEVEL, memLevel=_MEMORY_LEVEL)
    row_bytes = width * (3 if image.ndim == 3 else 1)
    above = np.zeros((1, row_bytes), np.uint8)
    for rows in bands(width, height):
        band = image[rows].reshape(-1, row_bytes)
        filtered = np.empty((len(band), 1 + row_bytes), np.uint8)
        filtered[:, 0] = _UP_FILTER
        np.subtract(band[:1], above, out=filtered[:1, 1:])
        np.subtract(band[1:], band[:-1], out=filtered[1:, 1:])
        above = band[-1:]
        _write_chunk(file, b"IDAT", compressor.compress(filtered.data))
    _write_chunk(file, b"IDAT", compressor.flush())
    _write_chunk(file, b"IEND", b"")
    return file.getvalue()


def _write_chunk(file: io.BytesIO, kind: bytes, body: bytes) -> None:
    if body or kind == b"IEND":  # zlib may keep a small band for later
        file.write(struct.pack(">I4s", len(body), kind))
        file.write(body)
        file.write(struct.pack(">I", zlib.crc32(body, zlib.crc32(kind))))
