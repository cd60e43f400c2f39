"""Captions of a video (WebVTT, W3C)."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from emosense.results import FrameResult, VideoResult
from emosense.video.timeline import SAME_TIME, frame_seconds


def to_webvtt(result: VideoResult) -> str:
    """Return captions (WebVTT) that name each person's most probable emotion, or say "unsure".

    Successive frames with the same caption become one cue; each lasts until the next begins, or an
    excluded stretch.
    """
    cues: list[tuple[float, float, str]] = []
    for frame, seconds in zip(result.frames, frame_seconds(result).tolist(), strict=True):
        caption, end = _caption(frame, result.names), frame.time + seconds
        if cues and cues[-1][2] == caption and frame.time - cues[-1][1] < SAME_TIME:
            cues[-1] = (cues[-1][0], end, caption)
        else:
            cues.append((frame.time, end, caption))
    blocks = ["WEBVTT\n"] + [
        f"{_timestamp(start)} --> {_timestamp(end)}\n{caption}\n"
        for start, end, caption in cues
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
