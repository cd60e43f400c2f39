"""What a photo costs by its header: processor time and memory of its analysis.

The figures were fitted to generated photos of every format on one core (the slowest of several
forms of each: noise for bytes, plain colours for samples) and rather say too much than too little.
"""

from __future__ import annotations

from typing import Final

from emosense.media.headers.structure import PhotoHeader

UNKNOWN_SECONDS: Final = 10.0
"""Estimate for a photo whose header cannot be read: the most that a photo may take."""

_DETECTION_SECONDS: Final = 0.5
"""Detection at the ordinary working size with a second look, and a few faces."""
_SECONDS_PER_PIXEL: Final = 10e-9
"""Conversion to RGB, scaling for the detector, and the preview."""
_SECONDS_PER_DEEP_PIXEL: Final = 40e-9
_SECONDS_PER_HDR_PIXEL: Final = 200e-9
_SECONDS_PER_SECTION: Final = 5e-6
_SECONDS_PER_PART: Final = 6e-6
_SECONDS_PER_BYTE: Final = {
    "JPEG": 70e-9,
    "PNG": 12e-9,
    "WebP": 80e-9,
    "GIF": 25e-9,
    "TIFF": 25e-9,
    "BMP": 1e-9,
    "AVIF": 120e-9,
    "HEIC": 200e-9,
}
_SECONDS_PER_SAMPLE: Final = {
    "JPEG": 0.1e-9,
    "PNG": 4e-9,
    "WebP": 4e-9,
    "GIF": 8e-9,
    "TIFF": 5e-9,
    "BMP": 2e-9,
    "AVIF": 5e-9,
    "HEIC": 5e-9,
}
_SECONDS_PER_JPEG_SAMPLE: Final = 3e-9
"""Inverse cosine transform and colour conversion, once per sample of the picture."""
_ARITHMETIC_FACTOR: Final = 5
_RLE_SECONDS_PER_BYTE: Final = 210e-9
_RLE_SECONDS_PER_PIXEL: Final = 110e-9

_RGB_BYTES: Final = 3
_PILLOW_COLOUR_BYTES: Final = 4
_WEBP_BYTES_PER_PIXEL: Final = 16
"""Canvas and copy of the animation decoder, its pixels as bytes, and Pillow's image."""
_DEEP_TIFF_FACTOR: Final = 2
"""Values of a deep TIFF and the strips that they are read from."""
_DEEP_PNG_FACTOR: Final = 2
"""OpenCV's image of a 16-bit PNG and the buffer that it is read into."""


def estimate_seconds(header: PhotoHeader | None) -> float:
    """Estimate the processor time of analysing a photo, in seconds of one core.

    Args:
        header: header of the photo; None if it could not be read, which counts as dear.

    Returns:
        Seconds above 0, for decoding, detection, classification and the preview.

    >>> estimate_seconds(PhotoHeader("JPEG", 4000, 3000, coded_samples=18_000_000)) < 1
    True
    """
    if header is None:
        return UNKNOWN_SECONDS
    coded_bytes = max(header.file_bytes, header.coded_bytes)
    seconds = (
        _DETECTION_SECONDS
        + _SECONDS_PER_PIXEL * header.pixels
        + _SECONDS_PER_BYTE[header.format] * coded_bytes
        + _SECONDS_PER_SECTION * header.sections
        + _SECONDS_PER_PART * header.parts
    )
    sample_seconds = _SECONDS_PER_SAMPLE[header.format] * header.coded_samples
    if header.format == "JPEG":
        if "arithmetic" in header.compression:
            sample_seconds *= _ARITHMETIC_FACTOR
            seconds += _SECONDS_PER_BYTE["JPEG"] * (_ARITHMETIC_FACTOR - 1) * header.file_bytes
        seconds += _SECONDS_PER_JPEG_SAMPLE * header.pixels * header.channels
    elif header.compression.startswith("RLE"):
        seconds += _RLE_SECONDS_PER_BYTE * header.file_bytes
        seconds += _RLE_SECONDS_PER_PIXEL * header.pixels
    else:
        sample_seconds *= max(1, header.bit_depth // 8)
    if header.bit_depth > 8:
        seconds += _SECONDS_PER_DEEP_PIXEL * header.pixels
    if header.hdr:
        seconds += _SECONDS_PER_HDR_PIXEL * header.pixels
    return seconds + sample_seconds


def estimate_memory(header: PhotoHeader) -> int:
    """Estimate the memory that decoding a photo takes at its peak, in bytes.

    Args:
        header: header of the photo.

    Returns:
        Bytes of the decoder, of what it returns, and of the RGB array, beside the file itself.

    >>> estimate_memory(PhotoHeader("PNG", 4000, 3000, channels=4, has_alpha=True)) // 10**6
    84
    """
    return round(header.pixels * _bytes_per_pixel(header)) + _decoder_bytes(header)


def _bytes_per_pixel(header: PhotoHeader) -> float:
    pillow = _PILLOW_COLOUR_BYTES if header.channels > 1 else max(1, header.bit_depth // 8)
    sample_bytes = max(1, header.bit_depth // 8)
    if header.format == "JPEG":
        # Coefficients are 2 bytes each, and freed before the array is made.
        coefficients = 2 * header.channels if header.whole_picture else 0
        return pillow + max(_RGB_BYTES, coefficients)
    if header.format == "WebP":
        return _WEBP_BYTES_PER_PIXEL
    if header.format in ("AVIF", "HEIC"):
        return pillow + header.channels  # and the planes of the decoder, below
    if header.format == "PNG" and header.bit_depth > 8 and header.channels > 1:
        channels = 4 if header.channels == 2 else header.channels  # OpenCV makes colour of grey
        return _DEEP_PNG_FACTOR * sample_bytes * channels + _RGB_BYTES
    if header.format == "TIFF":
        if header.bit_depth > 8:
            return _DEEP_TIFF_FACTOR * header.channels * sample_bytes + _RGB_BYTES / 2
        return 2 * pillow  # Pillow turns a TIFF by itself, which takes a second image

    return pillow + _RGB_BYTES + (2 if header.compression.startswith("RLE") else 0)


def _decoder_bytes(header: PhotoHeader) -> int:
    """Return the bytes of what a decoder keeps beside the picture that it returns."""
    sample_bytes = max(1, header.bit_depth // 8)
    if header.format in ("AVIF", "HEIC"):
        return header.coded_samples * (2 if header.bit_depth > 8 else 1)
    return header.part_samples * sample_bytes if header.parts > 1 else 0
