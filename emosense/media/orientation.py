"""The eight orientations of stored images: rotated by multiples of 90 degrees, mirrored or not."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

_EXIF: Final = {
    2: (0, True),
    3: (180, False),
    4: (180, True),
    5: (90, True),
    6: (270, False),
    7: (270, True),
    8: (90, False),
}
"""(rotation, mirrored) by the values of the EXIF tag Orientation (CIPA DC-008, 4.6.5.1.6)."""

_ROTATE_CODES: Final = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_CLOCKWISE,
}


@dataclass(frozen=True)
class Orientation:
    """How to make a stored image upright: mirror it first, then rotate it.

    Attributes:
        rotation: rotation in degrees counter-clockwise: 0, 90, 180 or 270.
        mirrored: whether to mirror it horizontally before the rotation.

    >>> Orientation(rotation=90).upright(np.zeros((2, 4, 3), np.uint8)).shape
    (4, 2, 3)
    """

    rotation: int = 0
    mirrored: bool = False

    @classmethod
    def of_exif(cls, value: object) -> Orientation:
        """Return the orientation of an EXIF tag; any value but 2 to 8 leaves an image as it is."""
        return cls(*next((known for code, known in _EXIF.items() if code == value), (0, False)))

    @classmethod
    def of_frame(cls, frame: Any) -> Orientation | None:
        """Read the orientation from a decoded frame's display matrix, rounded to 90 degrees.

        Args:
            frame: decoded frame (PyAV).

        Returns:
            The orientation, or None for a frame without a display matrix.
        """
        try:
            matrix = display_matrix(frame)
        except ValueError:  # side data of a type that PyAV does not know, such as Exif
            return cls(round(frame.rotation / 90) * 90 % 360)
        if matrix is None:
            return None
        a, b, c, d = matrix
        mirrored = a * d - b * c < 0
        sign = -1 if mirrored else 1
        return cls(round(math.degrees(math.atan2(-sign * b, sign * a)) / 90) * 90 % 360, mirrored)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Return (width, height) of the upright image, or of the stored one given the upright one."""
        return (height, width) if self.rotation % 180 else (width, height)

    def upright(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return an (h, w, 3) uint8 image mirrored and rotated to be upright."""
        if self.mirrored:
            image = np.asarray(cv2.flip(image, 1), np.uint8)
        rotate_code = _ROTATE_CODES.get(self.rotation)
        return (
            image if rotate_code is None else np.asarray(cv2.rotate(image, rotate_code), np.uint8)
        )


def display_matrix(frame: Any) -> tuple[int, int, int, int] | None:
    """Return ``(a, b, c, d)`` of a frame's display matrix, in units of 1 / 65536; None if it has none.

    FFmpeg provides the matrix of ISO/IEC 14496-12, 8.3.2: nine numbers a b u c d v x y w, which map
    the pixel (p, q) to (a p + c q + x, b p + d q + y), y downwards.

    Args:
        frame: decoded frame (PyAV).

    Raises:
        ValueError: the frame has side data of a type that PyAV does not know, such as Exif.
    """
    # Here, not above: photos need no FFmpeg.
    from av.sidedata.sidedata import SideDataContainer

    # Not frame.side_data: it creates a reference cycle, which keeps the frame and the decoder's
    # threads alive until the next garbage collection.
    side_data = SideDataContainer(frame)  # type: ignore[call-arg]  # its stub has no argument
    data = side_data.get("DISPLAYMATRIX")
    if data is None or data.buffer_size < 36:
        return None
    a, b, _, c, d, *_ = struct.unpack_from("=9i", bytes(data))
    return a, b, c, d
