"""Captions of a video (WebVTT, W3C)."""

from __future__ import annotations

from emosense.results import FrameResult, VideoResult


def to_webvtt(result: VideoResult) -> str:
    """Return captions (WebVTT) that name each person's most probable emotion, or say "unsure".

    Successive frames with the same caption become one cue; each lasts until the next begins.
    """
    cues: list[tuple[float, str]] = []
    for frame in result.frames:
        caption = _caption(frame)
        if not cues or cues[-1][1] != caption:
            cues.append((frame.time, caption))
    times = [frame.time for frame in result.frames]
    step = times[-1] - times[-2] if len(times) > 1 else 1.0
    ends = [start for start, _ in cues[1:]] + [(times[-1] + step) if times else 0.0]
    blocks = ["WEBVTT\n"]
    for (start, caption), end in zip(cues, ends, strict=True):
        if caption:
            blocks.append(f"{_timestamp(start)} --> {_timestamp(end)}\n{caption}\n")
    return "\n".join(blocks)


def _caption(frame: FrameResult) -> str:
    if len(frame.faces) == 1:
        return frame.faces[0].face.verdict
    return ", ".join(f"{tracked.person} {tracked.face.verdict}" for tracked in frame.faces)


def _timestamp(seconds: float) -> str:
    milliseconds = round(1000 * seconds)
    return (
        f"{milliseconds // 3_600_000:02d}:{milliseconds // 60_000 % 60:02d}:"
        f"{milliseconds // 1000 % 60:02d}.{milliseconds % 1000:03d}"
    )
