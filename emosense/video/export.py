"""A video's result as files: CSV, JSON and WebVTT captions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from emosense.export import FACE_COLUMNS, face_cells, spreadsheet_csv
from emosense.results import FrameResult, VideoResult

COLUMNS: Final = ("source", "frame", "time", "person", *FACE_COLUMNS, "model")
"""Columns of the CSV; time in seconds, boxes in pixels of the upright frame."""


def to_csv(result: VideoResult) -> str:
    """Return a CSV text: a row per face; a frame without faces has one row with person 0."""
    return spreadsheet_csv(COLUMNS, _rows(result))


def _rows(result: VideoResult) -> Iterator[dict[str, Any]]:
    start = {"source": result.source, "model": result.model}
    for frame in result.frames:
        place: dict[str, Any] = {**start, "frame": frame.index, "time": f"{frame.time:.3f}"}
        if not frame.faces:
            yield {**place, "person": 0}
        for tracked in frame.faces:
            yield {**place, "person": tracked.person, **face_cells(tracked.face)}


def to_json(result: VideoResult) -> str:
    """Return a JSON text with everything."""
    return json.dumps(result.as_dict(), ensure_ascii=False)


def to_webvtt(result: VideoResult) -> str:
    """Return captions (WebVTT) that name each person's most probable emotion, or say "unsure".

    Frames with the same caption in a row become one cue; each stands until the next begins.
    """
    cues: list[tuple[float, str]] = []
    for frame in result.frames:
        told = _told(frame)
        if not cues or cues[-1][1] != told:
            cues.append((frame.time, told))
    times = [frame.time for frame in result.frames]
    step = times[-1] - times[-2] if len(times) > 1 else 1.0
    ends = [start for start, _ in cues[1:]] + [(times[-1] + step) if times else 0.0]
    parts = ["WEBVTT\n"]
    for (start, told), end in zip(cues, ends, strict=True):
        if told:
            parts.append(f"{_stamp(start)} --> {_stamp(end)}\n{told}\n")
    return "\n".join(parts)


def _told(frame: FrameResult) -> str:
    if len(frame.faces) == 1:
        return frame.faces[0].face.verdict
    return ", ".join(f"{tracked.person} {tracked.face.verdict}" for tracked in frame.faces)


def _stamp(seconds: float) -> str:
    whole = round(1000 * seconds)
    return (
        f"{whole // 3_600_000:02d}:{whole // 60_000 % 60:02d}:"
        f"{whole // 1000 % 60:02d}.{whole % 1000:03d}"
    )
