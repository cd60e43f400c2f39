"""Options of a video analysis; light to import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from emosense.errors import EmoSenseError
from emosense.faces.options import DetectorOptions

WORKING_SIZES: Final = (320, 480, 640, 960)
"""Long sides in pixels at which faces are detected; recall .692, .830, .885 and .915 on clear
faces of WIDER FACE, at 6, 10, 17 and 38 ms a frame on two cores."""


@dataclass(frozen=True)
class VideoOptions:
    """Options of a video analysis.

    Attributes:
        per_second: analysed frames a second; None analyses every frame.
        long_side: frames are scaled down to this many pixels for face detection; None takes
            what the density leaves time for, see :meth:`working_size`.
        detect_every: detect faces only in every k-th sampled frame; in between the faces of
            a person seen before and after are interpolated linearly, over half a second
            at most. Faster, but who is seen for less than k frames is missed.
        threshold: lowest detector score, in 0..1.
        min_face: shortest side of a face, in pixels of the frame; of one that is longer than
            1920 (or ``long_side``, if that is more), after it was scaled down to that.

    >>> VideoOptions(per_second=2).working_size()
    960
    """

    per_second: float | None = 10.0
    long_side: int | None = None
    detect_every: int = 1
    threshold: float = 0.7
    min_face: int = 16

    def __post_init__(self) -> None:
        if self.per_second is not None and not 0 < self.per_second <= 1000:
            raise EmoSenseError(
                f"per_second: expected more than 0 and at most 1000. Received: {self.per_second}"
            )
        if not 1 <= self.detect_every <= 30:
            raise EmoSenseError(f"detect_every: expected 1 to 30. Received: {self.detect_every}")
        _ = self.detector()  # checks the rest

    def working_size(self, *, gpu: bool = False) -> int:
        """Return the long side for face detection: the fewer frames, the finer."""
        if self.long_side is not None:
            return self.long_side
        if gpu or (self.per_second is not None and self.per_second / self.detect_every <= 3):
            return WORKING_SIZES[3]
        if self.per_second is not None and self.per_second / self.detect_every <= 12:
            return WORKING_SIZES[2]
        return WORKING_SIZES[1]

    def detector(self, *, gpu: bool = False) -> DetectorOptions:
        """Return the face detector's options."""
        return DetectorOptions(
            threshold=self.threshold,
            min_face=self.min_face,
            long_side=self.working_size(gpu=gpu),
            second_look=False,
        )
