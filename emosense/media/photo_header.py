"""The header of an encoded photo, and the processor time that its analysis will take.

Pure Python without any decoder, of bounded effort whatever the bytes are, so that a server can
choose by it before anything is decoded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from emosense.media.headers.bmp import read_bmp_header
from emosense.media.headers.gif import read_gif_header
from emosense.media.headers.isobmff import read_heif_header
from emosense.media.headers.jpeg import read_jpeg_header
from emosense.media.headers.png import SIGNATURE, read_png_header
from emosense.media.headers.riff import read_webp_header
from emosense.media.headers.structure import PhotoHeader
from emosense.media.headers.tiff import read_tiff_header

__all__ = ["UNKNOWN_SECONDS", "PhotoHeader", "estimate_seconds", "read_header"]

UNKNOWN_SECONDS: Final = 10.0
"""Estimate for a photo whose header cannot be read: the most that a photo may take."""

_DETECTION_SECONDS: Final = 0.15
_SECONDS_PER_PIXEL: Final = 12e-9
"""Conversion to RGB, scaling for the detector, and the preview."""
_SECONDS_PER_BYTE: Final = {
    "JPEG": 25e-9,
    "PNG": 12e-9,
    "WebP": 60e-9,
    "GIF": 25e-9,
    "TIFF": 12e-9,
    "BMP": 1e-9,
    "AVIF": 250e-9,
    "HEIC": 250e-9,
}
_SECONDS_PER_SAMPLE: Final = {
    "JPEG": 3e-9,
    "PNG": 4e-9,
    "WebP": 6e-9,
    "GIF": 8e-9,
    "TIFF": 5e-9,
    "BMP": 2e-9,
    "AVIF": 8e-9,
    "HEIC": 8e-9,
}

_DIB_HEADERS: Final = (b"\x28\0\0\0", b"\x6c\0\0\0", b"\x7c\0\0\0")
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
    for matches, read in _READERS:
        if matches(data):
            try:
                return read(data)
            except Exception:  # struct.error, IndexError, HeaderError: it is damaged or no photo
                return None
    return None


def estimate_seconds(header: PhotoHeader | None) -> float:
    """Estimate the processor time of analysing a photo, in seconds of one core.

    It is meant to tell cheap photos from dear ones: it was fitted to generated photos of every
    format on one processor, and tends to be too high.

    Args:
        header: header of the photo; None if it could not be read, which counts as dear.

    Returns:
        Seconds above 0, for decoding, detection, classification and the preview.

    >>> estimate_seconds(PhotoHeader("JPEG", 4000, 3000, coded_samples=18_000_000)) < 1
    True
    """
    if header is None:
        return UNKNOWN_SECONDS
    return (
        _DETECTION_SECONDS
        + _SECONDS_PER_PIXEL * header.pixels
        + _SECONDS_PER_SAMPLE[header.format] * header.coded_samples
        + _SECONDS_PER_BYTE[header.format] * header.file_bytes
    )
