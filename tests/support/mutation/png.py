"""Mutations of PNG files (W3C PNG, third edition), chunk by chunk, with right checksums."""

from __future__ import annotations

import random
import struct
import zlib

from support.mutation import tiff
from support.mutation.numbers import accepted_shape, count, deflated_zeros, extreme, shape

Chunk = tuple[bytes, bytes]
"""Type and data."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_MOST_BYTES = 6_000_000


def parse(data: bytes) -> list[Chunk]:
    chunks, at = [], len(_SIGNATURE)
    while at + 12 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        chunks.append((kind, data[at + 8 : at + 8 + size]))
        at += 12 + size
    return chunks


def pack(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def join(chunks: list[Chunk]) -> bytes:
    return _SIGNATURE + b"".join(pack(kind, data) for kind, data in chunks)


def header(width: int, height: int, depth: int, colour: int, interlaced: int = 0) -> Chunk:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)


def _index(rng: random.Random, chunks: list[Chunk], kind: bytes) -> int:
    return rng.choice([i for i, (name, _) in enumerate(chunks) if name == kind] or [0])


def change_header(rng: random.Random, data: bytes) -> bytes:
    chunks = parse(data)
    head = bytearray(chunks[0][1].ljust(13, b"\0"))
    for _ in range(count(rng, 3)):
        if rng.random() < 0.5:
            struct.pack_into(">II", head, 0, *shape(rng))
        else:
            head[rng.randrange(8, 13)] = rng.choice((0, 1, 2, 3, 4, 6, 8, 16, extreme(rng, 8)))
    chunks[0] = (chunks[0][0], bytes(head))
    return join(chunks)


def drop_chunk(rng: random.Random, data: bytes) -> bytes:
    chunks = parse(data)
    del chunks[rng.randrange(len(chunks))]
    return join(chunks)


def repeat_chunk(rng: random.Random, data: bytes) -> bytes:
    chunks = parse(data)
    at = rng.randrange(len(chunks))
    times = min(count(rng, 100_000), _MOST_BYTES // (len(chunks[at][1]) + 12))
    return join(chunks[:at] + [chunks[at]] * times + chunks[at:])


def reorder_chunks(rng: random.Random, data: bytes) -> bytes:
    chunks = parse(data)
    for _ in range(count(rng, 5)):
        a, b = rng.randrange(len(chunks)), rng.randrange(len(chunks))
        chunks[a], chunks[b] = chunks[b], chunks[a]
    return join(chunks)


def lie_about_length(rng: random.Random, data: bytes) -> bytes:
    chunks = parse(data)
    at = rng.randrange(len(chunks))
    wrong = bytearray(pack(*chunks[at]))
    struct.pack_into(">I", wrong, 0, extreme(rng))
    return join(chunks[:at]) + bytes(wrong) + join(chunks[at + 1 :])[len(_SIGNATURE) :]


def tiny_data_chunks(rng: random.Random, data: bytes) -> bytes:
    """The compressed picture in chunks of a byte, with empty ones between."""
    chunks = parse(data)
    at = _index(rng, chunks, b"IDAT")
    whole = b"".join(body for kind, body in chunks if kind == b"IDAT")
    size = rng.choice((1, 2, 10))
    tiny = [(b"IDAT", whole[i : i + size]) for i in range(0, len(whole), size)]
    empty = [(b"IDAT", b"")] * count(rng, 300_000)
    rest = [chunk for chunk in chunks[at:] if chunk[0] != b"IDAT"]
    return join(chunks[:at] + rng.choice((tiny, empty + tiny, tiny + empty)) + rest)


def text_bombs(rng: random.Random, data: bytes) -> bytes:
    """Compressed texts and profiles that unpack to much."""
    bomb = deflated_zeros(rng.choice((10_000, 2**20, 2**26, 2**30)))
    kind, body = rng.choice(
        (
            (b"zTXt", b"Comment\0\0" + bomb),
            (b"iTXt", b"Comment\0\1\0\0\0" + bomb),
            (b"iCCP", b"profile\0\0" + bomb),
            (b"tEXt", b"Comment\0" + bytes(count(rng, _MOST_BYTES))),
        )
    )
    chunks = parse(data)
    at = rng.choice((1, len(chunks) - 1, _index(rng, chunks, b"IDAT")))
    times = min(count(rng, 5000), max(1, _MOST_BYTES // len(body)))
    return join(chunks[:at] + [(kind, body)] * times + chunks[at:])


def metadata(rng: random.Random, data: bytes) -> bytes:
    """Ancillary chunks with odd contents."""
    chunks = parse(data)
    for _ in range(count(rng, 6)):
        kind = rng.choice((b"tRNS", b"PLTE", b"gAMA", b"cHRM", b"sBIT", b"cICP", b"pHYs", b"sPLT"))
        body = rng.randbytes(rng.choice((0, 1, 2, 3, 4, 6, 8, 9, 32, 256, 768, 769)))
        if kind == b"cICP" and rng.random() < 0.7:
            body = bytes((rng.choice((1, 9, 12)), rng.choice((16, 18)), 0, 1))
        chunks.insert(rng.randrange(1, len(chunks) + 1), (kind, body))
    if rng.random() < 0.3:
        chunks.insert(1, (b"eXIf", tiff.exif_block(rng)))
    return join(chunks)


def animate(rng: random.Random, data: bytes) -> bytes:
    """Frames of an APNG that the header does not promise, of other sizes and places."""
    chunks = parse(data)
    body = chunks[_index(rng, chunks, b"IDAT")][1]
    frames = min(count(rng, 100_000), _MOST_BYTES // 60)
    animation: list[Chunk] = [
        (b"acTL", struct.pack(">II", rng.choice((frames, 0, 1, extreme(rng))), 0))
    ]
    first = rng.random() < 0.5
    sequence = 0
    later: list[Chunk] = []
    for number in range(frames):
        sides = shape(rng) if rng.random() < 0.3 else struct.unpack_from(">II", chunks[0][1])
        place = (extreme(rng), extreme(rng)) if rng.random() < 0.2 else (0, 0)
        control = struct.pack(
            ">IIIIIHHBB", sequence, *sides, *place, 1, 10, rng.randrange(4), rng.randrange(3)
        )
        sequence += 1
        if number == 0 and first:
            animation.append((b"fcTL", control))
            continue
        small = body if len(body) * frames < _MOST_BYTES else b""
        later += [(b"fcTL", control), (b"fdAT", struct.pack(">I", sequence) + small)]
        sequence += 1
    at = _index(rng, chunks, b"IDAT")
    return join(chunks[:at] + animation + chunks[at:-1] + later + chunks[-1:])


def large(rng: random.Random) -> bytes:
    """A decodable picture of one colour, of any kind and depth."""
    width, height = accepted_shape(rng)
    colour = rng.choice(list(_CHANNELS))
    depth = rng.choice(_DEPTHS[colour])
    interlaced = int(rng.random() < 0.3)
    row = (width * depth * _CHANNELS[colour] + 7) // 8 + 1
    size = row * height + (height * 8 if interlaced else 0)
    chunks = [header(width, height, depth, colour, interlaced)]
    if colour == 3:
        chunks.append((b"PLTE", bytes(3 * 2**depth)))
    if rng.random() < 0.4 and colour in (0, 2, 3):
        chunks.append((b"tRNS", bytes({0: 2, 2: 6, 3: 1}[colour])))
    if rng.random() < 0.1:
        chunks.append((b"cICP", bytes((9, rng.choice((16, 18)), 0, 1))))
    stream = deflated_zeros(size)
    if rng.random() < 0.3:
        stream = stream[: rng.randrange(len(stream))]
    return join([*chunks, (b"IDAT", stream), (b"IEND", b"")])


MUTATORS = (
    change_header,
    drop_chunk,
    repeat_chunk,
    reorder_chunks,
    lie_about_length,
    tiny_data_chunks,
    text_bombs,
    metadata,
    animate,
)
FORMS = (large,)
