"""Faces before a live camera: detected, followed and classified frame by frame."""

from __future__ import annotations

from typing import Final

from emosense.faces.options import DetectorOptions
from emosense.faces.tracking import FaceTracker, appearance_descriptor
from emosense.media.images import RgbImage
from emosense.results import FrameResult, TrackedFace
from emosense.video.frame_analyzer import FrameAnalyzer

LIVE_OPTIONS: Final = DetectorOptions(long_side=480, second_look=False)
"""Detection at 480 px, as in every frame of a video: faces of 30 px and more in 640 x 480."""

_NEW_CLOCK_SECONDS: Final = 1.0
"""A time that lies so many seconds before the last one belongs to a clock that has begun again."""


class LiveTracker:
    """Analyses the frames of a camera; a person keeps a number as in a video.

    Args:
        analyzer: analyser of the session's model.
        options: detection options.

    Attributes:
        analyzer: analyser of the next frame; people keep their numbers when it is replaced.

    >>> from emosense.analyzer import Analyzer
    >>> import numpy as np
    >>> LiveTracker(Analyzer()).update(0, 0.0, np.zeros((48, 64, 3), np.uint8)).faces
    ()
    """

    def __init__(self, analyzer: FrameAnalyzer, options: DetectorOptions = LIVE_OPTIONS) -> None:
        self.analyzer = analyzer
        self._options = options
        self._tracker = FaceTracker()
        self._shape: tuple[int, ...] | None = None
        self._last_time = 0.0

    def update(self, index: int, time: float, image: RgbImage) -> FrameResult:
        """Analyse the next frame.

        Args:
            index: number of the frame, which its result echoes.
            time: time of the frame in seconds; one a little before that of the last frame counts as
                that. A camera that was switched off and on counts from 0 again: nobody is known then.
            image: (h, w, 3) uint8 RGB.

        Returns:
            The faces, in pixels of the image.
        """
        if time < self._last_time - _NEW_CLOCK_SECONDS:
            self._tracker, self._shape, self._last_time = FaceTracker(), None, time
        self._last_time = max(self._last_time, time)
        reshaped = self._shape is not None and self._shape != image.shape
        self._shape = image.shape
        (detections,) = self.analyzer.detect_faces([image], self._options)
        appearances = [appearance_descriptor(image, detection) for detection in detections]
        persons = self._tracker.update(self._last_time, detections, appearances, reshaped=reshaped)
        (faces,) = self.analyzer.classify_detections([(image, detections)])
        tracked = [TrackedFace(*numbered) for numbered in zip(persons, faces, strict=True)]
        return FrameResult(index, time, tuple(sorted(tracked, key=lambda face: face.person)))
