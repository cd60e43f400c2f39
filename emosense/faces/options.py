"""Options of the face detector; imports no heavy package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from emosense.errors import DetectorError

STRICT_THRESHOLD: Final = 0.8
"""Minimum score for fewer false positives: 6 instead of 19 on 500 photos without faces."""

MAX_LONG_SIDE: Final = 4096
"""Upper limit of the working size, in pixels."""

SMALL_FACES_LONG_SIDE: Final = 2560
"""Working size for large photos with small faces: a face of 40 px in 4,000 px keeps 26 px."""


@dataclass(frozen=True)
class DetectorOptions:
    """Options of the face detector.

    Attributes:
        threshold: minimum detection score, in 0..1. 0.7 reaches a recall of .885 and a precision
            of .948 on WIDER FACE (faces of 32 px and more, long side 640); 0.8 is strict.
        min_face: minimum side of a face, in pixels of the image.
        long_side: working size in pixels, to which the image is scaled down; it is never scaled
            up. 960 suits photos, 640 video. Faces that are too large for YuNet at this size are
            detected on coarser levels of an image pyramid, with the strict threshold.
        turned: whether to detect faces in the image rotated by 90, 180 and 270 degrees as well.
        second_look: whether to detect again, at twice the long side and with the strict threshold,
            if no face is found in an image that was scaled down. It finds a face of 40 px in
            4,000 px.

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
