"""Export of video results: CSV, JSON and WebVTT captions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from emosense.export.schema import VIDEO_COLUMNS, csv_cells, face_record, names
from emosense.export.spreadsheet import spreadsheet_csv
from emosense.results import FrameResult, VideoResult


def to_csv(result: VideoResult) -> str:
    """Return a CSV text with :data:`VIDEO_COLUMNS`.

    There is one row per face; a frame without faces has one row with person 0.
    """
    rows = (csv_cells(record, VIDEO_COLUMNS) for record in _records(result))
    return spreadsheet_csv(names(VIDEO_COLUMNS), rows)


def to_json(result: VideoResult) -> str:
    """Return a JSON text of the whole result."""
    return json.dumps(result.as_dict(), ensure_ascii=False)


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


def _records(result: VideoResult) -> Iterator[dict[str, Any]]:
    video_record = {"source": result.source, "model": result.model}
    for frame in result.frames:
        frame_record = {**video_record, "frame": frame.index, "time": frame.time}
        if not frame.faces:
            yield {**frame_record, "person": 0}
        for tracked in frame.faces:
            yield {**frame_record, "person": tracked.person, **face_record(tracked.face)}


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
