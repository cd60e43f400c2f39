"""Mutations of MPEG transport streams (ITU-T H.222.0), packet by packet."""

from __future__ import annotations

import random

from support.mutation.numbers import count, extreme

_PACKET = 188
_MOST_BYTES = 6_000_000


def parse(data: bytes) -> list[bytes]:
    return [data[i : i + _PACKET] for i in range(0, len(data) - _PACKET + 1, _PACKET)]


def _changed(rng: random.Random, data: bytes, begin: int, end: int) -> bytes:
    """Return the stream with numbers changed in such a range of some of its packets."""
    packets = parse(data)
    for _ in range(count(rng, len(packets))):
        at = rng.randrange(min(len(packets), rng.choice((4, len(packets)))))
        new = bytearray(packets[at])
        place = rng.randrange(begin, end)
        new[place] = rng.choice((extreme(rng, 8), new[place] ^ 1 << rng.randrange(8)))
        packets[at] = bytes(new)
    return b"".join(packets)


def change_headers(rng: random.Random, data: bytes) -> bytes:
    """Identifiers, continuity counters, adaptation fields with their clocks."""
    return _changed(rng, data, 1, 12)


def change_tables(rng: random.Random, data: bytes) -> bytes:
    """Programme tables; their checksums become wrong, which many readers ignore."""
    return _changed(rng, data[: 4 * _PACKET], 4, 60) + data[4 * _PACKET :]


def change_time_stamps(rng: random.Random, data: bytes) -> bytes:
    """Headers of the elementary streams: lengths and time stamps."""
    return _changed(rng, data, 4, 30)


def drop_packets(rng: random.Random, data: bytes) -> bytes:
    packets = parse(data)
    at = rng.randrange(len(packets))
    del packets[at : at + count(rng, 100)]
    return b"".join(packets)


def repeat_packets(rng: random.Random, data: bytes) -> bytes:
    packets = parse(data)
    at = rng.randrange(len(packets))
    block = packets[at : at + count(rng, 100)]
    times = min(count(rng, 30_000), _MOST_BYTES // (len(block) * _PACKET) + 1)
    return b"".join(packets[:at] + block * times + packets[at:])


def many_programmes(rng: random.Random, data: bytes) -> bytes:
    """Packets of a new stream each."""
    packets = parse(data)
    added = []
    for _ in range(min(count(rng, 8192), _MOST_BYTES // _PACKET)):
        packet = bytearray(rng.choice(packets))
        number = rng.randrange(8192)
        packet[1] = packet[1] & 0xE0 | number >> 8
        packet[2] = number & 255
        added.append(bytes(packet))
    return b"".join(packets[:4] + added + packets[4:])


def junk_between(rng: random.Random, data: bytes) -> bytes:
    packets = parse(data)
    at = rng.randrange(len(packets))
    junk = (bytes(1), b"\x47", rng.randbytes(1000))[rng.randrange(3)]
    return (
        b"".join(packets[:at]) + (junk * count(rng, 10**6))[:_MOST_BYTES] + b"".join(packets[at:])
    )


MUTATORS = (
    change_headers,
    change_tables,
    change_time_stamps,
    drop_packets,
    repeat_packets,
    many_programmes,
    junk_between,
)
