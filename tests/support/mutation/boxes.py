"""Files of boxes (ISO 14496-12): MP4, MOV, HEIF and AVIF, box by box."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field

from support.mutation.numbers import count, extreme

_MOST_BYTES = 6_000_000
# Names of boxes that hold boxes, with the number of bytes before the first of them.
_PARENTS = {
    **dict.fromkeys((b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf", b"edts", b"udta"), 0),
    **dict.fromkeys((b"moof", b"traf", b"mvex", b"iprp", b"ipco"), 0),
    **dict.fromkeys((b"meta", b"iref"), 4),
    b"iinf": 6,
    b"stsd": 8,
    **dict.fromkeys((b"avc1", b"hvc1", b"hev1", b"mp4v", b"av01", b"png ", b"vp09"), 78),
}


@dataclass
class Box:
    """A box: its own bytes, then the boxes in it."""

    name: bytes
    data: bytes = b""
    boxes: list[Box] = field(default_factory=list)

    def pack(self) -> bytes:
        body = self.data + b"".join(box.pack() for box in self.boxes)
        return struct.pack(">I", len(body) + 8) + self.name + body


def box(name: bytes, *parts: bytes | Box) -> Box:
    """Return a box of bytes and boxes; the boxes come last."""
    data = b"".join(part for part in parts if isinstance(part, bytes))
    return Box(name, data, [part for part in parts if isinstance(part, Box)])


def full(name: bytes, *parts: bytes | Box, version: int = 0, flags: int = 0) -> Box:
    """Return a "full" box: one with a version and flags."""
    return box(name, struct.pack(">I", version << 24 | flags), *parts)


def parse(data: bytes) -> list[Box]:
    boxes, at = [], 0
    while at + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        begin = at + 8
        if size == 1 and at + 16 <= len(data):
            (size,) = struct.unpack_from(">Q", data, at + 8)
            begin += 8
        size = size if size >= 8 else len(data) - at
        body = data[begin : at + size]
        own = _PARENTS.get(name)
        if own is None or len(body) < own:
            boxes.append(Box(name, body))
        else:
            boxes.append(Box(name, body[:own], parse(body[own:])))
        at += size
    return boxes


def join(boxes: list[Box]) -> bytes:
    return b"".join(item.pack() for item in boxes)


def reshaped(data: bytes, tree: list[Box]) -> bytes:
    """Return the file with the changed ``tree``, in such a way that media data stays in its place.

    Changed top-level boxes are appended; where they stood, free space of the same size is left.
    """
    old = [item.pack() for item in parse(data)]
    new = [item.pack() for item in tree]
    if len(old) != len(new):
        return join(tree)
    out, moved = bytearray(), bytearray()
    for before, after in zip(old, new, strict=True):
        if before == after:
            out += before
        elif len(before) == len(after):
            out += after
        else:
            out += before[:4] + b"free" + before[8:]
            moved += after
    return bytes(out + moved)


def lists(boxes: list[Box]) -> list[list[Box]]:
    """Return all lists of boxes, from the outermost in."""
    found = [boxes] if boxes else []
    for item in boxes:
        found += lists(item.boxes)
    return found


def everything(boxes: list[Box]) -> list[Box]:
    return [item for each in lists(boxes) for item in each]


def find(boxes: list[Box], name: bytes) -> list[Box]:
    return [item for item in everything(boxes) if item.name == name]


def _inner(rng: random.Random, tree: list[Box]) -> list[Box]:
    found = lists(tree)
    return rng.choice(found[1:] or found)


def drop_box(rng: random.Random, data: bytes) -> bytes:
    tree = parse(data)
    inner = _inner(rng, tree)
    del inner[rng.randrange(len(inner))]
    return reshaped(data, tree)


def repeat_box(rng: random.Random, data: bytes) -> bytes:
    tree = parse(data)
    inner = _inner(rng, tree)
    at = rng.randrange(len(inner))
    times = min(count(rng, 50_000), max(1, _MOST_BYTES // len(inner[at].pack())))
    inner[at:at] = [inner[at]] * times
    return reshaped(data, tree)


def reorder_boxes(rng: random.Random, data: bytes) -> bytes:
    tree = parse(data)
    rng.shuffle(_inner(rng, tree))
    return reshaped(data, tree)


def nest_boxes(rng: random.Random, data: bytes) -> bytes:
    """A box in itself, many levels deep."""
    tree = parse(data)
    inner = _inner(rng, tree)
    item = rng.choice(inner)
    packed, levels = item.pack(), count(rng, 20_000)
    name = rng.choice((item.name, b"moov", b"udta", b"meta", b"ipco"))
    own = bytes(_PARENTS.get(name, 0))
    head = b""
    for level in range(min(levels, _MOST_BYTES // (8 + len(own)))):
        inside = len(packed) + (levels - level) * (8 + len(own))
        head += struct.pack(">I", inside) + name + own
        if len(head) > 500_000:
            break
    inner.insert(rng.randrange(len(inner) + 1), Box(name, head[8:] + packed))
    return reshaped(data, tree)


def change_numbers(rng: random.Random, data: bytes) -> bytes:
    """Set a few numbers in small boxes; the structure stays right."""
    tree = parse(data)
    small = [item for item in everything(tree) if 0 < len(item.data) < 20_000]
    for _ in range(count(rng, 5)):
        item = rng.choice(small)
        body = bytearray(item.data)
        size = rng.choice((1, 2, 4, 4, 4, 8))
        at = rng.randrange(max(1, min(len(body) - size + 1, 120)))
        if size >= 4:
            at -= at % 4
        value = extreme(rng, 8 * size)
        body[at : at + size] = value.to_bytes(size, "big")[: len(body) - at]
        item.data = bytes(body)
    return reshaped(data, tree)


def lie_about_size(rng: random.Random, data: bytes) -> bytes:
    item = rng.choice(everything(parse(data)))
    new = bytearray(data)
    at = new.find(item.pack()[4:40])
    if at >= 4:
        struct.pack_into(">I", new, at - 4, extreme(rng))
    return bytes(new)


def giant_box(rng: random.Random, data: bytes) -> bytes:
    tree = parse(data)
    name = rng.choice((b"free", b"skip", b"uuid", b"udta", b"meta", b"ilst", b"colr", b"wide"))
    filled = rng.choice((bytes(1), rng.randbytes(997))) * 6_000
    inner = rng.choice(lists(tree))
    inner.insert(rng.randrange(len(inner) + 1), Box(name, filled[: count(rng, _MOST_BYTES)]))
    return reshaped(data, tree)


MUTATORS = (
    drop_box,
    repeat_box,
    reorder_boxes,
    nest_boxes,
    change_numbers,
    change_numbers,
    change_numbers,
    lie_about_size,
    giant_box,
)
