"""Mutations of HEIF and AVIF files (ISO 23008-12): sizes, places, grids, transformations."""

from __future__ import annotations

import random
import struct
from functools import lru_cache

import numpy as np
from PIL import Image

from support.data import encoded
from support.mutation import boxes
from support.mutation.boxes import Box, box, full
from support.mutation.numbers import accepted_shape, count, extreme, shape

_CLEAN_APERTURE = struct.Struct(">IIIIIIII")


def change_sizes(rng: random.Random, data: bytes) -> bytes:
    """Other sizes in the properties of the items."""
    tree = boxes.parse(data)
    for item in boxes.find(tree, b"ispe"):
        item.data = item.data[:4] + struct.pack(">II", *shape(rng))
    return boxes.reshaped(data, tree)


def transform(rng: random.Random, data: bytes) -> bytes:
    """Properties that turn, mirror and clip, right and wrong ones, in any number."""
    tree = boxes.parse(data)
    properties = boxes.find(tree, b"ipco")
    if not properties:
        return data
    added = []
    for _ in range(count(rng, 30)):
        numbers = [rng.choice((1, 100, 256, extreme(rng))) for _ in range(8)]
        added.append(
            rng.choice(
                (
                    box(b"irot", bytes([rng.randrange(5)])),
                    box(b"imir", bytes([rng.randrange(3)])),
                    box(b"clap", _CLEAN_APERTURE.pack(*numbers)),
                    box(b"colr", b"nclx" + struct.pack(">HHHB", 9, rng.choice((16, 18)), 9, 128)),
                    box(b"colr", b"prof" + bytes(count(rng, 10**6))),
                    full(b"pixi", bytes((3, 8, 8, rng.choice((8, 16, 255))))),
                )
            )
        )
    first = len(properties[0].boxes) + 1
    properties[0].boxes += added
    for item in boxes.find(tree, b"ipma"):
        # Associate them with the first item: (item id, number, one byte each).
        body = bytearray(item.data)
        if len(body) > 10 and body[0] == 0 and not body[3] & 1:
            listed = [i for i in range(first, first + len(added)) if i < 128]
            body[10] = (body[10] + len(listed)) & 255
            body[11:11] = bytes(listed)
        item.data = bytes(body)
    return boxes.reshaped(data, tree)


def locations(rng: random.Random, data: bytes) -> bytes:
    """Extents: repeated, overlapping, far away."""
    tree = boxes.parse(data)
    for item in boxes.find(tree, b"iloc"):
        body = bytearray(item.data)
        for _ in range(count(rng, 4)):
            at = rng.randrange(4, len(body) - 1)
            struct.pack_into(">H", body, at, extreme(rng, 16))
        item.data = bytes(body)
    return boxes.reshaped(data, tree)


@lru_cache(16)
def _tile(width: int, height: int, coding: str) -> tuple[bytes, bytes, bytes]:
    """Return an item's type, its configuration box and its data."""
    picture = Image.fromarray(np.full((height, width, 3), 90, np.uint8))
    if coding == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    data = encoded(picture, coding, quality=30)
    tree = boxes.parse(data)
    kind, name = (b"hvc1", b"hvcC") if coding == "HEIF" else (b"av01", b"av1C")
    (content,) = (item.data for item in tree if item.name == b"mdat")
    return kind, boxes.find(tree, name)[0].pack(), content


def grid(rng: random.Random) -> bytes:
    """A picture of tiles that all share one coded picture."""
    side = rng.choice((64, 512, 1024))
    kind, configuration, content = _tile(side, side, rng.choice(("AVIF", "HEIF")))
    width, height = accepted_shape(rng, side * 256)
    columns, rows = -(-width // side), -(-height // side)
    if rng.random() < 0.2:
        columns, rows = rng.choice((1, 16, 256)), rng.choice((1, 16, 256))
    number = columns * rows
    # All tiles are one item, or as many items with one place: their numbers have two bytes.
    same = rng.random() < 0.3 or number > 60_000
    items = [2] * number if same else list(range(2, number + 2))
    own = sorted(set(items))
    description = struct.pack(">BBBBII", 0, 1, (rows - 1) & 255, (columns - 1) & 255, width, height)
    ftyp = box(
        b"ftyp", b"avif\0\0\0\0avifmif1miafheic" if kind == b"av01" else b"heic\0\0\0\0mif1heic"
    )
    media_at = len(ftyp.pack()) + 8
    media = box(b"mdat", description + content)

    def place(item: int, at: int, size: int) -> bytes:
        return struct.pack(">HHHII", item, 0, 1, at, size)

    places = place(1, media_at, len(description)) + b"".join(
        place(item, media_at + len(description), len(content)) for item in own
    )
    infos = [full(b"infe", struct.pack(">HH4s", 1, 0, b"grid"), b"\0", version=2)]
    infos += [
        full(b"infe", struct.pack(">HH4s", item, 0, kind), b"\0", version=2, flags=1)
        for item in own
    ]
    associations = struct.pack(">I", len(own) + 1) + struct.pack(">HBB", 1, 1, 1)
    associations += b"".join(struct.pack(">HBBB", item, 2, 2, 3) for item in own)
    properties = box(
        b"iprp",
        box(
            b"ipco",
            full(b"ispe", struct.pack(">II", width, height)),
            full(b"ispe", struct.pack(">II", side, side)),
            Box(configuration[4:8], configuration[8:]),
        ),
        full(b"ipma", associations),
    )
    links = struct.pack(">HH", 1, number & 0xFFFF) + struct.pack(f">{number}H", *items)
    meta = full(
        b"meta",
        full(b"hdlr", bytes(4), b"pict", bytes(12), b"\0"),
        full(b"pitm", struct.pack(">H", 1)),
        full(b"iloc", struct.pack(">BBH", 0x44, 0, len(own) + 1), places),
        full(b"iinf", struct.pack(">H", len(infos)), *infos),
        full(b"iref", box(b"dimg", links)),
        properties,
    )
    return boxes.join([ftyp, media, meta])


MUTATORS = (*boxes.MUTATORS, change_sizes, change_sizes, transform, locations)
FORMS = (grid,)
