"""Coding-independent code points (CICP, ITU-T H.273) of photos: which ones are HDR."""

from __future__ import annotations

import struct
from typing import Final

PQ, HLG = 16, 18
"""Code points of the HDR transfer characteristics (ITU-T H.273, table 3)."""

HDR_TRANSFERS: Final = (PQ, HLG)

_MAX_HEADER_BYTES: Final = 2**18
"""Number of bytes at the beginning of an AVIF or HEIC file that contain its metadata boxes."""

Coding = tuple[int, int]
"""(colour primaries, transfer characteristics), as code points of ITU-T H.273."""


def read_cicp(data: bytes) -> Coding | None:
    """Read the colour primaries and transfer characteristics of a photo.

    Args:
        data: content of an image file that was decoded without errors. The code points are read
            from the chunk ``cICP`` of PNG (W3C PNG, third edition, 11.3.2.6) and the box ``colr``
            of type ``nclx`` of AVIF and HEIC (ISO/IEC 14496-12, 12.1.5).

    Returns:
        The code points, or None if the file has none.
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _read_png_cicp(data)
    if data[4:8] == b"ftyp":
        offset = data.find(b"colrnclx", 0, _MAX_HEADER_BYTES)
        if 0 <= offset <= len(data) - 12:
            primaries, transfer = struct.unpack_from(">HH", data, offset + 8)
            return primaries, transfer
    return None


def _read_png_cicp(data: bytes) -> Coding | None:
    offset = 8
    while offset + 12 <= len(data):
        length, chunk_type = struct.unpack_from(">I4s", data, offset)
        if chunk_type == b"cICP" and length == 4:
            return data[offset + 8], data[offset + 9]
        if chunk_type == b"IDAT":  # cICP precedes the image data
            return None
        offset += length + 12
    return None
