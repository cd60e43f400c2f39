"""Reading of single bits, most significant bit first."""

from __future__ import annotations

from emosense.media.headers.structure import HeaderError

_MAX_LEADING_ZEROS = 32


class BitReader:
    """Reads unsigned numbers of any number of bits.

    Args:
        data: the bytes to read.

    >>> reader = BitReader(bytes((0b101_00101, 0xFF)))
    >>> reader.bits(3), reader.exp_golomb()
    (5, 4)
    """

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def bits(self, count: int) -> int:
        """Return the next ``count`` bits as a number.

        Raises:
            HeaderError: fewer bits are left.
        """
        if count > self._left:
            raise HeaderError("a bitstream that is cut off")
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)

    def exp_golomb(self) -> int:
        """Return the next number in the code ue(v) of H.265 (9.2), which is uvlc() of AV1, too."""
        zeros = 0
        while not self.bits(1):
            zeros += 1
            if zeros > _MAX_LEADING_ZEROS:
                raise HeaderError("a number of too many bits")
        return (1 << zeros) - 1 + self.bits(zeros)
