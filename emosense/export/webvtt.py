"""Captions of a video (WebVTT, W3C)."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from emosense.results import FrameResult, VideoResult


def to_webvtt(result: VideoResult) -> str:
    """Return captions (WebVTT) that name each person's most probable emotion, or say "unsure".

    Successive frames with the same caption become one cue; each lasts until the next begins, or an
    excluded stretch.
    """
    cues: list[tuple[float, str]] = []
    for frame in result.frames:
        caption = _caption(frame, result.names)
        if not cues or cues[-1][1] != caption:
            cues.append((frame.time, caption))
    times = [frame.time for frame in result.frames]
    step = times[-1] - times[-2] if len(times) > 1 else 1.0
    ends = [start for start, _ in cues[1:]] + [(times[-1] + step) if times else 0.0]
    blocks = ["WEBVTT\n"]
    for (start, caption), next_start in zip(cues, ends, strict=True):
        gaps = [gap for gap, _ in result.excluded if start < gap < next_start]
        end = min([next_start, *gaps])
        if caption:
            blocks.append(f"{_timestamp(start)} --> {_timestamp(end)}\n{caption}\n")
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
