"""Headers of HEIC and AVIF (ISO/IEC 23008-12, HEIF).

The property ``ispe`` states a picture's size, the bitstream states it again, and the decoders of
AVIF follow the latter: so both are read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from emosense.media.headers.av1 import CodedSize, av1_sizes
from emosense.media.headers.heif_items import HeifItems, read_items
from emosense.media.headers.hevc import configured_sizes, hevc_sizes
from emosense.media.headers.isobmff import BoxReader, number
from emosense.media.headers.structure import HeaderError, PhotoHeader

_MAX_DEPTH: Final = 2
_MAX_PIXELS: Final = 2**62
_DERIVED: Final = (b"grid", b"iovl", b"iden", b"tmap")
_TRACK_BOXES: Final = (b"trak", b"mdia", b"minf", b"stbl")


def read_heif_header(data: bytes) -> PhotoHeader:
    """Read the size of the primary item of a HEIC or AVIF file, and of the tiles it consists of.

    Args:
        data: content of the file.

    Raises:
        HeaderLimitError: it has more boxes, items or references than are followed.
        HeaderError: it has no primary item with a size, or is damaged.
    """
    reader = BoxReader(data)
    items: HeifItems | None = None
    metadata_bytes, sequence = 0, (0, 8)
    for kind, body_start, end in reader.boxes_of(0, len(data)):
        if kind == b"meta" and items is None:
            items = read_items(data, body_start + 4, end, reader)
            metadata_bytes = end - body_start
        elif kind == b"moov":  # an animation, whose first frame may be decoded instead
            sequence = _largest(_track_sizes(data, body_start, end, reader))
    size = None if items is None else items.size(items.primary)
    if items is None or size is None:
        raise HeaderError("no primary item with a size")
    coded = _CodedPictures(data, items)
    parts, pixels, depth = coded.of(items.primary)
    samples = 3 * max(pixels, sequence[0])
    auxiliaries = items.auxiliaries.get(items.primary, ())
    for auxiliary in auxiliaries:
        more_parts, more_pixels, more_depth = coded.of(auxiliary)
        parts, samples, depth = parts + more_parts, samples + more_pixels, max(depth, more_depth)
    return PhotoHeader(
        "AVIF" if data[8:11] == b"avi" else "HEIC",
        *size,
        channels=4 if auxiliaries else 3,
        bit_depth=max(items.bit_depth(items.primary), depth, sequence[1]),
        has_alpha=bool(auxiliaries),
        coded_samples=min(samples, _MAX_PIXELS),
        parts=max(1, parts),
        sections=reader.boxes,
        metadata_bytes=metadata_bytes,
        whole_picture=True,
        compression="grid" if items.types.get(items.primary) in _DERIVED else "",
        file_bytes=len(data),
        coded_bytes=sum(length for places in items.extents.values() for _, length in places),
    )


class _CodedPictures:
    """The coded pictures that items are derived from."""

    def __init__(self, data: bytes, items: HeifItems) -> None:
        self._data, self._items = data, items
        self._known: dict[tuple[int, int], tuple[int, int, int]] = {}
        self._scanned: dict[tuple[object, ...], tuple[int, int]] = {}

    def of(self, item: int, depth: int = 0) -> tuple[int, int, int]:
        """Return the number of coded pictures of an item, their pixels, and their bit depth."""
        known = self._known.get((item, depth))  # a picture may be the input of many
        if known is not None:
            return known
        items = self._items
        inputs = items.inputs.get(item, ()) if items.types.get(item) in _DERIVED else ()
        if not inputs or depth > _MAX_DEPTH:
            width, height = items.size(item) or (0, 0)
            pixels, bits = self._bitstream(item)
            counted = 1, max(width * height, pixels), bits
        else:
            counts = [self.of(part, depth + 1) for part in inputs]
            parts, pixels = (sum(count[index] for count in counts) for index in range(2))
            counted = parts, pixels, max(count[2] for count in counts)
        self._known[item, depth] = counted
        return counted

    def _bitstream(self, item: int) -> tuple[int, int]:
        """Return the pixels and the bit depth that an item's bitstream declares."""
        items = self._items
        kind, places = items.types.get(item), items.extents.get(item, [])
        configuration = items.property_of(item, b"hvcC") or b""
        key = (kind, configuration, *places)
        if key not in self._scanned:
            extents = [self._data[start : start + length] for start, length in places]
            data = extents[0] if len(extents) == 1 else b"".join(extents)
            items.count_references(1 + len(data) // 2**16)  # copies of a shared extent
            sizes: Iterable[CodedSize] = ()
            if kind == b"av01":
                sizes = av1_sizes(data)
            elif kind == b"hvc1" and len(configuration) > 22:
                length_bytes = (configuration[21] & 3) + 1
                sizes = [*configured_sizes(configuration), *hevc_sizes(data, length_bytes)]
            self._scanned[key] = _largest(sizes)
        return self._scanned[key]


def _largest(sizes: Iterable[CodedSize]) -> tuple[int, int]:
    pixels, depth = 0, 8
    for width, height, bits in sizes:
        pixels, depth = max(pixels, width * height), max(depth, bits)
    return pixels, depth


def _track_sizes(data: bytes, start: int, end: int, reader: BoxReader) -> Iterable[CodedSize]:
    """Yield the sizes that the first sample of each AV1 track declares."""
    offset = size = None
    for kind, body, stop in reader.boxes_of(start, end):
        if kind in _TRACK_BOXES:
            yield from _track_sizes(data, body, stop, reader)
        elif kind in (b"stco", b"co64"):
            offset = number(data, body + 8, 4 if kind == b"stco" else 8)
        elif kind == b"stsz":
            size = number(data, body + 4, 4) or number(data, body + 12, 4)
    if offset is not None and size is not None and data[8:11] == b"avi":
        yield from av1_sizes(data[offset : offset + size])
