"""Mutations of JPEG files (ITU-T T.81), segment by segment."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, replace

from support.mutation import tiff
from support.mutation.numbers import accepted_shape, count, extreme, shape

_FRAMES = (0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB)
_SCAN, _COMMENT = 0xDA, 0xFE
_MOST_BYTES = 6_000_000


@dataclass(frozen=True)
class Segment:
    """A marker with its parameters; of a scan also its entropy-coded data."""

    marker: int
    payload: bytes
    scan: bytes = b""

    def pack(self) -> bytes:
        if 0xD0 <= self.marker <= 0xD9:
            return bytes((0xFF, self.marker))
        size = struct.pack(">H", (len(self.payload) + 2) & 0xFFFF)
        return bytes((0xFF, self.marker)) + size + self.payload + self.scan


def parse(data: bytes) -> list[Segment]:
    """Return the segments between the start and the end of the image."""
    segments, at = [], 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xD9:
        marker, (size,) = data[at + 1], struct.unpack_from(">H", data, at + 2)
        payload, at = data[at + 4 : at + 2 + size], at + 2 + size
        begin = at
        if marker == _SCAN:
            while at < len(data) and not (
                data[at] == 0xFF and data[at + 1 : at + 2] not in _stuffing()
            ):
                at += 1
        segments.append(Segment(marker, payload, data[begin:at]))
    return segments


def _stuffing() -> tuple[bytes, ...]:
    return (b"", b"\0", *(bytes([0xD0 + i]) for i in range(8)))


def join(segments: list[Segment]) -> bytes:
    return b"\xff\xd8" + b"".join(segment.pack() for segment in segments) + b"\xff\xd9"


def _pick(rng: random.Random, segments: list[Segment], *markers: int) -> int:
    found = [i for i, s in enumerate(segments) if not markers or s.marker in markers]
    return rng.choice(found or range(len(segments)))


def drop_segment(rng: random.Random, data: bytes) -> bytes:
    segments = parse(data)
    del segments[_pick(rng, segments)]
    return join(segments)


def repeat_segment(rng: random.Random, data: bytes) -> bytes:
    segments = parse(data)
    at = _pick(rng, segments)
    size = len(segments[at].pack())
    segments[at:at] = [segments[at]] * min(count(rng, 3000), _MOST_BYTES // size)
    return join(segments)


def reorder_segments(rng: random.Random, data: bytes) -> bytes:
    segments = parse(data)
    for _ in range(count(rng, 5)):
        a, b = _pick(rng, segments), _pick(rng, segments)
        segments[a], segments[b] = segments[b], segments[a]
    return join(segments)


def lie_about_length(rng: random.Random, data: bytes) -> bytes:
    segments = parse(data)
    at = _pick(rng, segments)
    packed = bytearray(segments[at].pack())
    struct.pack_into(">H", packed, 2, extreme(rng, 16))
    return join(segments[:at])[:-2] + bytes(packed) + join(segments[at + 1 :])[2:]


def many_comments(rng: random.Random, data: bytes) -> bytes:
    size = rng.choice((0, 1, 100, 65_533))
    number = min(count(rng, 200_000), _MOST_BYTES // (size + 4))
    marker = rng.choice((_COMMENT, *range(0xE0, 0xF0)))
    start = rng.choice((b"", b"Exif\0\0", b"ICC_PROFILE\0\1\1", b"Photoshop 3.0\x008BIM", b"MPF\0"))
    payload = (start + bytes(max(0, size - len(start))))[:65_533]
    segments = parse(data)
    place = _pick(rng, segments)
    return join(segments[:place] + [Segment(marker, payload)] * number + segments[place:])


def icc_chunks(rng: random.Random, data: bytes) -> bytes:
    total = rng.choice((1, 2, 255, extreme(rng, 8)))
    chunks = []
    for number in range(count(rng, 255)):
        tag = bytes((rng.choice((number + 1, extreme(rng, 8))) & 255, total))
        chunks.append(Segment(0xE2, b"ICC_PROFILE\0" + tag + bytes(rng.choice((0, 128, 65_000)))))
    return join(chunks[: _MOST_BYTES // 65_000] + parse(data))


def exif(rng: random.Random, data: bytes) -> bytes:
    block = tiff.exif_block(rng)
    return join([Segment(0xE1, (b"Exif\0\0" + block)[:65_533]), *parse(data)])


def change_frame(rng: random.Random, data: bytes) -> bytes:
    """Another size, precision, or number and sampling of components."""
    segments = parse(data)
    at = _pick(rng, segments, *_FRAMES)
    frame = bytearray(segments[at].payload)
    for _ in range(count(rng, 3)):
        what = rng.randrange(4)
        if what == 0 and len(frame) >= 5:
            width, height = shape(rng, 65_535)
            struct.pack_into(">HH", frame, 1, height, width)
        elif what == 1:
            frame[0] = rng.choice((2, 8, 12, 16, extreme(rng, 8)))
        elif what == 2 and len(frame) > 7:
            frame[rng.randrange(7, len(frame), 3)] = rng.choice((0x11, 0x22, 0x44, 0x41, 0x14, 0))
        elif len(frame) > 5:
            frame[5] = rng.choice((1, 2, 3, 4, 10, extreme(rng, 8)))
    segments[at] = replace(segments[at], payload=bytes(frame))
    return join(segments)


def change_process(rng: random.Random, data: bytes) -> bytes:
    """Baseline data called progressive, arithmetic or lossless."""
    segments = parse(data)
    at = _pick(rng, segments, *_FRAMES)
    segments[at] = replace(segments[at], marker=rng.choice(_FRAMES))
    return join(segments)


def repeat_scans(rng: random.Random, data: bytes) -> bytes:
    segments = parse(data)
    at = _pick(rng, segments, _SCAN)
    scan = replace(segments[at], scan=segments[at].scan[: rng.choice((0, 1, 50, 10**6))])
    times = min(count(rng, 20_000), _MOST_BYTES // len(scan.pack()))
    return join(segments[: at + 1] + [scan] * times + segments[at + 1 :])


def restart_markers(rng: random.Random, data: bytes) -> bytes:
    """A restart interval of one unit, and restart markers everywhere."""
    segments = parse(data)
    at = _pick(rng, segments, _SCAN)
    scan, every = segments[at].scan, rng.choice((1, 3, 40, 1000))
    parts = [scan[i : i + every].rstrip(b"\xff") for i in range(0, min(len(scan), 10**6), every)]
    marked = b"".join(
        part + bytes((0xFF, 0xD0 + (i if rng.random() < 0.99 else 3) % 8))
        for i, part in enumerate(parts)
    )
    segments[at] = replace(segments[at], scan=marked * rng.choice((1, 1, 20)))
    interval = Segment(0xDD, struct.pack(">H", rng.choice((0, 1, 2, 100, 65_535))))
    return join([*segments[:at], interval, *segments[at:]])


def fill_bytes(rng: random.Random, data: bytes) -> bytes:
    """Any number of 0xFF may stand before a marker."""
    segments = parse(data)
    at = _pick(rng, segments)
    fill = b"\xff" * count(rng, _MOST_BYTES)
    return join(segments[:at])[:-2] + fill + join(segments[at:])[2:]


def change_tables(rng: random.Random, data: bytes) -> bytes:
    segments = parse(data)
    at = _pick(rng, segments, 0xDB, 0xC4)
    table = bytearray(segments[at].payload)
    for _ in range(count(rng, 20)):
        table[rng.randrange(len(table))] = extreme(rng, 8)
    segments[at] = replace(segments[at], payload=bytes(table))
    return join(segments)


def more_pictures(rng: random.Random, data: bytes) -> bytes:
    return data * min(count(rng, 100), max(1, _MOST_BYTES // len(data)))


def _table(kind: int, symbol: int) -> Segment:
    return Segment(0xC4, bytes((kind, 1, *[0] * 15, symbol)))


def large_progressive(rng: random.Random) -> bytes:
    """Many scans over many blocks, each of a few bytes."""
    width, height = accepted_shape(rng, 65_500)
    components = rng.choice((1, 1, 3))
    blocks = -(-width // 8) * -(-height // 8)
    runs = "0" * 15 * -(-blocks // 16_384)
    bits = runs.ljust(-(-len(runs) // 8) * 8, "1")
    data = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    frame = struct.pack(">BHHB", 8, height, width, components)
    frame += b"".join(bytes((i + 1, 0x11, 0)) for i in range(components))
    segments = [Segment(0xDB, b"\0" + b"\1" * 64), Segment(0xC2, frame)]
    segments += [_table(0, 0), _table(0x10, 0xE0)]
    ids = b"".join(bytes((i + 1, 0)) for i in range(components))
    segments.append(
        Segment(_SCAN, bytes([components]) + ids + b"\0\0\0", bytes(blocks * components // 8 + 1))
    )
    first, last, approximation = rng.choice(((1, 63, 0x0D), (1, 1, 0x0D), (1, 63, 0)))
    segments.append(Segment(_SCAN, b"\1\1\0" + bytes((first, last, approximation)), data))
    again = Segment(_SCAN, b"\1\1\0" + bytes((first, last, rng.choice((1, approximation)))), data)
    return join(segments + [again] * min(count(rng, 8000), _MOST_BYTES // len(again.pack())))


def large_baseline(rng: random.Random) -> bytes:
    """A decodable grey, colour or CMYK picture; each block takes two bits."""
    width, height = accepted_shape(rng, 65_500)
    components = rng.choice((1, 3, 4))
    sampling = rng.choice((0x11, 0x22, 0x21, 0x41, 0x44)) if components > 1 else 0x11
    frame = struct.pack(">BHHB", 8, height, width, components)
    for number in range(components):
        frame += bytes((number + 1, 0x11 if number else sampling, 0))
    ids = b"".join(bytes((i + 1, 0)) for i in range(components))
    size = width * height // 64 * 2 * components // 8 + 10_000
    adobe = [Segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([rng.choice((0, 1, 2))]))]
    return join(
        (adobe if components > 3 or rng.random() < 0.2 else [])
        + [Segment(0xDB, b"\0" + b"\1" * 64), Segment(rng.choice((0xC0, 0xC1)), frame)]
        + [_table(0, 0), _table(0x10, 0)]
        + [Segment(_SCAN, bytes([components]) + ids + b"\0\x3f\0", bytes(size))]
    )


MUTATORS = (
    drop_segment,
    repeat_segment,
    reorder_segments,
    lie_about_length,
    many_comments,
    icc_chunks,
    exif,
    change_frame,
    change_process,
    repeat_scans,
    restart_markers,
    fill_bytes,
    change_tables,
    more_pictures,
)
FORMS = (large_progressive, large_baseline)
