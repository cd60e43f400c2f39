"""Mutations of Matroska and WebM files (RFC 9559) by their EBML elements (RFC 8794)."""

from __future__ import annotations

import random
import zlib
from dataclasses import dataclass, field

from support.mutation.numbers import count, extreme, shape

_MOST_BYTES = 6_000_000
_MASTERS = {
    *(0x1A45DFA3, 0x18538067, 0x114D9B74, 0x4DBB, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0, 0xE1),
    *(0x6D80, 0x6240, 0x5034, 0x55B0, 0x1C53BB6B, 0xBB, 0xB7, 0x1F43B675, 0xA0, 0x1254C367),
    *(0x7373, 0x67C8, 0x63C0, 0x1043A770),
}
_WIDTH, _HEIGHT, _TRACK, _CLUSTER, _BLOCK, _VOID = 0xB0, 0xBA, 0xAE, 0x1F43B675, 0xA3, 0xEC
_NUMBERS = {
    *(0x2AD7B1, 0x4489, 0x23E383, 0xD7, 0x83, 0xE7, 0x9B, 0xB0, 0xBA, 0x54B0, 0x54BA, 0x54AA),
    *(0x54BB, 0x54CC, 0x54DD, 0x9A, 0x53B8, 0x56AA, 0x56BB, 0x6DE7, 0x6DF8, 0x55EE, 0xB9, 0x88),
}


@dataclass
class Element:
    """An EBML element: data, or of a master the elements in it."""

    name: int
    data: bytes = b""
    elements: list[Element] = field(default_factory=list)
    is_master: bool = False
    unknown_size: bool = False

    def pack(self) -> bytes:
        body = b"".join(e.pack() for e in self.elements) if self.is_master else self.data
        size = b"\x01" + b"\xff" * 7 if self.unknown_size else _size(len(body))
        return _id(self.name) + size + body


def _id(name: int) -> bytes:
    return name.to_bytes((name.bit_length() + 7) // 8, "big")


def _size(number: int) -> bytes:
    return (1 << 56 | number).to_bytes(8, "big")


def master(name: int, *elements: Element) -> Element:
    return Element(name, elements=list(elements), is_master=True)


def unsigned(name: int, number: int) -> Element:
    return Element(name, number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big"))


def _length(first: int) -> int:
    return 9 - first.bit_length()


def parse(data: bytes) -> list[Element]:
    elements, at = [], 0
    while at < len(data) and data[at]:
        width = _length(data[at])
        name = int.from_bytes(data[at : at + width], "big")
        at += width
        if at >= len(data) or not data[at]:
            break
        width = _length(data[at])
        size = int.from_bytes(data[at : at + width], "big") & ((1 << 7 * width) - 1)
        is_unknown = size == (1 << 7 * width) - 1
        at += width
        body = data[at:] if is_unknown else data[at : at + size]
        at += len(body)
        if name in _MASTERS:
            elements.append(Element(name, b"", parse(body), True, is_unknown))
        else:
            elements.append(Element(name, body))
    return elements


def join(elements: list[Element]) -> bytes:
    return b"".join(element.pack() for element in elements)


def lists(elements: list[Element]) -> list[list[Element]]:
    """Return all lists of elements, from the outermost in."""
    found = [elements] if elements else []
    for element in elements:
        found += lists(element.elements)
    return found


def everything(elements: list[Element]) -> list[Element]:
    return [element for each in lists(elements) for element in each]


def find(elements: list[Element], name: int) -> list[Element]:
    return [element for element in everything(elements) if element.name == name]


def _inner(rng: random.Random, tree: list[Element]) -> list[Element]:
    return rng.choice(lists(tree)[1:] or [tree])


def drop_element(rng: random.Random, data: bytes) -> bytes:
    tree = parse(data)
    inner = _inner(rng, tree)
    del inner[rng.randrange(len(inner))]
    return join(tree)


def repeat_element(rng: random.Random, data: bytes) -> bytes:
    tree = parse(data)
    inner = _inner(rng, tree)
    at = rng.randrange(len(inner))
    times = min(count(rng, 20_000), max(1, _MOST_BYTES // len(inner[at].pack())))
    inner[at:at] = [inner[at]] * times
    return join(tree)


def reorder_elements(rng: random.Random, data: bytes) -> bytes:
    tree = parse(data)
    rng.shuffle(_inner(rng, tree))
    return join(tree)


def change_numbers(rng: random.Random, data: bytes) -> bytes:
    tree = parse(data)
    numbers = [e for e in everything(tree) if e.name in _NUMBERS or 0 < len(e.data) <= 8]
    for _ in range(count(rng, 4)):
        element = rng.choice(numbers)
        size = rng.choice((len(element.data), 1, 2, 4, 8))
        element.data = (extreme(rng, 32) if size <= 4 else rng.getrandbits(64)).to_bytes(8, "big")[
            -max(1, size) :
        ]
    return join(tree)


def change_size(rng: random.Random, data: bytes) -> bytes:
    tree = parse(data)
    width, height = shape(rng)
    for name, number in ((_WIDTH, width), (_HEIGHT, height)):
        for element in find(tree, name):
            element.data = number.to_bytes(4, "big")
    return join(tree)


def unknown_sizes(rng: random.Random, data: bytes) -> bytes:
    tree = parse(data)
    for element in everything(tree):
        element.unknown_size = element.unknown_size or rng.random() < 0.2
    return join(tree)


def lie_about_size(rng: random.Random, data: bytes) -> bytes:
    element = rng.choice(everything(parse(data)))
    new = bytearray(data)
    at = new.find(_id(element.name)) + len(_id(element.name))
    width = _length(new[at]) if at < len(new) and new[at] else 1
    lie = 1 << 7 * width | extreme(rng, min(32, 7 * width))
    new[at : at + width] = lie.to_bytes(width + 1, "big")[-width:]
    return bytes(new)


def compressed_track(rng: random.Random, data: bytes) -> bytes:
    """Tracks that state compressed blocks; blocks that unpack to much."""
    tree = parse(data)
    algorithm = rng.choice((0, 0, 1, 2, 3))
    settings = Element(0x4255, rng.randbytes(rng.choice((0, 1, 1000))))
    for track in find(tree, _TRACK):
        compression = master(0x5034, unsigned(0x4254, algorithm), settings)
        encoding = master(0x6240, unsigned(0x5031, 0), unsigned(0x5032, 1), compression)
        track.elements.append(master(0x6D80, encoding))
    bomb = zlib.compress(bytes(rng.choice((100, 10**6, 9_000_000, 10**8))), 9)
    for block in find(tree, _BLOCK):
        block.data = block.data[:4] + (
            bomb if rng.random() < 0.8 else zlib.compress(block.data[4:])
        )
    return join(tree)


def lacing(rng: random.Random, data: bytes) -> bytes:
    """Blocks that state lacing (several frames in a block) of odd sizes."""
    tree = parse(data)
    for block in find(tree, _BLOCK):
        if len(block.data) > 4 and rng.random() < 0.7:
            flags = block.data[3] | rng.choice((2, 4, 6))
            sizes = rng.randbytes(rng.choice((1, 5, 300)))
            block.data = block.data[:3] + bytes([flags]) + sizes + block.data[4:]
    return join(tree)


def giant_element(rng: random.Random, data: bytes) -> bytes:
    tree = parse(data)
    inner = _inner(rng, tree)
    name = rng.choice((_VOID, 0x63A2, 0x86, 0x465C, 0x4487, 0x536E, 0x4DBB, 0xBB, 0x7373))
    inner.insert(rng.randrange(len(inner) + 1), Element(name, bytes(count(rng, _MOST_BYTES))))
    return join(tree)


def nest_elements(rng: random.Random, data: bytes) -> bytes:
    """Tags and chapters in themselves, many levels deep."""
    tree = parse(data)
    nested = Element(_VOID, b"\0")
    name = rng.choice((0x67C8, 0xB6, 0xAE, 0x1654AE6B, 0xA0))
    packed = nested.pack()
    for _ in range(count(rng, 3000)):
        packed = _id(name) + _size(len(packed)) + packed
    inner = _inner(rng, tree)
    inner.insert(rng.randrange(len(inner) + 1), Element(name, packed))
    return join(tree)


def more_tracks(rng: random.Random, data: bytes) -> bytes:
    """The picture track many times, under other numbers."""
    tree = parse(data)
    for each in lists(tree):
        tracks = [e for e in each if e.name == _TRACK]
        if tracks:
            for number in range(2, 2 + count(rng, 2000)):
                copy = parse(tracks[0].pack())[0]
                for element in copy.elements:
                    if element.name in (0xD7, 0x73C5):
                        element.data = number.to_bytes(2, "big")
                each.append(copy)
    return join(tree)


MUTATORS = (
    drop_element,
    repeat_element,
    reorder_elements,
    change_numbers,
    change_numbers,
    change_numbers,
    change_size,
    unknown_sizes,
    lie_about_size,
    compressed_track,
    lacing,
    giant_element,
    nest_elements,
    more_tracks,
)
