"""Numbers that decoders like least, and compressed data that unpacks to much."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from functools import lru_cache

Mutator = Callable[[random.Random, bytes], bytes]
"""Changes a sound file of its format."""

Form = Callable[[random.Random], bytes]
"""Builds a file from nothing."""

EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)

SHAPES = (
    (8944, 8944),  # 80 megapixels, the largest that is taken
    (8000, 10_000),
    (16_383, 4_882),
    (65_500, 1_221),
    (1_221, 65_500),
    (8_000_000, 10),
    (10, 8_000_000),
    (80_000_000, 1),
    (1, 80_000_000),
    (30_000, 2_600),
    (4000, 3000),
    (8945, 8945),  # one more than is taken
    (20_000, 20_000),
    (2**31 - 1, 1),
    (2**31 - 1, 2**31 - 1),
    (0, 100),
    (1, 1),
)


def shape(rng: random.Random, longest: int = 2**31 - 1) -> tuple[int, int]:
    """Return a width and a height, of which neither is above ``longest``."""
    fitting = [(w, h) for w, h in SHAPES if max(w, h) <= longest]
    if rng.random() < 0.3:
        width = round(2 ** rng.uniform(0, 23))
        return min(width, longest), min(max(1, round(rng.uniform(1, 8e7)) // width), longest)
    return rng.choice(fitting)


def accepted_shape(rng: random.Random, longest: int = 2**31 - 1) -> tuple[int, int]:
    """Return a shape of at most 80 megapixels, most often close to them."""
    while True:
        width, height = shape(rng, longest)
        if 0 < width * height <= 80_000_000:
            return width, height


def count(rng: random.Random, most: int) -> int:
    """Return a number in 1..most: each order of magnitude is as likely as the others."""
    return max(1, min(most, round(most ** rng.random())))


def extreme(rng: random.Random, bits: int = 32) -> int:
    """Return an unsigned number of so many bits."""
    if rng.random() < 0.2:
        return rng.getrandbits(bits)
    return rng.choice(EXTREMES) & (2**bits - 1)


@lru_cache(1)
def _zero_block() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)


def deflated_zeros(size: int) -> bytes:
    """Return a zlib stream (RFC 1950) of so many zero bytes, about a thousandth of their size."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    rest = packer.compress(bytes(size % 2**20)) + packer.flush()
    adler = (size % 65521) << 16 | 1
    return b"\x78\xda" + _zero_block() * (size >> 20) + rest + adler.to_bytes(4, "big")


@lru_cache(8)
def lzw_zeros(size: int, *, gif: bool, width: int = 8) -> bytes:
    """Return LZW codes of so many zeros: as GIF (lowest bits first) or TIFF (early change)."""
    clear, end = 1 << width, (1 << width) + 1
    bits, used, out = 0, 0, bytearray()

    def put(code: int, length: int) -> None:
        nonlocal bits, used
        bits = bits | code << used if gif else bits << length | code
        used += length
        while used >= 8:
            if gif:
                out.append(bits & 255)
                bits >>= 8
            else:
                out.append(bits >> (used - 8) & 255)
                bits &= (1 << (used - 8)) - 1
            used -= 8

    def once(most: int) -> int:
        """Write a clear code and runs of 1, 2, 3, ... zeros; return how many zeros they are."""
        length, written, run, code = width + 1, 0, 1, end + 1
        put(clear, length)
        put(0, length)
        written += 1
        while written < most and code < 4094:
            run = min(run + 1, most - written)
            put(code, length)
            written += run
            code += 1
            if code >= (1 << length) - (0 if gif else 1) and length < 12:
                length += 1
        put(clear, length)
        return written

    left = size
    while left > 0:
        left -= once(left)
    put(end, width + 1)
    if used:
        out.append((bits if gif else bits << (8 - used)) & 255)
    return bytes(out)
