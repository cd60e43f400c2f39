"""Sequence parameter sets (SPS) of HEVC bitstreams (ITU-T H.265, 7.3.2.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from emosense.media.headers.av1 import CodedSize
from emosense.media.headers.bits import BitReader
from emosense.media.headers.structure import HeaderError, HeaderLimitError

_SPS: Final = 33
_MAX_UNITS: Final = 20_000
_HEAD_BYTES: Final = 256


def hevc_sizes(data: bytes, length_bytes: int) -> Iterator[CodedSize]:
    """Yield the picture size of each sequence parameter set of a bitstream.

    Args:
        data: NAL units, each after its length (ISO/IEC 14496-15, 9.2).
        length_bytes: bytes of a length.

    Raises:
        HeaderError: a parameter set is cut off.
    """
    position = units = 0
    while position + length_bytes + 2 <= len(data):
        units += 1
        if units > _MAX_UNITS:
            raise HeaderLimitError(f"{_MAX_UNITS:,} units of a bitstream")
        size = int.from_bytes(data[position : position + length_bytes], "big")
        position += length_bytes
        if data[position] >> 1 & 63 == _SPS:
            yield sps_size(data[position : position + min(size, _HEAD_BYTES)])
        position += size


def configured_sizes(configuration: bytes) -> Iterator[CodedSize]:
    """Yield the sizes of the parameter sets in the box ``hvcC`` (ISO/IEC 14496-15, 8.3.3.1).

    Args:
        configuration: body of the box.
    """
    position = 23
    for _ in range(configuration[22]):
        kind = configuration[position] & 63
        count = int.from_bytes(configuration[position + 1 : position + 3], "big")
        position += 3
        for _ in range(count):
            size = int.from_bytes(configuration[position : position + 2], "big")
            position += 2
            if position + size > len(configuration):
                raise HeaderError("a parameter set that is cut off")
            if kind == _SPS:
                yield sps_size(configuration[position : position + min(size, _HEAD_BYTES)])
            position += size


def sps_size(unit: bytes) -> CodedSize:
    """Read a sequence parameter set, a NAL unit with its header of two bytes."""
    reader = BitReader(unit[2:].replace(b"\0\0\3", b"\0\0"))  # without emulation prevention
    reader.bits(4)
    sub_layers = reader.bits(3)
    reader.bits(1)
    reader.bits(96)  # general profile, tier and level
    if sub_layers:
        present = [(reader.bits(1), reader.bits(1)) for _ in range(sub_layers)]
        reader.bits(2 * (8 - sub_layers))
        for has_profile, has_level in present:
            reader.bits(88 * has_profile + 8 * has_level)
    reader.exp_golomb()  # sps_seq_parameter_set_id
    if reader.exp_golomb() == 3:  # chroma_format_idc
        reader.bits(1)
    width, height = reader.exp_golomb(), reader.exp_golomb()
    if reader.bits(1):  # conformance_window_flag
        for _ in range(4):
            reader.exp_golomb()
    return width, height, 8 + reader.exp_golomb()
