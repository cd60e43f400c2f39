"""Photos and videos with seeded damage, as broken disks, bad networks and ill will make them."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from support.data import encoded
from support.synthetic_video import head, pasted, wall, write_clip

EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def photo_files(astronaut: np.ndarray) -> dict[str, bytes]:
    """Return sound photos, by the ending of their names."""
    photo = Image.fromarray(astronaut).resize((256, 256))
    frames = [photo, photo.rotate(5)]
    return {
        "jpg": encoded(photo, "JPEG", quality=85),
        "progressive.jpg": encoded(photo, "JPEG", progressive=True, exif=_exif()),
        "png": encoded(photo, "PNG"),
        "palette.png": encoded(photo.quantize(), "PNG", optimize=True),
        "webp": encoded(photo, "WEBP"),
        "gif": encoded(photo.quantize(), "GIF", save_all=True, append_images=frames),
        "tif": encoded(photo, "TIFF", compression="tiff_lzw"),
        "raw.tif": encoded(photo.resize((96, 96)), "TIFF"),
        "bmp": encoded(photo.resize((128, 128)), "BMP"),
        "avif": encoded(photo, "AVIF"),
    }


def _exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "an astronaut"
    return exif.tobytes()


def video_files(astronaut: np.ndarray, folder: Path) -> dict[str, bytes]:
    """Return sound videos of a second, by the ending of their names."""
    background = wall(320, 180)
    face = head(astronaut, 90)
    frames = [pasted(background, (face, 100 + 4 * i, 90)) for i in range(25)]
    made = {}
    for ending, codec, sound in (
        ("mp4", "libx264", True),
        ("mov", "libx264", False),
        ("mkv", "mpeg4", False),
        ("avi", "mpeg4", False),
        ("webm", "libvpx", False),
    ):
        path = folder / f"sound.{ending}"
        write_clip(path, frames, codec=codec, sound=sound)
        made[ending] = path.read_bytes()
    return made


def _cut(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> bytearray:
    return data[: rng.randrange(len(data))]


def _flip_bits(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> bytearray:
    for _ in range(rng.choice((1, 4, 32, 256))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def _spoil_start(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> bytearray:
    for _ in range(rng.choice((1, 3, 8))):
        data[rng.randrange(min(200, len(data)))] = rng.randrange(256)
    return data


def _extreme_number(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> bytearray:
    size, sign = rng.choice(((2, "H"), (4, "I")))
    for _ in range(rng.choice((1, 2, 4))):
        at = rng.randrange(min(rng.choice((100, 2000, len(data))), len(data) - size))
        value = rng.choice(EXTREMES) & (2 ** (8 * size) - 1)
        struct.pack_into(rng.choice("<>") + sign, data, at, value)
    return data


def _empty_block(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> bytearray:
    at, size = rng.randrange(len(data)), rng.choice((16, 512, 4096))
    data[at : at + size] = bytes(len(data[at : at + size]))
    return data


def _repeat_block(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> bytearray:
    at, size = rng.randrange(len(data)), rng.choice((4, 64, 4096))
    data[at:at] = data[at : at + size] * rng.choice((1, 3))
    return data


def _drop_block(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> bytearray:
    at, size = rng.randrange(len(data)), rng.choice((1, 16, 1024))
    del data[at : at + size]
    return data


def _splice(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> bytearray:
    other = rng.choice(others)
    at = rng.randrange(len(data))
    return data[:at] + bytearray(other[min(at, len(other) // 2) :])


MUTATIONS: tuple[Callable[[bytearray, random.Random, Sequence[bytes]], bytearray], ...] = (
    _cut,
    _flip_bits,
    _spoil_start,
    _extreme_number,
    _empty_block,
    _repeat_block,
    _drop_block,
    _splice,
)


def mutants(sound: dict[str, bytes], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield damaged files with their names; the same seed always gives the same ones."""
    rng = random.Random(seed)
    endings, others = list(sound), list(sound.values())
    for number in range(count):
        ending = endings[number % len(endings)]
        mutate = rng.choice(MUTATIONS)
        data = mutate(bytearray(sound[ending]), rng, others)
        yield f"{number:05}-{mutate.__name__.strip('_')}.{ending}", bytes(data)


def disguised() -> dict[str, bytes]:
    """Return files that claim to be photos and are something else."""
    gif = b"GIF89a/*"
    return {
        "empty.jpg": b"",
        "drawing.png": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        "page.jpg": b"<!DOCTYPE html><script>alert(1)</script>",
        "polyglot.gif": gif + b"*/=1;alert(1)//" + bytes(40),
        "polyglot.jpg": b"\xff\xd8\xff\xfe\x00\x1c<script>alert(1)</script>\xff\xd9",
        "archive.jpg": b"PK\x03\x04" + bytes(100),
        "script.png": b"#!/bin/sh\nrm -rf /\n",
        "text.webp": "Grüße".encode(),
        "zeros.bmp": bytes(10_000),
        "<img src=x onerror=alert(1)>.jpg": b"no photo",
        "**bold** [link](http:evil) $x$.jpg": b"no photo",
    }


def bombs() -> dict[str, bytes]:
    """Return small files that would unpack to very large pictures."""
    white = Image.new("1", (20_000, 20_000), 1)
    return {
        "bomb.png": encoded(white, "PNG"),
        "bomb.gif": encoded(white.convert("P"), "GIF"),
        "bomb.tif": encoded(white, "TIFF", compression="group4"),
        "large.jpg": encoded(Image.new("L", (10_000, 10_000), 128), "JPEG", quality=10),
    }
