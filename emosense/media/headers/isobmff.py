"""Headers of HEIC and AVIF (ISO/IEC 23008-12, HEIF): the items and their properties."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from emosense.media.headers.structure import HeaderError, HeaderLimitError, PhotoHeader

_MAX_BOXES: Final = 20_000
_MAX_REFERENCES: Final = 100_000
_MAX_DEPTH: Final = 2
_MAX_PIXELS: Final = 2**62
_DERIVED: Final = (b"grid", b"iovl", b"iden", b"tmap")


@dataclass
class _Items:
    """What the box ``meta`` says, by item."""

    primary: int = 0
    types: dict[int, bytes] = field(default_factory=dict)
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)
    of_item: dict[int, list[int]] = field(default_factory=dict)
    inputs: dict[int, list[int]] = field(default_factory=dict)
    auxiliaries: dict[int, list[int]] = field(default_factory=dict)
    boxes: int = 0
    references: int = 0
    coded_bytes: int = 0
    coded: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)

    def count_references(self, count: int) -> None:
        """Add to the number of references and associations.

        Raises:
            HeaderError: there are more than 100,000.
        """
        self.references += count
        if self.references > _MAX_REFERENCES:
            raise HeaderLimitError(f"{_MAX_REFERENCES:,} references")

    def size(self, item: int) -> tuple[int, int] | None:
        """Return (width, height) of an item by its property ``ispe``."""
        for index in self.of_item.get(item, ()):
            if 0 < index <= len(self.properties):
                kind, body = self.properties[index - 1]
                if kind == b"ispe" and len(body) >= 12:
                    width, height = struct.unpack_from(">II", body, 4)
                    return width, height
        return None

    def bit_depth(self, item: int) -> int:
        """Return the bits per sample by the property ``pixi``; 8 without one."""
        for index in self.of_item.get(item, ()):
            if 0 < index <= len(self.properties):
                kind, body = self.properties[index - 1]
                if kind == b"pixi" and len(body) >= 6:
                    return max(body[5:])
        return 8


def read_heif_header(data: bytes) -> PhotoHeader:
    """Read the size of the primary item of a HEIC or AVIF file, and of the tiles it consists of.

    Args:
        data: content of the file.

    Raises:
        HeaderError: it has no primary item with a size, or more than 20,000 boxes.
    """
    items = _Items()
    metadata_bytes = 0
    for kind, body_start, end in _boxes(data, 0, len(data), items):
        if kind == b"meta":
            _read_meta(data, body_start + 4, end, items)
            metadata_bytes = end - body_start
            break
    size = items.size(items.primary)
    if size is None:
        raise HeaderError("no primary item with a size")
    width, height = size
    has_alpha = bool(items.auxiliaries.get(items.primary))
    parts, pixels = _coded(items, items.primary, depth=0)
    for auxiliary in items.auxiliaries.get(items.primary, ()):
        more_parts, more_pixels = _coded(items, auxiliary, depth=0)
        parts, pixels = parts + more_parts, pixels + more_pixels
    return PhotoHeader(
        "AVIF" if data[8:11] == b"avi" else "HEIC",
        width,
        height,
        channels=4 if has_alpha else 3,
        bit_depth=items.bit_depth(items.primary),
        has_alpha=has_alpha,
        coded_samples=min(pixels, _MAX_PIXELS) * 3,
        parts=max(1, parts),
        sections=items.boxes,
        metadata_bytes=metadata_bytes,
        whole_picture=True,
        compression="grid" if items.types.get(items.primary) in _DERIVED else "",
        file_bytes=len(data),
        coded_bytes=items.coded_bytes,
    )


def _coded(items: _Items, item: int, depth: int) -> tuple[int, int]:
    """Return the number of coded images that an item is derived from, and their pixels."""
    known = items.coded.get((item, depth))  # an image may be the input of many
    if known is not None:
        return known
    inputs = items.inputs.get(item, ()) if items.types.get(item) in _DERIVED else ()
    if not inputs or depth > _MAX_DEPTH:
        width, height = items.size(item) or (0, 0)
        counted = 1, width * height
    else:
        counts = [_coded(items, part, depth + 1) for part in inputs]
        counted = sum(parts for parts, _ in counts), sum(pixels for _, pixels in counts)
    items.coded[item, depth] = counted
    return counted


def _boxes(data: bytes, start: int, end: int, items: _Items) -> Iterator[tuple[bytes, int, int]]:
    """Yield (type, start of the body, end) of the boxes of a range."""
    while start + 8 <= end:
        items.boxes += 1
        if items.boxes > _MAX_BOXES:
            raise HeaderLimitError(f"{_MAX_BOXES:,} boxes")
        size, kind = struct.unpack_from(">I4s", data, start)
        body = start + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, body)
            body += 8
        stop = end if size == 0 else min(end, start + size)
        if stop < body:
            raise HeaderError("a box that is shorter than its header")
        yield kind, body, stop
        start = stop


def _read_meta(data: bytes, start: int, end: int, items: _Items) -> None:
    for kind, body, stop in _boxes(data, start, end, items):
        if kind == b"pitm":
            items.primary = _number(data, body + 4, 4 if data[body] else 2)
        elif kind == b"iinf":
            entries = body + (8 if data[body] else 6)
            for entry, entry_body, _ in _boxes(data, entries, stop, items):
                if entry == b"infe":
                    wide = data[entry_body] >= 3
                    identifier = _number(data, entry_body + 4, 4 if wide else 2)
                    name = entry_body + (10 if wide else 8)
                    items.types[identifier] = data[name : name + 4]
        elif kind == b"iprp":
            for entry, entry_body, entry_stop in _boxes(data, body, stop, items):
                if entry == b"ipco":
                    items.properties = [
                        (name, data[first : min(last, first + 32)])
                        for name, first, last in _boxes(data, entry_body, entry_stop, items)
                    ]
                elif entry == b"ipma":
                    _read_associations(data[entry_body:entry_stop], items)
        elif kind == b"iloc":
            _read_locations(data[body:stop], len(data), items)
        elif kind == b"iref":
            _read_references(data, body, stop, items)


def _read_locations(body: bytes, file_bytes: int, items: _Items) -> None:
    """Read the box ``iloc`` (ISO/IEC 14496-12, 8.11.3): the sizes of all items' extents."""
    version = body[0]
    offset_bytes, length_bytes = body[4] >> 4, body[4] & 15
    base_bytes, index_bytes = body[5] >> 4, body[5] & 15 if version else 0
    wide = 4 if version == 2 else 2
    count, position = _number(body, 6, wide), 6 + wide
    for _ in range(count):
        position += wide + (2 if version else 0) + 2 + base_bytes
        extents = _number(body, position, 2)
        items.count_references(1 + extents)
        position += 2
        for _ in range(extents):
            position += index_bytes + offset_bytes
            length = _number(body, position, length_bytes) if length_bytes else file_bytes
            items.coded_bytes += min(length, file_bytes)
            position += length_bytes


def _read_associations(body: bytes, items: _Items) -> None:
    """Read the box ``ipma`` (9.3.1): the indices of the properties of each item."""
    identifier_bytes, index_bytes = 4 if body[0] else 2, 2 if body[3] & 1 else 1
    position = 8
    for _ in range(min(_number(body, 4, 4), _MAX_BOXES)):
        item = _number(body, position, identifier_bytes)
        count = body[position + identifier_bytes]
        items.count_references(1 + count)
        position += identifier_bytes + 1
        indices = [
            _number(body, position + index * index_bytes, index_bytes) for index in range(count)
        ]
        items.of_item[item] = [index & (0x7FFF if index_bytes == 2 else 0x7F) for index in indices]
        position += count * index_bytes


def _read_references(data: bytes, body: int, stop: int, items: _Items) -> None:
    """Read the box ``iref``: inputs of derived items (``dimg``), auxiliary images (``auxl``)."""
    width = 4 if data[body] else 2
    for kind, first, last in _boxes(data, body + 4, stop, items):
        source, count = _number(data, first, width), _number(data, first + width, 2)
        start = first + width + 2
        count = max(0, min(count, (last - start) // width))
        items.count_references(1 + count)
        targets = [_number(data, start + index * width, width) for index in range(count)]
        if kind == b"dimg":
            items.inputs[source] = targets
        elif kind == b"auxl":
            for target in targets:
                items.auxiliaries.setdefault(target, []).append(source)


def _number(data: bytes, position: int, size: int) -> int:
    value = data[position : position + size]
    if len(value) < size:
        raise HeaderError("a box that is cut off")
    return int.from_bytes(value, "big")
