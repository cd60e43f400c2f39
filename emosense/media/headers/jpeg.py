"""Headers of JPEG (ITU-T T.81, annex B): frame header, scan headers, segments."""

from __future__ import annotations

import re
import struct
from typing import Final

from emosense.media.headers.structure import HeaderError, HeaderLimitError, PhotoHeader

_SOI: Final = b"\xff\xd8"
_EOI, _SOS = 0xD9, 0xDA
_FRAME_MARKERS: Final = frozenset((*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC)))
"""Start of frame (SOF) of the processes that libjpeg-turbo knows or names in an error."""
_PROGRESSIVE: Final = (0xC2, 0xCA)
_ARITHMETIC: Final = (0xC9, 0xCA, 0xCB)
_LOSSLESS: Final = (0xC3, 0xCB)
_WITHOUT_LENGTH: Final = frozenset((0x01, *range(0xD0, 0xD9)))
_METADATA: Final = frozenset((*range(0xE0, 0xF0), 0xFE))
_MAX_MARKERS: Final = 100_000
_MARKER: Final = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""A marker that ends entropy-coded data: neither a stuffed zero, nor a restart marker, nor fill."""


def read_jpeg_header(data: bytes) -> PhotoHeader:
    """Read the frame header of a JPEG file and count its scans up to the end of its first image.

    Args:
        data: content of the file.

    Raises:
        HeaderError: it has no frame header, or more than 100,000 markers.
    """
    position = len(_SOI)
    frame: tuple[int, int, int, int] | None = None
    factors: dict[int, int] = {}
    largest_factor = 1
    samples = scans = sections = metadata_bytes = 0
    scans_are_partial = False
    for _ in range(_MAX_MARKERS):
        match = _MARKER.search(data, position)
        if match is None:
            break
        marker = data[match.end() - 1]
        if not scans:  # Pillow reads up to the first scan, byte by byte where there is no marker
            sections += 1 + match.start() - position
        if marker == _EOI:
            break
        if marker in _WITHOUT_LENGTH:
            position = match.end()
            continue
        if match.end() + 2 > len(data):
            break
        (length,) = struct.unpack_from(">H", data, match.end())
        segment = data[match.end() + 2 : match.end() + length]
        position = match.end() + max(length, 2)
        if marker in _METADATA:
            metadata_bytes += len(segment)
        elif marker in _FRAME_MARKERS and frame is None:
            frame = (marker, *_frame_size(segment))
            factors, largest_factor = _sampling_factors(segment)
        elif marker == _SOS and frame is not None:
            scans += 1
            pixels = frame[2] * frame[3]
            components = _scan_components(segment)
            scans_are_partial |= len(components) < len(factors)
            samples += sum(
                pixels * factors.get(component, largest_factor) // largest_factor
                for component in components
            )
    else:
        raise HeaderLimitError(f"{_MAX_MARKERS:,} markers")
    if frame is None:
        raise HeaderError("no frame header")
    marker, precision, height, width = frame
    return PhotoHeader(
        "JPEG",
        width,
        height,
        channels=len(factors),
        bit_depth=precision,
        coded_samples=samples,
        scans=max(scans, 1),
        sections=sections,
        metadata_bytes=metadata_bytes,
        whole_picture=marker in _PROGRESSIVE or scans_are_partial,
        compression=_compression(marker),
        file_bytes=len(data),
    )


def _compression(marker: int) -> str:
    coding = "arithmetic" if marker in _ARITHMETIC else "Huffman"
    if marker in _LOSSLESS:
        return f"lossless, {coding}"
    return f"progressive, {coding}" if marker in _PROGRESSIVE else f"sequential, {coding}"


def _frame_size(segment: bytes) -> tuple[int, int, int]:
    """Return (precision, height, width) of a frame header."""
    if len(segment) < 6:
        raise HeaderError("a short frame header")
    precision, height, width = struct.unpack_from(">BHH", segment)
    return precision, height, width


def _sampling_factors(segment: bytes) -> tuple[dict[int, int], int]:
    """Return the sampling factors (horizontal times vertical) by component, and the largest of
    both directions multiplied."""
    specifications = [segment[start : start + 2] for start in range(6, 6 + 3 * segment[5], 3)]
    known = [(item[0], item[1] >> 4, item[1] & 15) for item in specifications if len(item) == 2]
    if not known:
        raise HeaderError("a frame without components")
    largest = max(item[1] for item in known) * max(item[2] for item in known)
    return {name: horizontal * vertical for name, horizontal, vertical in known}, max(largest, 1)


def _scan_components(segment: bytes) -> list[int]:
    count = min(segment[0], 4) if segment else 0
    return [segment[1 + 2 * index] for index in range(count) if 1 + 2 * index < len(segment)]
