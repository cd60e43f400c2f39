"""Mutations of MP4 and MOV files: their tables of samples, edits and descriptions."""

from __future__ import annotations

import random
import struct

from support.mutation import boxes
from support.mutation.boxes import Box, box, full
from support.mutation.numbers import count, deflated_zeros, extreme, shape
from support.mutation.png import header, pack

_TABLES = (b"stts", b"ctts", b"stsc", b"stsz", b"stco", b"stss", b"elst")
_IDENTITY = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)


def change_tables(rng: random.Random, data: bytes) -> bytes:
    """Numbers and counts in the tables that say where and when samples are."""
    tree = boxes.parse(data)
    tables = [item for item in boxes.everything(tree) if item.name in _TABLES]
    for _ in range(count(rng, 4)):
        item = rng.choice(tables or boxes.everything(tree))
        body = bytearray(item.data)
        if len(body) < 8:
            continue
        at = 4 if rng.random() < 0.3 else 4 * rng.randrange(1, len(body) // 4)
        body[at : at + 4] = struct.pack(">I", extreme(rng))
        item.data = bytes(body)
    return boxes.reshaped(data, tree)


def long_tables(rng: random.Random, data: bytes) -> bytes:
    """Tables of very many entries: samples of no size, edits, offsets of time."""
    tree = boxes.parse(data)
    number = count(rng, 400_000)
    for item in boxes.find(tree, rng.choice(_TABLES)):
        if item.name == b"stsz":
            item.data = struct.pack(">III", 0, rng.choice((1, 100)), extreme(rng))
        elif item.name == b"elst":
            entry = struct.pack(">IiI", rng.choice((1, 100)), rng.choice((-1, 0, 5)), 1 << 16)
            item.data = struct.pack(">II", 0, number) + entry * number
        else:
            entry = item.data[8 : 8 + (12 if item.name == b"stsc" else 8)]
            if item.name in (b"stco", b"stss"):
                entry = entry[:4]
            item.data = struct.pack(">II", 0, number) + entry * number
    return boxes.reshaped(data, tree)


def more_edits(rng: random.Random, data: bytes) -> bytes:
    tree = boxes.parse(data)
    for track in boxes.find(tree, b"trak"):
        entries = [
            struct.pack(">IiI", extreme(rng), rng.choice((-1, 0, 100, extreme(rng, 31))), 1 << 16)
            for _ in range(count(rng, 20_000))
        ]
        table = full(b"elst", struct.pack(">I", len(entries)), *entries)
        track.boxes = [b for b in track.boxes if b.name != b"edts"]
        track.boxes.insert(1, box(b"edts", table))
    return boxes.reshaped(data, tree)


def description_size(rng: random.Random, data: bytes) -> bytes:
    """Another size in the sample's description and the track's header."""
    tree = boxes.parse(data)
    width, height = shape(rng)
    for description in boxes.find(tree, b"stsd"):
        for entry in description.boxes:
            size = struct.pack(">HH", width & 0xFFFF, height & 0xFFFF)
            entry.data = entry.data[:24] + size + entry.data[28:]
    for head in boxes.find(tree, b"tkhd"):
        size = struct.pack(">II", (width << 16) & 2**32 - 1, (height << 16) & 2**32 - 1)
        head.data = head.data[:-8] + size
    return boxes.reshaped(data, tree)


def display_matrix(rng: random.Random, data: bytes) -> bytes:
    tree = boxes.parse(data)
    for head in boxes.find(tree, b"tkhd"):
        values = [rng.choice((0, 1 << 16, -(1 << 16), 2**31 - 1, -(2**31), 77)) for _ in range(9)]
        head.data = head.data[:40] + struct.pack(">9i", *values) + head.data[76:]
    return boxes.reshaped(data, tree)


def coding(rng: random.Random, data: bytes) -> bytes:
    """Another codec's name over the same samples; a changed decoder configuration."""
    tree = boxes.parse(data)
    codings: tuple[bytes, ...] = (
        b"avc1",
        b"hvc1",
        b"mp4v",
        b"av01",
        b"vp09",
        b"png ",
        b"jpeg",
        b"mjpa",
        b"raw ",
    )
    codings += (b"apch", b"SVQ3", b"rle ", b"2vuy", b"v210", b"ap4h", b"cvid", b"tiff", b"gif ")
    for description in boxes.find(tree, b"stsd"):
        for entry in description.boxes:
            if rng.random() < 0.6:
                entry.name = rng.choice(codings)
            for inner in entry.boxes:
                body = bytearray(inner.data)
                for _ in range(count(rng, 4) if body else 0):
                    body[rng.randrange(len(body))] = extreme(rng, 8)
                inner.data = bytes(body)
    return boxes.reshaped(data, tree)


def repeat_samples(rng: random.Random, data: bytes) -> bytes:
    """The samples' tables again and again: few bytes, many frames."""
    tree = boxes.parse(data)
    for track in boxes.find(tree, b"stbl"):
        by_name = {item.name: item for item in track.boxes}
        if not {b"stsz", b"stco", b"stsc", b"stts"} <= set(by_name):
            continue
        times = count(rng, 3000)
        sizes = by_name[b"stsz"]
        same, number = struct.unpack_from(">II", sizes.data, 4)
        listed = sizes.data[12:]
        sizes.data = struct.pack(">III", 0, same, number * times) + listed * times
        offsets = by_name[b"stco"]
        (chunks,) = struct.unpack_from(">I", offsets.data, 4)
        if chunks != 1 or len(listed) * times > 4_000_000:
            continue
        offsets.data = struct.pack(">II", 0, times) + offsets.data[8:] * times
        by_name[b"stsc"].data = struct.pack(">IIIII", 0, 1, 1, number, 1)
        by_name[b"stts"].data = struct.pack(">IIII", 0, 1, number * times, 512)
        track.boxes = [item for item in track.boxes if item.name not in (b"ctts", b"stss")]
    return boxes.reshaped(data, tree)


def movie(samples: list[bytes], order: list[int], width: int, height: int, entry: Box) -> bytes:
    """Return a film whose frames are ``samples`` in an ``order`` in which they may repeat."""
    ftyp = box(b"ftyp", b"isom\0\0\2\0isomiso2avc1mp41")
    places, at = [], len(ftyp.pack()) + 8
    for sample in samples:
        places.append(at)
        at += len(sample)
    number = len(order)
    ticks = number * 60
    table = box(
        b"stbl",
        full(b"stsd", struct.pack(">I", 1), entry),
        full(b"stts", struct.pack(">III", 1, number, 60)),
        full(b"stsc", struct.pack(">IIII", 1, 1, 1, 1)),
        full(b"stsz", struct.pack(f">II{number}I", 0, number, *(len(samples[i]) for i in order))),
        full(b"stco", struct.pack(f">I{number}I", number, *(places[i] for i in order))),
    )
    media = box(
        b"mdia",
        full(b"mdhd", struct.pack(">IIIIHH", 0, 0, 600, ticks, 0x55C4, 0)),
        full(b"hdlr", struct.pack(">I4s", 0, b"vide"), bytes(12), b"v\0"),
        box(
            b"minf",
            full(b"vmhd", bytes(8), flags=1),
            box(b"dinf", full(b"dref", struct.pack(">I", 1), full(b"url ", flags=1))),
            table,
        ),
    )
    size = struct.pack(">II", (width << 16) & 2**32 - 1, (height << 16) & 2**32 - 1)
    track_head = struct.pack(">IIIII", 0, 0, 1, 0, ticks) + bytes(16) + _IDENTITY + size
    head = struct.pack(">IIIIIH", 0, 0, 600, ticks, 1 << 16, 256) + bytes(10) + _IDENTITY
    moov = box(
        b"moov",
        full(b"mvhd", head, bytes(24), struct.pack(">I", 2)),
        box(b"trak", full(b"tkhd", track_head, flags=3), media),
    )
    return boxes.join([ftyp, box(b"mdat", b"".join(samples)), moov])


def sample_entry(name: bytes, width: int, height: int, *parts: Box) -> Box:
    head = bytes(6) + struct.pack(">H", 1) + bytes(16)
    head += struct.pack(">HHIIIH", width & 0xFFFF, height & 0xFFFF, 0x480000, 0x480000, 0, 1)
    return box(name, head + bytes(32) + struct.pack(">HH", 24, 0xFFFF), *parts)


def _png(width: int, height: int, depth: int, colour: int) -> bytes:
    row = (width * depth * {0: 1, 2: 3, 6: 4}[colour] + 7) // 8 + 1
    data = deflated_zeros(min(row * height, 2**31))
    chunks = [header(width, height, depth, colour), (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(pack(*chunk) for chunk in chunks)


def changing_pictures(rng: random.Random) -> bytes:
    """Frames of PNG, each of another size than the first and the header say."""
    sides = [(64, 64)]
    for _ in range(count(rng, 3)):
        sides.append(
            rng.choice(
                ((16_000, 16_000), (6300, 6300), (1, 30_000), (30_000, 1), shape(rng, 40_000))
            )
        )
    if rng.random() < 0.3:
        sides.reverse()
    samples = [
        _png(max(1, w), max(1, h), rng.choice((8, 16)), rng.choice((0, 2, 6))) for w, h in sides
    ]
    while sum(map(len, samples)) > 8_000_000:
        samples.pop()
    samples = samples or [_png(64, 64, 8, 2)]
    order = [i % len(samples) for i in range(count(rng, 50))]
    width, height = rng.choice(((64, 64), shape(rng, 65_535)))
    return movie(samples, order, width, height, sample_entry(b"png ", width, height))


MUTATORS = (
    *boxes.MUTATORS,
    change_tables,
    change_tables,
    long_tables,
    more_edits,
    description_size,
    display_matrix,
    coding,
    repeat_samples,
)
FORMS = (changing_pictures,)
