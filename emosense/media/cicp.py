"""What a photo says about its colours by the numbers of ITU-T H.273: HDR stills have PQ or HLG."""

from __future__ import annotations

import struct
from typing import Final

PQ, HLG = 16, 18
"""Transfer characteristics of HDR by their numbers in ITU-T H.273, table 3."""

HDR_TRANSFERS: Final = (PQ, HLG)

_BOXES_WITHIN: Final = 2**18
"""Bytes in which an AVIF or HEIC photo describes itself, at its beginning."""

Coding = tuple[int, int]
"""Colour primaries and transfer characteristics, by their numbers in H.273."""


def read_cicp(data: bytes) -> Coding | None:
    """Return how a photo's colours are coded, or None where it does not say so.

    Args:
        data: a file, sound so far as it was decoded before: a PNG with the chunk cICP (W3C PNG,
            third edition, 11.3.2.6), or AVIF or HEIC with a box ``colr`` of type ``nclx``
            (ISO/IEC 14496-12, 12.1.5).
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _of_png(data)
    if data[4:8] == b"ftyp":
        at = data.find(b"colrnclx", 0, _BOXES_WITHIN)
        if 0 <= at <= len(data) - 12:
            primaries, transfer = struct.unpack_from(">HH", data, at + 8)
            return primaries, transfer
    return None


def _of_png(data: bytes) -> Coding | None:
    at = 8
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"cICP" and length == 4:
            return data[at + 8], data[at + 9]
        if kind == b"IDAT":  # it stands before the picture
            return None
        at += length + 12
    return None
