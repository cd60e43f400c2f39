"""Headers of WebP (RFC 9649): the RIFF container, VP8X, VP8 and VP8L."""

from __future__ import annotations

import struct
from typing import Final

from emosense.media.headers.structure import HeaderError, HeaderLimitError, PhotoHeader

_ALPHA_FLAG, _ANIMATION_FLAG = 0x10, 0x02
_MAX_CHUNKS: Final = 100_000
_METADATA: Final = (b"ICCP", b"EXIF", b"XMP ")


def read_webp_header(data: bytes) -> PhotoHeader:
    """Read the size of a WebP file: of its canvas, else of its bitstream.

    Args:
        data: content of the file.

    Raises:
        HeaderError: it has no bitstream, or more than 100,000 chunks.
    """
    position, sections, metadata_bytes = 12, 0, 0
    canvas: tuple[int, int] | None = None
    bitstream: tuple[int, int] | None = None
    has_alpha = lossless = animated = False
    while position + 8 <= len(data):
        chunk_type, length = struct.unpack_from("<4sI", data, position)
        body = data[position + 8 : position + 8 + min(length, 16)]
        sections += 1
        if sections > _MAX_CHUNKS:
            raise HeaderLimitError(f"{_MAX_CHUNKS:,} chunks")
        if chunk_type == b"VP8X" and len(body) >= 10:
            canvas = 1 + _uint24(body, 4), 1 + _uint24(body, 7)
            has_alpha |= bool(body[0] & _ALPHA_FLAG)
            animated = bool(body[0] & _ANIMATION_FLAG)
        elif chunk_type == b"VP8 " and len(body) >= 10 and bitstream is None:
            width, height = struct.unpack_from("<HH", body, 6)
            bitstream = width & 0x3FFF, height & 0x3FFF
        elif chunk_type == b"VP8L" and len(body) >= 5 and bitstream is None:
            (bits,) = struct.unpack_from("<I", body, 1)
            bitstream = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
            has_alpha |= bool(bits >> 28 & 1)
            lossless = True
        elif chunk_type == b"ALPH":
            has_alpha = True
        elif chunk_type in _METADATA:
            metadata_bytes += length
        position += 8 + length + length % 2
    size = canvas or bitstream
    if size is None:
        raise HeaderError("no picture")
    width, height = size
    channels = 4 if has_alpha else 3
    compression = "animated" if animated else "lossless" if lossless else "lossy"
    return PhotoHeader(
        "WebP",
        width,
        height,
        channels=channels,
        has_alpha=has_alpha,
        coded_samples=width * height * channels,
        sections=sections,
        metadata_bytes=metadata_bytes,
        whole_picture=True,
        compression=compression,
        file_bytes=len(data),
    )


def _uint24(data: bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 3], "little")
