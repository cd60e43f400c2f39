"""The header of an encoded photo, and the processor time that its analysis will take.

Pure Python without any decoder, of bounded effort whatever the bytes are, so that a server can
choose by it before anything is decoded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from emosense.media.cicp import HDR_TRANSFERS, read_cicp
from emosense.media.headers.bmp import read_bmp_header
from emosense.media.headers.gif import read_gif_header
from emosense.media.headers.heif import read_heif_header
from emosense.media.headers.jpeg import read_jpeg_header
from emosense.media.headers.png import SIGNATURE, read_png_header
from emosense.media.headers.riff import read_webp_header
from emosense.media.headers.structure import HeaderError, PhotoHeader
from emosense.media.headers.tiff import read_tiff_header
from emosense.media.photo_cost import UNKNOWN_SECONDS, estimate_seconds

__all__ = ["UNKNOWN_SECONDS", "PhotoHeader", "estimate_seconds", "parse_header", "read_header"]

_DIB_HEADERS: Final = tuple(bytes((size, 0, 0, 0)) for size in (12, 40, 52, 56, 64, 108, 124))
_READERS: Final[tuple[tuple[Callable[[bytes], bool], Callable[[bytes], PhotoHeader]], ...]] = (
    (lambda data: data[:3] == b"\xff\xd8\xff", read_jpeg_header),
    (lambda data: data[:8] == SIGNATURE, read_png_header),
    (lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP", read_webp_header),
    (lambda data: data[:6] in (b"GIF87a", b"GIF89a"), read_gif_header),
    (lambda data: data[:2] in (b"II", b"MM"), read_tiff_header),
    (lambda data: data[:2] == b"BM" or data[:4] in _DIB_HEADERS, read_bmp_header),
    (lambda data: data[4:8] == b"ftyp", read_heif_header),
)


def read_header(data: bytes) -> PhotoHeader | None:
    """Read the header of a photo.

    Args:
        data: the encoded photo; any bytes.

    Returns:
        The header, or None if the bytes are no photo, or one whose header cannot be followed. Never
        raises an error.

    >>> from emosense.samples import sample_photo
    >>> header = read_header(sample_photo())
    >>> header.format, header.width, header.height
    ('PNG', 512, 512)
    """
    try:
        return parse_header(data)
    except Exception:  # it is damaged, no photo, or of more parts than are followed
        return None


def parse_header(data: bytes) -> PhotoHeader:
    """Read the header of a photo, or raise an error that says why it cannot be read.

    Args:
        data: the encoded photo; any bytes.

    Raises:
        HeaderLimitError: it has more segments, chunks, blocks, boxes, tiles or strips than are
            followed.
        Exception: it is damaged or no photo; of any type.
    """
    for matches, read in _READERS:
        if matches(data):
            header = read(data)
            # Only after the header was read, which bounds the number of chunks.
            cicp = read_cicp(data)
            return replace(header, hdr=cicp is not None and cicp[1] in HDR_TRANSFERS)
    raise HeaderError("no signature of a photo")
