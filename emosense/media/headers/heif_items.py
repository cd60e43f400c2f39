"""The items of a HEIF file (ISO/IEC 23008-12 and 14496-12, 8.11): types, properties, places."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from emosense.media.headers.isobmff import BoxReader, number
from emosense.media.headers.structure import HeaderError, HeaderLimitError

_MAX_REFERENCES: Final = 100_000
_MAX_ITEMS: Final = 20_000
_MAX_PROPERTY_BYTES: Final = 4096
_IN_FILE, _IN_IDAT = 0, 1
"""Construction methods of the box ``iloc``."""


@dataclass
class HeifItems:
    """What the box ``meta`` says of its items, by their numbers.

    Attributes:
        primary: number of the primary item.
        types: four characters, e.g. ``hvc1`` or ``grid``.
        properties: (type, body) of all properties; bodies at most 4,096 bytes.
        of_item: indices of an item's properties, from 1.
        inputs: items that a derived item is made of.
        auxiliaries: items that belong to another, such as its alpha.
        extents: (position in the file, bytes) of an item's data.
        references: number of references, associations, extents and units that were followed.

    >>> HeifItems().size(1) is None
    True
    """

    primary: int = 0
    types: dict[int, bytes] = field(default_factory=dict)
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)
    of_item: dict[int, list[int]] = field(default_factory=dict)
    inputs: dict[int, list[int]] = field(default_factory=dict)
    auxiliaries: dict[int, list[int]] = field(default_factory=dict)
    extents: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    references: int = 0

    def count_references(self, count: int) -> None:
        """Add to the number of references.

        Raises:
            HeaderLimitError: there are more than 100,000.
        """
        self.references += count
        if self.references > _MAX_REFERENCES:
            raise HeaderLimitError(f"{_MAX_REFERENCES:,} references")

    def property_of(self, item: int, kind: bytes) -> bytes | None:
        """Return the body of an item's property of a type, None without one."""
        for index in self.of_item.get(item, ()):
            if 0 < index <= len(self.properties) and self.properties[index - 1][0] == kind:
                return self.properties[index - 1][1]
        return None

    def size(self, item: int) -> tuple[int, int] | None:
        """Return (width, height) of an item by its property ``ispe``."""
        body = self.property_of(item, b"ispe")
        if body is None or len(body) < 12:
            return None
        width, height = struct.unpack_from(">II", body, 4)
        return width, height

    def bit_depth(self, item: int) -> int:
        """Return the bits per sample by the property ``pixi``; 8 without one."""
        body = self.property_of(item, b"pixi")
        return max(body[5:]) if body is not None and len(body) >= 6 else 8


def read_items(data: bytes, start: int, end: int, reader: BoxReader) -> HeifItems:
    """Read the items of a box ``meta``.

    Args:
        data: content of the file.
        start: start of the boxes in ``meta``, after its version and flags.
        end: end of ``meta``.
        reader: reader of the file's boxes.

    Raises:
        HeaderLimitError: there are more boxes, references or items than are followed.
        HeaderError: a box is damaged.
    """
    items = HeifItems()
    locations: tuple[int, int] | None = None
    idat = 0
    for kind, body, stop in reader.boxes_of(start, end):
        if kind == b"pitm":
            items.primary = number(data, body + 4, 4 if data[body] else 2)
        elif kind == b"idat":
            idat = body
        elif kind == b"iloc":
            locations = body, stop
        elif kind == b"iinf":
            entries = body + (8 if data[body] else 6)
            for entry, entry_body, _ in reader.boxes_of(entries, stop):
                if entry == b"infe":
                    wide = data[entry_body] >= 3
                    identifier = number(data, entry_body + 4, 4 if wide else 2)
                    name = entry_body + (10 if wide else 8)
                    items.types[identifier] = data[name : name + 4]
        elif kind == b"iprp":
            _read_properties(data, body, stop, reader, items)
        elif kind == b"iref":
            _read_references(data, body, stop, reader, items)
    if locations is not None:
        _read_locations(data[slice(*locations)], idat, len(data), items)
    return items


def _read_properties(
    data: bytes, body: int, stop: int, reader: BoxReader, items: HeifItems
) -> None:
    for entry, entry_body, entry_stop in reader.boxes_of(body, stop):
        if entry == b"ipco":
            items.properties = [
                (name, data[first : min(last, first + _MAX_PROPERTY_BYTES)])
                for name, first, last in reader.boxes_of(entry_body, entry_stop)
            ]
        elif entry == b"ipma":
            _read_associations(data[entry_body:entry_stop], items)


def _read_associations(body: bytes, items: HeifItems) -> None:
    """Read the box ``ipma`` (9.3.1): the indices of the properties of each item."""
    identifier_bytes, index_bytes = 4 if body[0] else 2, 2 if body[3] & 1 else 1
    position = 8
    for _ in range(min(number(body, 4, 4), _MAX_ITEMS)):
        item = number(body, position, identifier_bytes)
        count = body[position + identifier_bytes]
        items.count_references(1 + count)
        position += identifier_bytes + 1
        indices = [
            number(body, position + index * index_bytes, index_bytes) for index in range(count)
        ]
        items.of_item[item] = [index & (0x7FFF if index_bytes == 2 else 0x7F) for index in indices]
        position += count * index_bytes


def _read_locations(body: bytes, idat: int, file_bytes: int, items: HeifItems) -> None:
    """Read the box ``iloc`` (ISO/IEC 14496-12, 8.11.3): the extents of all items."""
    version = body[0]
    offset_bytes, length_bytes = body[4] >> 4, body[4] & 15
    base_bytes, index_bytes = body[5] >> 4, body[5] & 15 if version else 0
    wide = 4 if version == 2 else 2
    count, position = number(body, 6, wide), 6 + wide
    for _ in range(count):
        item = number(body, position, wide)
        position += wide
        method = number(body, position, 2) & 15 if version else _IN_FILE
        position += 4 if version else 2
        base = number(body, position, base_bytes) + (idat if method == _IN_IDAT else 0)
        position += base_bytes
        extents = number(body, position, 2)
        position += 2
        items.count_references(1 + extents)
        places = items.extents.setdefault(item, [])
        for _ in range(extents):
            position += index_bytes
            offset = base + number(body, position, offset_bytes)
            position += offset_bytes
            length = number(body, position, length_bytes) or file_bytes
            position += length_bytes
            places.append((offset, min(length, max(0, file_bytes - offset))))
        if method not in (_IN_FILE, _IN_IDAT):
            raise HeaderError("an item that is made of others' bytes")


def _read_references(
    data: bytes, body: int, stop: int, reader: BoxReader, items: HeifItems
) -> None:
    """Read the box ``iref``: inputs of derived items (``dimg``), auxiliary images (``auxl``)."""
    width = 4 if data[body] else 2
    for kind, first, last in reader.boxes_of(body + 4, stop):
        source, count = number(data, first, width), number(data, first + width, 2)
        start = first + width + 2
        count = max(0, min(count, (last - start) // width))
        items.count_references(1 + count)
        targets = [number(data, start + index * width, width) for index in range(count)]
        if kind == b"dimg":
            items.inputs[source] = targets
        elif kind == b"auxl":
            for target in targets:
                items.auxiliaries.setdefault(target, []).append(source)
