"""Sequence headers of AV1 bitstreams (AV1 specification, 5.3 and 5.5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from emosense.media.headers.bits import BitReader
from emosense.media.headers.structure import HeaderError, HeaderLimitError

CodedSize = tuple[int, int, int]
"""(width, height, bits per sample) of a coded picture."""

_SEQUENCE_HEADER: Final = 1
_MAX_UNITS: Final = 20_000
_HEAD_BYTES: Final = 256
_SELECT: Final = 2


def av1_sizes(data: bytes) -> Iterator[CodedSize]:
    """Yield the largest frame size of each sequence header of a bitstream.

    Args:
        data: open bitstream units (OBU) one after the other.

    Raises:
        HeaderError: a unit has no size but is not the last, or a sequence header is cut off.
    """
    position = units = 0
    while position < len(data):
        units += 1
        if units > _MAX_UNITS:
            raise HeaderLimitError(f"{_MAX_UNITS:,} units of a bitstream")
        head = data[position]
        kind, has_extension, has_size = head >> 3 & 15, head >> 2 & 1, head >> 1 & 1
        position += 1 + has_extension
        size = len(data) - position
        if has_size:
            size, position = _leb128(data, position)
        if kind == _SEQUENCE_HEADER:
            yield _sequence_header(data[position : position + min(size, _HEAD_BYTES)])
        position += size


def _leb128(data: bytes, position: int) -> tuple[int, int]:
    value = 0
    for index in range(8):
        if position >= len(data):
            raise HeaderError("a unit that is cut off")
        value |= (data[position] & 0x7F) << 7 * index
        position += 1
        if not data[position - 1] & 0x80:
            break
    return value, position


def _sequence_header(data: bytes) -> CodedSize:
    reader = BitReader(data)
    profile = reader.bits(3)
    reader.bits(1)  # still_picture
    reduced = reader.bits(1)
    if reduced:
        reader.bits(5)
    else:
        _skip_operating_points(reader)
    width_bits, height_bits = 1 + reader.bits(4), 1 + reader.bits(4)
    width, height = 1 + reader.bits(width_bits), 1 + reader.bits(height_bits)
    if not reduced and reader.bits(1):  # frame_id_numbers_present_flag
        reader.bits(7)
    reader.bits(3)  # use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
    if not reduced:
        reader.bits(4)
        if reader.bits(1):  # enable_order_hint
            reader.bits(2)
            has_order_hint = True
        else:
            has_order_hint = False
        screen_content = _SELECT if reader.bits(1) else reader.bits(1)
        if screen_content and not reader.bits(1):  # seq_choose_integer_mv
            reader.bits(1)
        if has_order_hint:
            reader.bits(3)
    reader.bits(3)  # enable_superres, enable_cdef, enable_restoration
    high_bitdepth = reader.bits(1)
    if profile == 2 and high_bitdepth:
        return width, height, 12 if reader.bits(1) else 10
    return width, height, 10 if high_bitdepth else 8


def _skip_operating_points(reader: BitReader) -> None:
    delay_bits = 0
    has_decoder_model = False
    if reader.bits(1):  # timing_info_present_flag
        reader.bits(64)
        if reader.bits(1):  # equal_picture_interval
            reader.exp_golomb()
        has_decoder_model = bool(reader.bits(1))
        if has_decoder_model:
            delay_bits = 1 + reader.bits(5)
            reader.bits(42)
    has_display_delay = reader.bits(1)
    for _ in range(1 + reader.bits(5)):
        reader.bits(12)
        if reader.bits(5) > 7:  # seq_level_idx
            reader.bits(1)
        if has_decoder_model and reader.bits(1):
            reader.bits(2 * delay_bits + 1)
        if has_display_delay and reader.bits(1):
            reader.bits(4)
