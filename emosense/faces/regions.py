"""Square regions around expected faces, as inputs of the detector."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from emosense.media.resize import shrink
from emosense.results import Box

REGION_SIDE: Final = 96
"""Side of a region as the detector sees it, in pixels: a fifteenth of a frame of 480 x 288."""

FACE_SIDE: Final = 48
"""Longer side in pixels to which a larger face is scaled down: half a face is left around it."""


@dataclass(frozen=True)
class FaceRegion:
    """A square region of an image around an expected face.

    It lies inside the image where the image is large enough, and has the scale of the detector's
    working size unless the face is too large for that.

    Attributes:
        image: (h, w, 3) uint8 RGB.
        left: left edge of the region, in pixels of the image.
        top: upper edge of the region, in pixels of the image.
        side: side of the region, in pixels of the image.

    >>> FaceRegion.around(np.zeros((360, 640, 3), np.uint8), Box(0, 100, 30, 40), 480).side
    128
    """

    image: npt.NDArray[np.uint8]
    left: int
    top: int
    side: int

    @classmethod
    def around(cls, image: npt.NDArray[np.uint8], face: Box, long_side: int) -> FaceRegion:
        """Return the region around a face.

        Args:
            image: (h, w, 3) uint8 RGB.
            face: box where the face is expected, in pixels of the image.
            long_side: working size of the detector, in pixels.
        """
        height, width = image.shape[:2]
        longer = max(face.width, face.height, 1.0)
        scale = min(1.0, long_side / max(height, width), FACE_SIDE / longer)
        step = 2 ** int(math.log2(1 / scale))  # so that it can be halved
        side = round(REGION_SIDE / scale / step) * step
        (x, y), half = face.centre, side / 2
        left = min(max(round(x - half), 0), max(0, width - side))
        top = min(max(round(y - half), 0), max(0, height - side))
        return cls(image, left, top, side)

    @property
    def scale(self) -> float:
        """Pixels of :meth:`pixels` per pixel of the image."""
        return REGION_SIDE / self.side

    def pixels(self) -> npt.NDArray[np.uint8]:
        """Return the region as the detector sees it: (96, 96, 3) uint8 BGR, black outside."""
        patch = self.image[self.top : self.top + self.side, self.left : self.left + self.side]
        height, width = (max(1, round(length * self.scale)) for length in patch.shape[:2])
        patch = shrink(patch, width, height)
        patch = np.asarray(cv2.cvtColor(patch, cv2.COLOR_RGB2BGR), np.uint8)
        bottom, right = REGION_SIDE - height, REGION_SIDE - width
        if bottom or right:
            patch = cv2.copyMakeBorder(patch, 0, bottom, 0, right, cv2.BORDER_CONSTANT)
        return np.asarray(patch, np.uint8)

    def to_image(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Map (k, 15) rows of detections to image pixels, without faces that the region cuts off."""
        rows = rows[np.isfinite(rows).all(axis=1)].copy()
        rows[:, :14] /= self.scale
        rows[:, [0, *range(4, 14, 2)]] += self.left
        rows[:, [1, *range(5, 14, 2)]] += self.top
        return rows[self._holds(rows)]

    def _holds(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        height, width = self.image.shape[:2]
        right, bottom = self.left + self.side, self.top + self.side
        return np.asarray(
            ((rows[:, 0] >= self.left) | (self.left == 0))
            & ((rows[:, 1] >= self.top) | (self.top == 0))
            & ((rows[:, 0] + rows[:, 2] <= right) | (right >= width))
            & ((rows[:, 1] + rows[:, 3] <= bottom) | (bottom >= height))
        )


def region_batch(regions: Sequence[FaceRegion]) -> npt.NDArray[np.uint8]:
    """Return regions as one input of the detector, (n, 96, 96, 3) uint8 BGR."""
    batch = np.empty((len(regions), REGION_SIDE, REGION_SIDE, 3), np.uint8)
    for index, region in enumerate(regions):
        batch[index] = region.pixels()
    return batch
