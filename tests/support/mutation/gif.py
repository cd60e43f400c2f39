"""Mutations of GIF files (GIF89a), block by block."""

from __future__ import annotations

import random
import struct

from support.mutation.numbers import accepted_shape, count, extreme, lzw_zeros, shape

_MOST_BYTES = 6_000_000


def parse(data: bytes) -> tuple[bytes, list[bytes]]:
    """Return what stands before the first block, and the blocks without the trailer."""
    at = 13 + (3 * 2 ** ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    head, blocks = data[:at], []
    while at < len(data) and data[at] in (0x21, 0x2C):
        begin = at
        if data[at] == 0x21:
            at += 2
        else:
            packed = data[at + 9]
            at += 10 + (3 * 2 ** ((packed & 7) + 1) if packed & 0x80 else 0) + 1
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
        blocks.append(data[begin:at])
    return head, blocks


def join(head: bytes, blocks: list[bytes]) -> bytes:
    return head + b"".join(blocks) + b"\x3b"


def _sub_blocks(data: bytes, size: int = 255) -> bytes:
    parts = [data[i : i + size] for i in range(0, len(data), size)]
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def change_blocks(rng: random.Random, data: bytes) -> bytes:
    """Drop, repeat and reorder blocks."""
    head, blocks = parse(data)
    what, at = rng.randrange(3), rng.randrange(len(blocks))
    if what == 0:
        del blocks[at]
    elif what == 1:
        times = min(count(rng, 100_000), max(1, _MOST_BYTES // len(blocks[at])))
        blocks[at:at] = [blocks[at]] * times
    else:
        rng.shuffle(blocks)
    return join(head, blocks)


def change_screen(rng: random.Random, data: bytes) -> bytes:
    head, blocks = parse(data)
    width, height = shape(rng, 65_535)
    return join(head[:6] + struct.pack("<HH", width, height) + head[10:], blocks)


def change_frames(rng: random.Random, data: bytes) -> bytes:
    """Other places, sizes, flags and code sizes of pictures; other graphic controls."""
    head, blocks = parse(data)
    for number, block in enumerate(blocks):
        if rng.random() < 0.5:
            continue
        new = bytearray(block)
        if block[0] == 0x2C:
            for at in rng.sample((1, 3, 5, 7), 2):
                struct.pack_into("<H", new, at, rng.choice((*shape(rng, 65_535), extreme(rng, 16))))
            if rng.random() < 0.3:
                new[9] ^= rng.choice((0x40, 0x80, 0x87))
            if rng.random() < 0.3 and len(new) > 10:
                new[10] = rng.choice((0, 1, 2, 8, 11, 12, 255))
        else:
            new[rng.randrange(2, len(new))] = extreme(rng, 8)
        blocks[number] = bytes(new)
    return join(head, blocks)


def many_extensions(rng: random.Random, data: bytes) -> bytes:
    head, blocks = parse(data)
    label = rng.choice((0xFE, 0xFF, 0x01, 0xF9, extreme(rng, 8)))
    size = rng.choice((0, 1, 255))
    body = bytes((0x21, label)) + _sub_blocks(bytes(count(rng, 100_000)), max(1, size))
    times = min(count(rng, 500_000), max(1, _MOST_BYTES // len(body)))
    at = rng.randrange(len(blocks) + 1)
    return join(head, blocks[:at] + [body] * times + blocks[at:])


def large(rng: random.Random) -> bytes:
    """A decodable picture of one colour, with some frames over it."""
    width, height = accepted_shape(rng, 65_535)
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF0, 0, 0) + bytes((9, 9, 9, 0, 0, 0))
    frames = []
    for _ in range(count(rng, 3)):
        control = b"\x21\xf9\x04" + bytes((rng.choice((0, 1, 4, 5, 8, 9, 12, 13)), 0, 0, 0, 0))
        part = (width, height) if rng.random() < 0.7 else (1, 1)
        codes = lzw_zeros(part[0] * part[1], gif=True)
        flags = rng.choice((0, 0x40))
        image = b"\x2c" + struct.pack("<HHHHB", 0, 0, *part, flags) + b"\x08" + _sub_blocks(codes)
        frames.append(rng.choice((control, b"")) + image)
    return join(head, frames)


MUTATORS = (change_blocks, change_screen, change_frames, many_extensions)
FORMS = (large,)
