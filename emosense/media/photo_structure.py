"""Checks of a photo's structure before anything of it is decoded.

Small files can make a decoder work for minutes or take gigabytes: thousands of scans or tiles over
the same pixels, millions of tiny chunks, a canvas of 80 megapixels in 34 bytes. What the headers
declare is compared with the limits; decoders never see a file that exceeds them.
"""

from __future__ import annotations

from typing import Final

from emosense.errors import DamagedMedia, MediaTooLarge
from emosense.media.headers.structure import HeaderLimitError, PhotoHeader
from emosense.media.photo_cost import estimate_memory, estimate_seconds
from emosense.media.photo_header import parse_header
from emosense.settings import PhotoLimits

_MAX_SECTIONS: Final = {"JPEG": 1_000}
"""Largest number of segments before the first scan of a JPEG: Pillow joins EXIF segments one by
one, in time that grows with the square of their number."""
_MAX_METADATA_BYTES: Final = 16 * 2**20
_FORMATS_WITH_PARTS: Final = ("TIFF", "AVIF", "HEIC")
_MAX_COVERAGE: Final = 4
"""How often tiles or strips may cover a picture, if they have more than 16 megapixels."""
_SMALL_PIXELS: Final = 16_000_000


def check_structure(data: bytes, limits: PhotoLimits) -> PhotoHeader:
    """Refuse a photo that would cost too much, by its headers alone.

    Args:
        data: content of a file that begins as a photo.
        limits: limits of resolution, processor time and memory.

    Returns:
        The header.

    Raises:
        MediaTooLarge: a limit is exceeded; the message names it.
        DamagedMedia: the headers cannot be followed.
    """
    try:
        header = parse_header(data)
    except HeaderLimitError as error:
        raise MediaTooLarge(f"Expected a photo of at most {error.limit}. Received: more.") from None
    except Exception as error:  # struct.error, IndexError, HeaderError
        raise DamagedMedia(
            "The photo is damaged or cut off: its beginning is right, the rest is not."
        ) from error
    check_pixels(header.width, header.height, limits)
    _check_sides(header, limits)
    _check_sections(header)
    _check_coded(header)
    _check_seconds(header, limits)
    _check_memory(header, limits)
    return header


def check_pixels(width: int, height: int, limits: PhotoLimits) -> None:
    """Raise :class:`~emosense.errors.MediaTooLarge` if a picture has too many pixels."""
    if width * height > limits.max_pixels:
        raise MediaTooLarge(
            f"Expected at most {limits.max_pixels / 1e6:.0f} megapixels. Received: an image of "
            f"{width} x {height} ({width * height / 1e6:.0f} megapixels)."
        )


def _check_sides(header: PhotoHeader, limits: PhotoLimits) -> None:
    if max(header.width, header.height) > limits.max_side:
        raise MediaTooLarge(
            f"Expected sides of at most {limits.max_side:,} pixels. Received: an image of "
            f"{header.width} x {header.height}."
        )


def _check_sections(header: PhotoHeader) -> None:
    most = _MAX_SECTIONS.get(header.format)
    if most is not None and header.sections > most:
        raise MediaTooLarge(
            f"Expected a {header.format} of at most {most:,} segments. Received: one of "
            f"{header.sections:,}, or as much fill between them."
        )
    # A TIFF may hold an editor's layers, in one entry each.
    if header.format != "TIFF" and header.metadata_bytes > _MAX_METADATA_BYTES:
        raise MediaTooLarge(
            f"Expected at most {_MAX_METADATA_BYTES / 2**20:.0f} MB of metadata and comments. "
            f"Received: {header.metadata_bytes / 2**20:.0f} MB."
        )


def _check_coded(header: PhotoHeader) -> None:
    """Refuse tiles, strips or bitstreams of far more pixels than the picture has."""
    coded = header.coded_samples // min(3, max(1, header.channels))
    if header.format not in _FORMATS_WITH_PARTS or coded <= max(
        _SMALL_PIXELS, _MAX_COVERAGE * header.pixels
    ):
        return
    raise MediaTooLarge(
        f"Expected coded pictures, tiles or strips that cover a picture of {header.width} x "
        f"{header.height}. Received: {header.parts:,} of {coded / 1e6:,.0f} megapixels together."
    )


def _check_seconds(header: PhotoHeader, limits: PhotoLimits) -> None:
    seconds = estimate_seconds(header)
    if seconds > limits.max_seconds:
        raise MediaTooLarge(
            f"Expected a photo that takes at most {limits.max_seconds:.0f} s of processor time. "
            f"Received: {_description(header)}, which takes about {seconds:.0f} s."
        )


def _check_memory(header: PhotoHeader, limits: PhotoLimits) -> None:
    needed = estimate_memory(header)
    if needed > limits.max_memory:
        pixels = header.pixels * limits.max_memory / needed
        raise MediaTooLarge(
            f"Expected at most {pixels / 1e6:.0f} megapixels in {_kind(header)}. "
            f"Received: an image of {header.width} x {header.height} "
            f"({header.pixels / 1e6:.0f} megapixels)."
        )


def _description(header: PhotoHeader) -> str:
    """Describe what makes a photo dear, e.g. ``a JPEG of 80 megapixels in 1,000 scans``."""
    text = f"{_kind(header)} of {header.pixels / 1e6:.0f} megapixels"
    if header.scans > 1:
        text += f" in {header.scans:,} scans"
    if header.parts > 1:
        text += f" in {header.parts:,} parts"
    return f"{text} and {header.file_bytes / 2**20:.1f} MB"


def _kind(header: PhotoHeader) -> str:
    """Describe a format and its samples, e.g. ``a PNG of 16 bits with alpha``."""
    article = "an" if header.format == "AVIF" else "a"
    text = f"{article} {header.format}"
    details = []
    if header.compression and header.format in ("JPEG", "BMP"):
        details.append(f"({header.compression})")
    if header.bit_depth > 8:
        details.append(f"of {header.bit_depth} bits per sample")
    if header.has_alpha:
        details.append("with alpha")
    elif header.channels == 4:
        details.append("in CMYK")
    if header.hdr:
        details.append("in HDR")
    return " ".join([text, *details])
