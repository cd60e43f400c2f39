"""The detector's options; light to import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from emosense.errors import DetectorError

STRICT_THRESHOLD: Final = 0.8
"""Fewer false faces: on 500 photos without faces 6 instead of 19."""

MAX_LONG_SIDE: Final = 4096

SMALL_FACES_LONG_SIDE: Final = 2560
"""Working size for large photos with small faces: 40 px of 4,000 become 26."""


@dataclass(frozen=True)
class DetectorOptions:
    """Options of the face detector.

    Attributes:
        threshold: lowest score in 0..1. 0.7 is measured on WIDER FACE (recall .885 and
            precision .948 on faces of 32 px and more, long side 640); 0.8 is strict.
        min_face: shortest side of a face in pixels of the image.
        long_side: the image is scaled down to this many pixels before the search. Never up:
            960 suits photos, 640 video. Faces that are too large for this size are detected
            at a quarter of it as well, strictly.
        turned: detect in the image rotated by 90, 180 and 270 degrees as well.
        second_look: where nothing is found, neither small nor large, in an image that was scaled
            down, look again at twice the long side, strictly: a face of 40 px in 4,000 is found
            then.

    >>> DetectorOptions(threshold=STRICT_THRESHOLD).long_side
    960
    """

    threshold: float = 0.7
    min_face: int = 16
    long_side: int = 960
    turned: bool = False
    second_look: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise DetectorError(f"threshold: expected 0 < value <= 1. Received: {self.threshold}")
        if not 64 <= self.long_side <= MAX_LONG_SIDE:
            raise DetectorError(
                f"long_side: expected 64 to {MAX_LONG_SIDE} px. Received: {self.long_side}"
            )
        if self.min_face < 1:
            raise DetectorError(f"min_face: expected at least 1 px. Received: {self.min_face}")
