"""Headers of BMP: BITMAPCOREHEADER, BITMAPINFOHEADER and its successors."""

from __future__ import annotations

import struct
from typing import Final

from emosense.media.headers.structure import HeaderError, PhotoHeader

_CORE_HEADER: Final = 12
_COMPRESSIONS: Final = {0: "", 1: "RLE8", 2: "RLE4", 3: "bit fields", 6: "bit fields"}


def read_bmp_header(data: bytes) -> PhotoHeader:
    """Read the size of a BMP or DIB file.

    Args:
        data: content of the file.

    Raises:
        HeaderError: its header is of another kind.
    """
    start = 14 if data[:2] == b"BM" else 0
    (header_bytes,) = struct.unpack_from("<I", data, start)
    compression = 0
    if header_bytes == _CORE_HEADER:
        width, height, _, bits = struct.unpack_from("<HHHH", data, start + 4)
    else:
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, start + 4)
    if compression not in _COMPRESSIONS or width <= 0 or height == 0:
        raise HeaderError("an unknown header")
    width, height = abs(width), abs(height)
    channels = {24: 3, 32: 4}.get(bits, 1)
    return PhotoHeader(
        "BMP",
        width,
        height,
        channels=channels,
        bit_depth=min(bits, 8),
        has_alpha=bits == 32 and compression != 0,
        coded_samples=width * height * channels,
        sections=1,
        compression=_COMPRESSIONS[compression],
        file_bytes=len(data),
    )
