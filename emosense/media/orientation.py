"""The eight ways in which a stored picture may have to be turned and mirrored to be upright."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import SideDataContainer

_QUARTERS: Final = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_CLOCKWISE,
}


@dataclass(frozen=True)
class Orientation:
    """How a stored picture becomes upright: mirrored first, then rotated.

    Attributes:
        rotation: rotation in degrees counter-clockwise: 0, 90, 180 or 270.
        mirrored: whether left and right are swapped before the rotation.

    >>> Orientation(rotation=90).upright(np.zeros((2, 4, 3), np.uint8)).shape
    (4, 2, 3)
    """

    rotation: int = 0
    mirrored: bool = False

    @classmethod
    def of_frame(cls, frame: Any) -> Orientation | None:
        """Return what a decoded frame's display matrix says, to the nearest quarter turn.

        FFmpeg hands over the matrix of ISO/IEC 14496-12, 8.3.2: nine numbers a b u c d v x y w,
        by which the pixel (p, q) is shown at (a p + c q + x, b p + d q + y), y downwards.

        Returns:
            None for a frame without a matrix.
        """
        try:
            # Not frame.side_data: asked for it, a frame refers to itself, and lives with the
            # decoder's threads until the garbage collector comes by.
            sides = SideDataContainer(frame)  # type: ignore[call-arg]  # its stub knows no argument
            data = sides.get("DISPLAYMATRIX")
        except ValueError:  # beside it lies what the bindings have no name for, such as Exif
            return cls(round(frame.rotation / 90) * 90 % 360)
        if data is None or data.buffer_size < 36:
            return None
        a, b, _, c, d, *_ = struct.unpack_from("=9i", bytes(data))
        mirrored = a * d - b * c < 0
        sign = -1 if mirrored else 1
        return cls(round(math.degrees(math.atan2(-sign * b, sign * a)) / 90) * 90 % 360, mirrored)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Return (width, height) of the upright picture."""
        return (height, width) if self.rotation % 180 else (width, height)

    def upright(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return an (h, w, 3) picture mirrored and rotated."""
        if self.mirrored:
            image = np.asarray(cv2.flip(image, 1), np.uint8)
        rotate_code = _QUARTERS.get(self.rotation)
        return (
            image if rotate_code is None else np.asarray(cv2.rotate(image, rotate_code), np.uint8)
        )
