"""Mutations of BMP files: their headers, and large pictures of few bytes."""

from __future__ import annotations

import random
import struct

from support.mutation.numbers import accepted_shape, count, extreme, shape

_MOST_BYTES = 6_000_000
_HEADERS = (12, 40, 52, 56, 64, 108, 124)
_RAW, _RLE8, _RLE4, _FIELDS = 0, 1, 2, 3


def change_header(rng: random.Random, data: bytes) -> bytes:
    """Set fields of the file's and the picture's header."""
    new = bytearray(data)
    for _ in range(count(rng, 4)):
        at, letter = rng.choice(
            [
                (10, "I"),
                (14, "I"),
                (18, "i"),
                (22, "i"),
                (26, "H"),
                (28, "H"),
                (30, "I"),
                (34, "I"),
                (46, "I"),
                (50, "I"),
            ]
        )
        value = extreme(rng, 16 if letter == "H" else 31)
        if at in (18, 22):
            value = shape(rng)[at == 22] * rng.choice((1, -1))
        elif at == 14:
            value = rng.choice((*_HEADERS, value))
        elif at == 28:
            value = rng.choice((0, 1, 2, 4, 8, 16, 24, 32, 64, value))
        elif at == 30:
            value = rng.choice((0, 1, 2, 3, 4, 5, 6, value))
        struct.pack_into("<" + letter, new, at, value)
    return bytes(new)


def large(rng: random.Random) -> bytes:
    """A picture that declares much: run lengths, or rows that are not there."""
    width, height = accepted_shape(rng)
    compression = rng.choice((_RLE8, _RLE8, _RLE4, _RAW, _FIELDS))
    bits = {_RLE8: 8, _RLE4: 4, _FIELDS: rng.choice((16, 32))}.get(
        compression, rng.choice((1, 4, 8, 16, 24, 32))
    )
    palette = bytes(4 * 2**bits) if bits <= 8 else b""
    if compression == _FIELDS:
        palette = struct.pack("<III", 0xFF0000, 0xFF00, 0xFF)
    if compression in (_RLE8, _RLE4):
        row = b"\xff\0" * (width // 255) + bytes((width % 255, 0)) + b"\0\0"
        pixels = (row * min(height, _MOST_BYTES // len(row) + 1))[:_MOST_BYTES]
        if rng.random() < 0.3:  # jump: "delta" instructions, 255 rows each
            pixels = b"\0\2\xff\xff" * count(rng, 10**6)
        pixels += b"\0\1"
    else:
        pixels = bytes(min(_MOST_BYTES, rng.choice((0, 10**5, (width * bits + 7) // 8 * height))))
    sign = rng.choice((1, 1, -1)) if compression in (_RAW, _FIELDS) else 1
    start = 54 + len(palette)
    head = b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start)
    head += struct.pack(
        "<IiiHHIIiiII", 40, width, sign * height, 1, bits, compression, 0, 1, 1, 0, 0
    )
    return head + palette + pixels


MUTATORS = (change_header,)
FORMS = (large,)
