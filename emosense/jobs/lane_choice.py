"""Which lane of inference processes a request of the app takes."""

from __future__ import annotations

from typing import Any, Final

from emosense.media.photo_header import estimate_seconds, read_header
from emosense.worker.lanes import LaneChoice
from emosense.worker.messages import (
    AnalyzePhoto,
    AnalyzeVideo,
    AnnotatePhoto,
    ExplainFace,
    InspectVideo,
    MeasureThroughput,
    WriteSampleClip,
)

ORDINARY: Final = "ordinary"
"""Photos that are cheap by their header."""
DEAR: Final = "dear"
"""Photos that may take seconds, and all else that may: previews of videos, measurements."""
SHORT: Final = "short"
"""Videos that are short by their header."""
LONG: Final = "long"
"""Videos that take minutes."""

MAX_ORDINARY_SECONDS: Final = 1.5
MAX_SHORT_SECONDS: Final = 60.0
_EXPLANATION_SECONDS: Final = 0.5
_PNG_SECONDS_PER_SECOND: Final = 2.0  # drawing and compressing, beside decoding


def photo_lane(request: Any) -> LaneChoice:
    """Choose the lane of a request to the photo processes, before anything is decoded.

    >>> photo_lane(InspectVideo(path="a", name="a", preview_side=9)).lane
    'dear'
    """
    if isinstance(request, AnalyzePhoto | AnnotatePhoto | ExplainFace):
        seconds = estimate_seconds(read_header(request.data))
        if isinstance(request, ExplainFace):
            seconds += _EXPLANATION_SECONDS
        elif isinstance(request, AnnotatePhoto):
            seconds *= _PNG_SECONDS_PER_SECOND
        return LaneChoice(ORDINARY if seconds <= MAX_ORDINARY_SECONDS else DEAR, seconds)
    if isinstance(request, InspectVideo | WriteSampleClip | MeasureThroughput):
        return LaneChoice(DEAR)
    return LaneChoice(ORDINARY)


def video_lane(request: Any) -> LaneChoice:
    """Choose the lane of a request to the video processes.

    >>> video_lane(AnalyzeVideo(path="a", model="cnn8", estimate=300.0)).lane
    'long'
    """
    if isinstance(request, AnalyzeVideo):
        seconds = request.estimate
        is_short = seconds is not None and seconds <= MAX_SHORT_SECONDS
        return LaneChoice(SHORT if is_short else LONG, seconds)
    return LaneChoice(SHORT)
