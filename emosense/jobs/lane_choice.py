"""Which lane of inference processes a request of the app takes, and what it may take there."""

from __future__ import annotations

from typing import Any, Final

from emosense import settings
from emosense.media.photo_header import estimate_seconds, read_header
from emosense.worker.lanes import LaneChoice
from emosense.worker.messages import (
    AnalyzeLiveFrame,
    AnalyzePhoto,
    AnalyzeVideo,
    AnnotatePhoto,
    ClassifyCrops,
    EncodeVideo,
    ExplainCrop,
    ExplainFace,
    InspectVideo,
    MeasureCrops,
    MeasureFace,
    MeasureThroughput,
    Preload,
    ReadDatasetFaces,
    WriteSampleClip,
)
from emosense.worker.watchdog import ResourceLimits

ORDINARY: Final = "ordinary"
"""Photos that are cheap by their header."""
DEAR: Final = "dear"
"""Photos that may take seconds, and all else that may: previews of videos, measurements."""
SHORT: Final = "short"
"""Videos that are short by their header."""
LONG: Final = "long"
"""Videos that take minutes."""
CAMERA: Final = "camera"
"""Frames of live cameras."""
ENCODING: Final = "encoding"
"""Previews and videos with boxes, beside the analyses."""

_PHOTO_PROCESS_BYTES: Final = 400 * 2**20
"""Memory of a process beside the photo that it decodes."""
VIDEO_BYTES: Final = int(1.5 * 2**30)
"""Maximum resident memory of a process that decodes videos."""

CAMERA_BYTES: Final = 800 * 2**20
"""Maximum resident memory of the process of cameras, whose frames are small."""

MAX_ORDINARY_SECONDS: Final = 1.5
MAX_SHORT_SECONDS: Final = 180.0
_OVERRUN_FACTOR: Final = 1.25
_LEAST_OVERRUN_SECONDS: Final = 30.0
"""How long a short video may hold its process while others wait for it: so many times its estimate,
and this long in any case, since its process has to load its models and small estimates are coarse."""
_PROCESSOR_FACTOR: Final = 2.0
"""A photo is refused by its estimate, and ended only after so many times the largest estimate."""
_EXPLANATION_SECONDS: Final = 0.5
_LIVE_SECONDS: Final = 5.0
"""A frame takes some 15 ms."""
_DATASET_SECONDS: Final = 45.0
"""FER2013's csv of 300 MB takes 10 s."""
_PNG_SECONDS_PER_SECOND: Final = 2.0  # drawing and compressing, beside decoding


def photo_bytes() -> int:
    """Return the maximum resident memory of a process while it analyses a photo, in bytes.

    >>> photo_bytes() / 2**20
    1200.0
    """
    return int(settings.MAX_PHOTO_MEMORY_MB.number() * 2**20) + _PHOTO_PROCESS_BYTES


def photo_lane(request: Any) -> LaneChoice:
    """Choose the lane of a request to the photo processes, before anything is decoded.

    >>> photo_lane(InspectVideo(path="a", name="a", preview_side=9)).lane
    'dear'
    """
    if isinstance(request, AnalyzePhoto | AnnotatePhoto | ExplainFace | MeasureFace):
        seconds = estimate_seconds(read_header(request.data))
        if isinstance(request, ExplainFace):
            seconds += _EXPLANATION_SECONDS
        elif isinstance(request, AnnotatePhoto):
            seconds *= _PNG_SECONDS_PER_SECOND
        lane = ORDINARY if seconds <= MAX_ORDINARY_SECONDS else DEAR
        limits = ResourceLimits(_processor_seconds(), photo_bytes())
        if isinstance(request, AnnotatePhoto):
            return LaneChoice(lane, seconds, limits)
        return LaneChoice(lane, seconds, limits, Preload(model=request.model))
    if isinstance(request, MeasureCrops | ClassifyCrops | ExplainCrop):
        limits = ResourceLimits(_processor_seconds(), photo_bytes())
        return LaneChoice(ORDINARY, None, limits, Preload(model=request.model))
    if isinstance(request, ReadDatasetFaces):
        return LaneChoice(DEAR, limits=ResourceLimits(_DATASET_SECONDS, VIDEO_BYTES))
    if isinstance(request, InspectVideo | WriteSampleClip):
        return LaneChoice(DEAR, limits=ResourceLimits(_processor_seconds(), VIDEO_BYTES))
    if isinstance(request, MeasureThroughput):  # as long as it takes: it holds nobody's file
        return LaneChoice(DEAR, warm_up=Preload(model=request.model))
    return LaneChoice(ORDINARY)


def video_lane(request: Any) -> LaneChoice:
    """Choose the lane of a request to the video processes.

    The header may promise a short video: one that takes longer gives its process up, if others wait
    for it, and begins again among the long ones. One that others wait for who have much less to do
    gives it up too and begins again among the short ones, as long as it loses less than they gain.

    >>> video_lane(AnalyzeVideo(path="a", model="cnn8", estimate=300.0)).lane
    'long'
    """
    limits = ResourceLimits(memory_bytes=VIDEO_BYTES)
    if isinstance(request, EncodeVideo):
        return LaneChoice(ENCODING, request.estimate, limits, yields=True)
    if not isinstance(request, AnalyzeVideo):
        return LaneChoice(SHORT)
    warm_up = Preload(model=request.model)
    long = LaneChoice(LONG, request.estimate, limits, warm_up)
    if request.estimate is None or request.estimate > MAX_SHORT_SECONDS:
        return long
    max_seconds = max(_LEAST_OVERRUN_SECONDS, _OVERRUN_FACTOR * request.estimate)
    again = LaneChoice(LONG, None, limits, warm_up)
    return LaneChoice(SHORT, request.estimate, limits, warm_up, max_seconds, again, yields=True)


def camera_lane(request: Any) -> LaneChoice:
    """Choose the lane of a request to the process of cameras.

    >>> camera_lane(Preload(model="cnn8")).lane
    'camera'
    """
    if not isinstance(request, AnalyzeLiveFrame):
        return LaneChoice(CAMERA)
    limits = ResourceLimits(_LIVE_SECONDS, CAMERA_BYTES)
    return LaneChoice(CAMERA, None, limits, Preload(model=request.model))


def _processor_seconds() -> float:
    return _PROCESSOR_FACTOR * settings.MAX_PHOTO_SECONDS.number()
