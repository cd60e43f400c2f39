"""Headers of TIFF 6.0 and BigTIFF: the first image file directory (IFD)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from emosense.media.headers.structure import HeaderError, HeaderLimitError, PhotoHeader

_MAX_ENTRIES: Final = 4096
_MAX_PARTS: Final = 1_000_000
_TYPE_CODES: Final = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q"}
_TYPE_BYTES: Final = {2: 1, 5: 8, 7: 1, 10: 8, 11: 4, 12: 8, 18: 8}
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIP_OFFSETS, _SAMPLES, _ROWS_PER_STRIP, _STRIP_BYTES = 273, 277, 278, 279
_PLANAR, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTES = 284, 322, 323, 324, 325
_EXTRA_SAMPLES: Final = 338
_NEEDED: Final = frozenset(
    (
        *(_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC),
        *(_STRIP_OFFSETS, _SAMPLES, _ROWS_PER_STRIP, _STRIP_BYTES),
        *(_PLANAR, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTES, _EXTRA_SAMPLES),
    )
)
_SEPARATE: Final = 2
_SWAPPED: Final = 42 << 8
"""The version in the other byte order, which Pillow accepts."""


@dataclass(frozen=True)
class TiffDirectory:
    """The first image file directory of a TIFF.

    Attributes:
        header: size and samples of the picture.
        part_width: width of a tile or strip in pixels.
        part_height: height of a tile or strip in pixels.
        parts_needed: number of tiles or strips that cover the picture once.
        offsets: position of each tile or strip in the file.
        byte_counts: compressed size of each tile or strip.
        tiled: whether it is stored in tiles.

    >>> TiffDirectory(PhotoHeader("TIFF", 64, 64), 64, 8, 8, (8,) * 8, (9,) * 8, tiled=False).tiled
    False
    """

    header: PhotoHeader
    part_width: int
    part_height: int
    parts_needed: int
    offsets: tuple[int, ...]
    byte_counts: tuple[int, ...]
    tiled: bool


def read_tiff_header(data: bytes) -> PhotoHeader:
    """Read the first image file directory of a TIFF; see :func:`read_tiff_directory`."""
    return read_tiff_directory(data).header


def read_tiff_directory(data: bytes) -> TiffDirectory:
    """Read the first image file directory of a TIFF or BigTIFF.

    Args:
        data: content of the file.

    Raises:
        HeaderError: it has no size, more than 4,096 entries, or more than a million tiles or strips.
    """
    order = "<" if data[:2] == b"II" else ">"
    (version,) = struct.unpack_from(order + "H", data, 2)
    if version not in (42, 43, _SWAPPED):
        raise HeaderError("an unknown version")
    entries, metadata_bytes = _entries(data, order, big=version == 43)
    tags = entries.tags

    def first(tag: int, default: int = 0) -> int:
        values = tags.get(tag, ())
        return values[0] if values else default

    width, height = first(_WIDTH), first(_HEIGHT)
    if width <= 0 or height <= 0:
        raise HeaderError("no size")
    channels = max(1, first(_SAMPLES, 1))
    tiled = _TILE_WIDTH in tags
    if tiled:
        part_width, part_height = max(1, first(_TILE_WIDTH)), max(1, first(_TILE_HEIGHT))
        offsets, byte_counts = tags.get(_TILE_OFFSETS, ()), tags.get(_TILE_BYTES, ())
    else:
        # libtiff cuts a strip at the end of the picture.
        part_width, part_height = width, min(max(1, first(_ROWS_PER_STRIP, height)), height)
        offsets, byte_counts = tags.get(_STRIP_OFFSETS, ()), tags.get(_STRIP_BYTES, ())
    separate = first(_PLANAR, 1) == _SEPARATE
    parts_needed = -(-width // part_width) * -(-height // part_height)
    parts_needed *= channels if separate else 1
    parts = max(len(offsets), parts_needed)
    part_samples = part_width * part_height * (1 if separate else channels)
    header = PhotoHeader(
        "TIFF",
        width,
        height,
        channels=channels,
        bit_depth=max(tags.get(_BITS, ()) or (1,)),
        has_alpha=bool(tags.get(_EXTRA_SAMPLES)),
        coded_samples=parts * part_samples,
        parts=parts,
        part_samples=part_samples,
        sections=entries.count,
        metadata_bytes=metadata_bytes,
        compression=str(first(_COMPRESSION, 1)),
        file_bytes=len(data),
        coded_bytes=sum(byte_counts),
    )
    return TiffDirectory(header, part_width, part_height, parts_needed, offsets, byte_counts, tiled)


@dataclass(frozen=True)
class _Entries:
    tags: dict[int, tuple[int, ...]]
    count: int


def _entries(data: bytes, order: str, *, big: bool) -> tuple[_Entries, int]:
    """Return the entries of the first directory, and the bytes of those that are not needed."""
    pointer, count_code, entry_bytes, inline = ("Q", "Q", 20, 8) if big else ("I", "H", 12, 4)
    (start,) = struct.unpack_from(order + pointer, data, 8 if big else 4)
    (count,) = struct.unpack_from(order + count_code, data, start)
    if count > _MAX_ENTRIES:
        raise HeaderLimitError(f"{_MAX_ENTRIES:,} entries")
    position = start + struct.calcsize(count_code if big else "<H")
    tags: dict[int, tuple[int, ...]] = {}
    metadata_bytes = 0
    for _ in range(count):
        if position + entry_bytes > len(data):
            break
        tag, kind, values = struct.unpack_from(order + "HH" + pointer, data, position)
        code = _TYPE_CODES.get(kind)
        size = values * (struct.calcsize(code) if code else _TYPE_BYTES.get(kind, 1))
        field = position + entry_bytes - inline
        where = field if size <= inline else struct.unpack_from(order + pointer, data, field)[0]
        if tag not in _NEEDED:
            metadata_bytes += size
        elif tag not in tags and code is not None and where + size <= len(data):
            if values > _MAX_PARTS:
                raise HeaderLimitError(f"{_MAX_PARTS:,} tiles or strips")
            tags[tag] = struct.unpack_from(f"{order}{values}{code}", data, where)
        position += entry_bytes
    return _Entries(tags, count), metadata_bytes
