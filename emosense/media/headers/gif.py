"""Headers of GIF (GIF89a): the logical screen and the blocks up to the first picture."""

from __future__ import annotations

import struct
from typing import Final

from emosense.media.headers.structure import HeaderLimitError, PhotoHeader

_EXTENSION, _IMAGE, _GRAPHIC_CONTROL = 0x21, 0x2C, 0xF9
_MAX_BLOCKS: Final = 100_000


def read_gif_header(data: bytes) -> PhotoHeader:
    """Read the size of a GIF: of its screen, or of its first picture if that is larger.

    Args:
        data: content of the file.

    Raises:
        HeaderError: no picture is found within 100,000 blocks.
    """
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    position = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    has_alpha, sections, metadata_bytes = False, 0, 0
    while sections <= _MAX_BLOCKS:
        sections += 1
        block = data[position]
        if block == _IMAGE:
            left, top, frame_width, frame_height = struct.unpack_from("<4H", data, position + 1)
            width, height = max(width, left + frame_width), max(height, top + frame_height)
            return PhotoHeader(
                "GIF",
                width,
                height,
                channels=1,
                has_alpha=has_alpha,
                coded_samples=frame_width * frame_height,
                sections=sections,
                metadata_bytes=metadata_bytes,
                file_bytes=len(data),
            )
        if block != _EXTENSION:
            position += 1
            continue
        if data[position + 1] == _GRAPHIC_CONTROL:
            has_alpha |= bool(data[position + 3] & 1)
        position += 2
        while (size := data[position]) and sections <= _MAX_BLOCKS:
            sections += 1
            metadata_bytes += size
            position += 1 + size
        position += 1
    raise HeaderLimitError(f"{_MAX_BLOCKS:,} blocks")
