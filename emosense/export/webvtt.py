"""Captions of a video (WebVTT, W3C)."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np

from emosense.results import FrameResult, VideoResult
from emosense.video.timeline import frame_seconds, runs_of


def to_webvtt(result: VideoResult) -> str:
    """Return captions (WebVTT) that name each person's most probable emotion, or say "unsure".

    Successive frames with the same caption become one cue; each lasts until the next begins, or an
    excluded stretch.
    """
    times = np.array([frame.time for frame in result.frames])
    captions = [_caption(frame, result.names) for frame in result.frames]
    blocks = ["WEBVTT\n"] + [
        f"{_timestamp(start)} --> {_timestamp(end)}\n{caption}\n"
        for start, end, caption in runs_of(times, frame_seconds(result), captions)
        if caption
    ]
    return "\n".join(blocks)


def _caption(frame: FrameResult, names: Mapping[int, str]) -> str:
    if len(frame.faces) == 1 and frame.faces[0].person not in names:
        return frame.faces[0].face.verdict
    captions = [
        f"{names.get(tracked.person, tracked.person)} {tracked.face.verdict}"
        for tracked in frame.faces
    ]
    return escape(", ".join(captions), quote=False)


def _timestamp(seconds: float) -> str:
    milliseconds = round(1000 * seconds)
    return (
        f"{milliseconds // 3_600_000:02d}:{milliseconds // 60_000 % 60:02d}:"
        f"{milliseconds // 1000 % 60:02d}.{milliseconds % 1000:03d}"
    )
