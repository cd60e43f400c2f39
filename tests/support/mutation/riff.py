"""Mutations of RIFF files, chunk by chunk: WebP (RFC 9649) and AVI."""

from __future__ import annotations

import io
import random
import struct
from dataclasses import dataclass, field

from PIL import Image

from support.mutation.numbers import count, extreme, shape

_LISTS = (b"RIFF", b"LIST")
_MOST_BYTES = 6_000_000


@dataclass
class Chunk:
    """A chunk: its data, or of a list the kind and the chunks in it."""

    name: bytes
    data: bytes = b""
    kind: bytes = b""
    chunks: list[Chunk] = field(default_factory=list)

    def pack(self) -> bytes:
        data = self.kind + b"".join(c.pack() for c in self.chunks) if self.kind else self.data
        return (
            self.name + struct.pack("<I", len(data) & 0xFFFFFFFF) + data + b"\0" * (len(data) % 2)
        )


def parse(data: bytes) -> list[Chunk]:
    chunks, at = [], 0
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + size]
        if name in _LISTS and len(body) >= 4:
            chunks.append(Chunk(name, kind=body[:4], chunks=parse(body[4:])))
        else:
            chunks.append(Chunk(name, body))
        at += 8 + size + size % 2
    return chunks


def join(chunks: list[Chunk]) -> bytes:
    return b"".join(chunk.pack() for chunk in chunks)


def _lists(chunks: list[Chunk]) -> list[list[Chunk]]:
    """Return all lists that hold chunks, from the outermost in."""
    found = [chunks] if chunks else []
    for chunk in chunks:
        found += _lists(chunk.chunks)
    return found


def _inner(rng: random.Random, tree: list[Chunk]) -> list[Chunk]:
    lists = _lists(tree)
    return rng.choice(lists[1:] or lists)


def drop_chunk(rng: random.Random, data: bytes) -> bytes:
    tree = parse(data)
    chunks = _inner(rng, tree)
    del chunks[rng.randrange(len(chunks))]
    return join(tree)


def repeat_chunk(rng: random.Random, data: bytes) -> bytes:
    tree = parse(data)
    chunks = _inner(rng, tree)
    at = rng.randrange(len(chunks))
    times = min(count(rng, 100_000), max(1, _MOST_BYTES // len(chunks[at].pack())))
    chunks[at:at] = [chunks[at]] * times
    return join(tree)


def reorder_chunks(rng: random.Random, data: bytes) -> bytes:
    tree = parse(data)
    chunks = _inner(rng, tree)
    rng.shuffle(chunks)
    return join(tree)


def change_numbers(rng: random.Random, data: bytes) -> bytes:
    """Set a few numbers in the beginning of some chunks; the RIFF structure stays right."""
    tree = parse(data)
    leaves = [c for chunks in _lists(tree) for c in chunks if not c.kind and c.data]
    small = [c for c in leaves if len(c.data) < 4000] or leaves
    for _ in range(count(rng, 4)):
        chunk = rng.choice(small)
        body = bytearray(chunk.data)
        size = rng.choice((1, 2, 3, 4))
        at = rng.randrange(max(1, min(len(body) - size, 64)))
        body[at : at + size] = extreme(rng, 8 * size).to_bytes(size, "little")
        chunk.data = bytes(body)
    return join(tree)


def lie_about_length(rng: random.Random, data: bytes) -> bytes:
    tree = parse(data)
    packed = bytearray(join(tree))
    names = [c.name for chunks in _lists(tree) for c in chunks]
    at = packed.find(rng.choice(names))
    struct.pack_into("<I", packed, at + 4, extreme(rng))
    return bytes(packed)


def giant_chunk(rng: random.Random, data: bytes) -> bytes:
    tree = parse(data)
    chunks = _inner(rng, tree)
    name = rng.choice((b"ICCP", b"EXIF", b"XMP ", b"JUNK", b"ALPH", b"idx1", b"strn", b"LIST"))
    chunks.insert(rng.randrange(len(chunks) + 1), Chunk(name, bytes(count(rng, _MOST_BYTES))))
    return join(tree)


def canvas(rng: random.Random, data: bytes) -> bytes:
    """An extended header of another size, in the place of that of a WebP, or before it."""
    tree = parse(data)
    chunks = tree[0].chunks
    width, height = shape(rng, 2**24)
    flags = rng.choice((0, 0x02, 0x10, 0x12, 0x20, 0x3E, extreme(rng, 8)))
    sides = (max(1, width) - 1).to_bytes(3, "little") + (max(1, height) - 1).to_bytes(3, "little")
    head = Chunk(b"VP8X", bytes((flags, 0, 0, 0)) + sides)
    chunks[:] = [head, *(c for c in chunks if c.name != b"VP8X")]
    return join(tree)


def bitstream_size(rng: random.Random, data: bytes) -> bytes:
    """Another size in the bitstreams of a WebP: lossy (RFC 6386, 9.1) and lossless."""
    tree = parse(data)
    for chunks in _lists(tree):
        for chunk in chunks:
            width, height = shape(rng, 16_383)
            if chunk.name == b"VP8 " and len(chunk.data) > 10:
                size = struct.pack("<HH", width, height)
                chunk.data = chunk.data[:6] + size + chunk.data[10:]
            elif chunk.name == b"VP8L" and len(chunk.data) > 5:
                chunk.data = _lossless_size(chunk.data, width, height)
    return join(tree)


def _lossless_size(data: bytes, width: int, height: int) -> bytes:
    (packed,) = struct.unpack_from("<I", data, 1)
    packed = packed >> 28 << 28 | (max(1, height) - 1) << 14 | (max(1, width) - 1)
    return data[:1] + struct.pack("<I", packed) + data[5:]


def animate(rng: random.Random, data: bytes) -> bytes:
    """Many frames, of other sizes and places than their canvas."""
    tree = parse(data)
    image = next((c for c in tree[0].chunks if c.name in (b"VP8 ", b"VP8L")), tree[0].chunks[0])
    image = Chunk(image.name, image.data[:20_000])
    width, height = shape(rng, 2**24)
    frames = []
    for _ in range(min(count(rng, 50_000), _MOST_BYTES // (len(image.data) + 32))):
        x, y = (extreme(rng, 24), extreme(rng, 24)) if rng.random() < 0.1 else (0, 0)
        head = b"".join(
            number.to_bytes(3, "little")
            for number in (x, y, max(1, width) - 1, max(1, height) - 1, 10)
        )
        frames.append(Chunk(b"ANMF", head + bytes([rng.randrange(4)]) + image.pack()))
    sides = (max(1, width) - 1).to_bytes(3, "little") + (max(1, height) - 1).to_bytes(3, "little")
    chunks = [Chunk(b"VP8X", b"\x12\0\0\0" + sides), Chunk(b"ANIM", bytes(6)), *frames]
    return join([Chunk(b"RIFF", kind=b"WEBP", chunks=chunks)])


def large_webp(rng: random.Random) -> bytes:
    """One colour, lossless: the codes take no bits, so any size fits into 34 bytes."""
    buffer = io.BytesIO()
    colour = (9, 9, 9, rng.choice((0, 128, 255)))
    Image.new("RGBA", (16, 16), colour).save(buffer, "WEBP", lossless=True, quality=0, method=0)
    tree = parse(buffer.getvalue())
    width, height = rng.choice(((16_383, 4_882), (8944, 8944), (4_882, 16_383), shape(rng, 16_383)))
    for chunk in tree[0].chunks:
        if chunk.name == b"VP8L":
            chunk.data = _lossless_size(chunk.data, width, height)
    return join(tree)


WEBP_MUTATORS = (
    drop_chunk,
    repeat_chunk,
    reorder_chunks,
    change_numbers,
    lie_about_length,
    giant_chunk,
    canvas,
    bitstream_size,
    animate,
)
WEBP_FORMS = (large_webp,)
AVI_MUTATORS = (
    drop_chunk,
    repeat_chunk,
    reorder_chunks,
    change_numbers,
    change_numbers,
    lie_about_length,
    giant_chunk,
)
