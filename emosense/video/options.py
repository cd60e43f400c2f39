"""Options of a video analysis; light to import."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from emosense.errors import EmoSenseError
from emosense.faces.options import DetectorOptions

WORKING_SIZES: Final = (320, 480, 640, 960)
"""Long sides in pixels of the image in which faces are detected. Recall is .692, .830, .885 and
.915 on clear faces of WIDER FACE, at 4, 7, 11 and 18 ms of processor time a frame of 1920 x 1080 that
is searched whole."""

BATCH_SIZE: Final = 8
"""Maximum number of sampled frames that go through detector and network together."""

MAX_GAP_SECONDS: Final = 0.45
"""Most seconds between two frames that are searched whole."""


@dataclass(frozen=True)
class VideoOptions:
    """Options of a video analysis.

    Attributes:
        per_second: sampling rate: analysed frames a second, above 0 and at most 1000; None
            analyses every frame.
        long_side: long side in pixels that frames are scaled down to for face detection; None
            chooses it by the sampling rate, see :meth:`working_size`.
        detect_every: faces are detected only in every k-th sampled frame, k in 1..30. In between,
            the faces of a person whom both detection frames show are interpolated linearly, over
            half a second at most. Faster, but a person who is visible for fewer than k frames
            may be missed.
        whole_frames: whether faces are detected in every frame as a whole. Otherwise frames between
            two whole ones are searched around the faces that these show; see
            :class:`emosense.video.face_search.FaceSearch`.
        threshold: minimum detector score, in 0..1.
        min_face: minimum side of a face, in pixels of the frame; a frame whose long side is above
            1920 (or ``long_side``, if that is more) is scaled down to it first.
        start: time in seconds from the first frame on at which the analysis begins. Decoding begins
            at the key frame before; indices and times of frames stay those of the whole video.
        end: time in seconds after which it ends, more than ``start``; None is the video's end.

    Raises:
        EmoSenseError: a value is out of its range.

    >>> VideoOptions(per_second=2).working_size()
    960
    """

    per_second: float | None = 10.0
    long_side: int | None = None
    detect_every: int = 1
    whole_frames: bool = False
    threshold: float = 0.7
    min_face: int = 16
    start: float = 0.0
    end: float | None = None

    def __post_init__(self) -> None:
        if self.per_second is not None and not 0 < self.per_second <= 1000:
            raise EmoSenseError(
                f"per_second: expected more than 0 and at most 1000. Received: {self.per_second}"
            )
        if not 1 <= self.detect_every <= 30:
            raise EmoSenseError(f"detect_every: expected 1 to 30. Received: {self.detect_every}")
        if not 0 <= self.start < math.inf:
            raise EmoSenseError(f"start: expected 0 s or more. Received: {self.start} s")
        if self.end is not None and not self.end > self.start:
            raise EmoSenseError(
                f"end: expected more than the start, {self.start:g} s. Received: {self.end:g} s"
            )
        _ = self.detector()  # checks the detector's options

    def working_size(self, *, gpu: bool = False) -> int:
        """Return the long side in pixels for face detection: larger for fewer frames a second.

        Args:
            gpu: whether the detector runs on a GPU, which affords the largest size.
        """
        if self.long_side is not None:
            return self.long_side
        if gpu or (self.per_second is not None and self.per_second / self.detect_every <= 3):
            return WORKING_SIZES[3]
        if self.per_second is not None and self.per_second / self.detect_every <= 12:
            return WORKING_SIZES[2]
        return WORKING_SIZES[1]

    def share(self, duration: float | None) -> float:
        """Return which share of a video of so many seconds is analysed, in 0..1; 1 if unknown."""
        if not duration:
            return 1.0
        end = duration if self.end is None else min(self.end, duration)
        return max(0.0, end - self.start) / duration

    def fraction(self, time: float, duration: float | None) -> float | None:
        """Return which fraction of the stretch lies before a time, in 0..1; None if unknown.

        Args:
            time: time in seconds.
            duration: duration of the whole video in seconds; None if it is unknown.
        """
        end = duration if self.end is None else min(self.end, duration or self.end)
        if not end or end <= self.start:
            return None
        return min(1.0, max(0.0, time - self.start) / (end - self.start))

    def detector(self, *, gpu: bool = False) -> DetectorOptions:
        """Return the options of the face detector; see :meth:`working_size`."""
        return DetectorOptions(
            threshold=self.threshold,
            min_face=self.min_face,
            long_side=self.working_size(gpu=gpu),
            second_look=False,
        )
