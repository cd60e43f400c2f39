"""Boxes of the ISO base media file format (ISO/IEC 14496-12, 4.2)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from emosense.media.headers.structure import HeaderError, HeaderLimitError

_MAX_BOXES: Final = 20_000


class BoxReader:
    """Reads the boxes of a file, at most 20,000 of them.

    Args:
        data: content of the file.

    Attributes:
        boxes: number of boxes that were read.

    >>> reader = BoxReader(bytes((0, 0, 0, 9)) + b"freex")
    >>> list(reader.boxes_of(0, 9)), reader.boxes
    ([(b'free', 8, 9)], 1)
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.boxes = 0

    def boxes_of(self, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
        """Yield (type, start of the body, end) of the boxes of a range.

        Raises:
            HeaderLimitError: the file has more than 20,000 boxes.
            HeaderError: a box is shorter than its header.
        """
        while start + 8 <= end:
            self.boxes += 1
            if self.boxes > _MAX_BOXES:
                raise HeaderLimitError(f"{_MAX_BOXES:,} boxes")
            size, kind = struct.unpack_from(">I4s", self._data, start)
            body = start + 8
            if size == 1:
                (size,) = struct.unpack_from(">Q", self._data, body)
                body += 8
            stop = end if size == 0 else min(end, start + size)
            if stop < body:
                raise HeaderError("a box that is shorter than its header")
            yield kind, body, stop
            start = stop


def number(data: bytes, position: int, size: int) -> int:
    """Return the unsigned number of ``size`` bytes at a position.

    Raises:
        HeaderError: the data ends before.
    """
    value = data[position : position + size]
    if len(value) < size:
        raise HeaderError("a box that is cut off")
    return int.from_bytes(value, "big")
