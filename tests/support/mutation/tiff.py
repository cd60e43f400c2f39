"""Mutations of TIFF files (TIFF 6.0, BigTIFF) and of EXIF blocks, entry by entry."""

from __future__ import annotations

import lzma
import random
import struct
from dataclasses import dataclass

import pyarrow as pa

from support.mutation.numbers import (
    accepted_shape,
    count,
    deflated_zeros,
    extreme,
    lzw_zeros,
    shape,
)

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
_SIZES |= {17: 8, 18: 8}
_LETTERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_MOST_BYTES = 6_000_000
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIPS, _SAMPLES, _ROWS, _STRIP_SIZES, _PLANAR = 273, 277, 278, 279, 284
_PREDICTOR, _COLOURS, _TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_SIZES = 317, 320, 322, 323, 324, 325


@dataclass(frozen=True)
class Entry:
    """An entry of an image file directory: its values as they are stored."""

    tag: int
    kind: int
    number: int
    data: bytes


def entry(tag: int, values: int | list[int], kind: int = 4, order: str = "<") -> Entry:
    listed = values if isinstance(values, list) else [values]
    top = 256 ** _SIZES[kind] - 1
    letters = f"{order}{len(listed)}{_LETTERS[kind]}"
    return Entry(tag, kind, len(listed), struct.pack(letters, *(v & top for v in listed)))


def build(
    entries: list[Entry],
    data: bytes = b"",
    *,
    order: str = "<",
    big: bool = False,
    directories: int = 1,
    loop: bool = False,
) -> bytes:
    """Return a file: header, ``data`` (at offset 8, or 16), then the directory, several times."""
    mark = b"II" if order == "<" else b"MM"
    number, offset, slot, start = ("Q", "Q", 8, 16) if big else ("H", "I", 4, 8)
    first = start + len(data)
    head = mark + struct.pack(
        order + ("HHHQ" if big else "HI"), *((43, 8, 0) if big else (42,)), first
    )
    out = bytearray(head + data)
    one = struct.calcsize(order + number) + len(entries) * (20 if big else 12) + slot
    extra_size = sum(len(e.data) for e in entries if len(e.data) > slot)
    for turn in range(directories):
        at = len(out)
        extra = bytearray()
        out += struct.pack(order + number, len(entries) & (2**64 - 1 if big else 0xFFFF))
        for item in entries:
            value = item.data.ljust(slot, b"\0")
            if len(item.data) > slot:
                value = struct.pack(order + offset, at + one + len(extra))
                extra += item.data
            out += struct.pack(f"{order}HH{offset}", item.tag, item.kind, item.number) + value
        following = at + one + extra_size if turn + 1 < directories else first if loop else 0
        out += struct.pack(order + offset, following) + extra
    return bytes(out)


def parse(data: bytes) -> tuple[str, list[Entry]]:
    """Return the byte order and the first directory of a classic TIFF."""
    order = "<" if data[:2] == b"II" else ">"
    (at,) = struct.unpack_from(order + "I", data, 4)
    (number,) = struct.unpack_from(order + "H", data, at)
    entries = []
    for place in range(at + 2, at + 2 + 12 * number, 12):
        tag, kind, values = struct.unpack_from(order + "HHI", data, place)
        size = _SIZES.get(kind, 1) * values
        begin = place + 8 if size <= 4 else struct.unpack_from(order + "I", data, place + 8)[0]
        entries.append(Entry(tag, kind, values, data[begin : begin + size]))
    return order, entries


def change_entries(rng: random.Random, data: bytes) -> bytes:
    """Change types, counts and values of the entries of a sound file; drop and repeat some."""
    order, entries = parse(data)
    for _ in range(count(rng, 5)):
        at = rng.randrange(len(entries))
        old, what = entries[at], rng.randrange(6)
        if what == 0:
            entries[at] = Entry(old.tag, rng.choice((0, *_SIZES, 99)), old.number, old.data)
        elif what == 1:
            entries[at] = Entry(old.tag, old.kind, extreme(rng), old.data)
        elif what == 2:
            entries[at] = entry(old.tag, extreme(rng), 4, order)
        elif what == 3:
            del entries[at]
        elif what == 4:
            entries[at:at] = [old] * count(rng, 1000)
        else:
            entries[at] = Entry(old.tag, old.kind, old.number, rng.randbytes(len(old.data)))
        if not entries:
            break
    # The strips stay where they were: the new directory follows the old file.
    tail = build(entries, data[8:], order=order, loop=rng.random() < 0.2)
    return tail


def change_meaning(rng: random.Random, data: bytes) -> bytes:
    """Set the entries that say how the pixels are stored."""
    order, entries = parse(data)
    by_tag = {item.tag: item for item in entries}
    width, height = shape(rng)
    for tag, value, kind in rng.sample(
        [
            (_WIDTH, width, 4),
            (_HEIGHT, height, 4),
            (_BITS, rng.choice((1, 2, 4, 8, 12, 16, 24, 32, 64)), 3),
            (_COMPRESSION, rng.choice((1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34712, 34925)), 3),
            (_PHOTOMETRIC, rng.choice((0, 1, 2, 3, 4, 5, 6, 8, 32803, 34892)), 3),
            (_SAMPLES, rng.choice((1, 2, 3, 4, 5, 255, 65_535)), 3),
            (_ROWS, rng.choice((0, 1, height, 2**32 - 1)), 4),
            (_PREDICTOR, rng.choice((1, 2, 3)), 3),
            (_PLANAR, rng.choice((1, 2)), 3),
            (339, rng.choice((1, 2, 3, 4, 6)), 3),
            (338, rng.choice((0, 1, 2)), 3),
            (274, rng.randrange(10), 3),
        ],
        rng.choice((1, 2, 3)),
    ):
        by_tag[tag] = entry(tag, value, kind, order)
    return build([by_tag[tag] for tag in sorted(by_tag)], data[8:], order=order)


def many_directories(rng: random.Random, data: bytes) -> bytes:
    order, entries = parse(data)
    size = sum(len(e.data) + 12 for e in entries) + 6
    times = min(count(rng, 50_000), max(1, _MOST_BYTES // size))
    return build(entries, data[8:], order=order, directories=times, loop=rng.random() < 0.5)


def _zeros(rng: random.Random, compression: int, size: int, rows: int) -> bytes:
    """Return ``size`` zero bytes, compressed."""
    if compression == 1:
        return bytes(min(size, _MOST_BYTES))
    if compression in (8, 32946):
        return deflated_zeros(min(size, 2**32))
    if compression == 5:
        return lzw_zeros(min(size, 2**27), gif=False)
    if compression == 32773:  # PackBits
        return (b"\x81\0" * (size // 128 + 1))[:_MOST_BYTES]
    if compression == 34925:
        return lzma.compress(bytes(min(size, 2**22)), preset=0)
    if compression == 50000:
        return bytes(pa.Codec("zstd").compress(bytes(min(size, 2**25)), asbytes=True))
    return b"\xff" * (rows // 8 + 1)  # group 4: a bit a row; all others cannot read it


def large(rng: random.Random) -> bytes:
    """A picture in strips or tiles that share one compressed stream, or have few."""
    width, height = accepted_shape(rng)
    order, big = rng.choice("<>"), rng.random() < 0.2
    bits = rng.choice((1, 8, 8, 8, 16, 32))
    samples = rng.choice((1, 1, 3, 4)) if bits > 1 else 1
    compression = rng.choice((1, 8, 8, 8, 32946, 5, 32773, 34925, 50000))
    if bits == 1 and rng.random() < 0.7:
        compression = 4
    tiled = rng.random() < 0.5
    if tiled:
        across = rng.choice((16, 256, 16 * count(rng, 500_000)))
        down = rng.choice((16, 256, 16 * count(rng, 500_000)))
    else:
        across, down = width, rng.choice((1, 16, height, count(rng, height)))
    parts = -(-width // across) * -(-height // down)
    planar = 2 if samples > 1 and rng.random() < 0.3 else 1
    parts = min(parts * (samples if planar == 2 else 1), 300_000)
    size = across * down * bits * (1 if planar == 2 else samples) // 8 + 1
    data = _zeros(rng, compression, size, down)
    start = 16 if big else 8
    photometric = {1: rng.choice((0, 1)), 3: 2, 4: rng.choice((2, 5))}[samples]
    entries = [
        entry(_WIDTH, width, 4, order),
        entry(_HEIGHT, height, 4, order),
        entry(_BITS, [bits] * samples, 3, order),
        entry(_COMPRESSION, compression, 3, order),
        entry(_PHOTOMETRIC, photometric, 3, order),
        entry(_SAMPLES, samples, 3, order),
        entry(_PLANAR, planar, 3, order),
    ]
    if tiled:
        entries += [entry(_TILE_WIDTH, across, 4, order), entry(_TILE_HEIGHT, down, 4, order)]
    else:
        entries.append(entry(_ROWS, down, 4, order))
    places, sizes = (_TILES, _TILE_SIZES) if tiled else (_STRIPS, _STRIP_SIZES)
    entries += [
        entry(places, [start] * parts, 4, order),
        entry(sizes, [len(data)] * parts, 4, order),
    ]
    if compression in (5, 8, 32946) and rng.random() < 0.3:
        entries.append(entry(_PREDICTOR, rng.choice((2, 3)), 3, order))
    if samples == 4:
        entries.append(entry(338, rng.choice((0, 1, 2)), 3, order))
    if bits in (16, 32) and rng.random() < 0.5:
        entries.append(entry(339, [rng.choice((1, 2, 3))] * samples, 3, order))
    return build(sorted(entries, key=lambda e: e.tag), data, order=order, big=big)


def exif_block(rng: random.Random) -> bytes:
    """An EXIF block with an orientation and entries of odd types, counts and pointers."""
    order = rng.choice("<>")
    entries = [entry(0x0112, rng.randrange(10), 3, order)]
    for _ in range(count(rng, 200)):
        tag = rng.choice((0x010E, 0x8769, 0x8825, 0xA005, 0x014A, 0x927C, 0x0201, 0x0202))
        entries.append(Entry(tag, rng.choice((*_SIZES, 77)), extreme(rng), rng.randbytes(4)))
    if rng.random() < 0.3:
        entries.append(entry(0x8769, 8, 4, order))  # the EXIF directory is the first one: a loop
    return build(entries, order=order, loop=rng.random() < 0.5)[:65_000]


MUTATORS = (change_entries, change_meaning, many_directories)
FORMS = (large, large)
