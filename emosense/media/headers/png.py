"""Headers of PNG (W3C PNG, third edition): IHDR and the chunks."""

from __future__ import annotations

import struct
from typing import Final

from emosense.media.headers.structure import HeaderError, HeaderLimitError, PhotoHeader

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_COLOUR_TYPES_WITH_ALPHA: Final = (4, 6)
_METADATA: Final = (b"iCCP", b"tEXt", b"zTXt", b"iTXt", b"eXIf")
_MAX_CHUNKS: Final = 100_000
_COMPRESSED: Final = (b"iCCP", b"zTXt", b"iTXt")
_MAX_COMPRESSED: Final = 500
"""Largest number of compressed chunks: Pillow decompresses up to 1 MB of each, in 2 ms."""


def read_png_header(data: bytes) -> PhotoHeader:
    """Read the header of a PNG file and count its chunks.

    Args:
        data: content of the file.

    Raises:
        HeaderError: the file does not begin with IHDR, or has more than 100,000 chunks.
    """
    if len(data) < 29 or data[12:16] != b"IHDR":
        raise HeaderError("no IHDR")
    width, height, bit_depth, colour_type, _, _, interlace = struct.unpack_from(
        ">IIBBBBB", data, 16
    )
    position, sections, metadata_bytes, has_transparency = len(SIGNATURE), 0, 0, False
    compressed = 0
    while position + 12 <= len(data):
        length, chunk_type = struct.unpack_from(">I4s", data, position)
        sections += 1
        if sections > _MAX_CHUNKS:
            raise HeaderLimitError(f"{_MAX_CHUNKS:,} chunks")
        has_transparency |= chunk_type == b"tRNS"
        compressed += chunk_type in _COMPRESSED
        if compressed > _MAX_COMPRESSED:
            raise HeaderLimitError(f"{_MAX_COMPRESSED} compressed texts and profiles")
        if chunk_type in _METADATA:
            metadata_bytes += length
        if chunk_type == b"IEND":
            break
        position += 12 + length
    channels = _CHANNELS.get(colour_type)
    if channels is None:
        raise HeaderError("an unknown colour type")
    return PhotoHeader(
        "PNG",
        width,
        height,
        channels=channels,
        bit_depth=bit_depth,
        has_alpha=has_transparency or colour_type in _COLOUR_TYPES_WITH_ALPHA,
        coded_samples=width * height * channels,
        sections=sections,
        metadata_bytes=metadata_bytes,
        compression="interlaced" if interlace else "",
        file_bytes=len(data),
    )
