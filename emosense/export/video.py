"""Export of video results: CSV, JSON and WebVTT captions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from emosense.export.schema import VIDEO_COLUMNS, csv_cells, face_record, names
from emosense.export.spreadsheet import spreadsheet_csv
from emosense.results import VideoResult


def to_csv(result: VideoResult) -> str:
    """Return a CSV text with :data:`VIDEO_COLUMNS`.

    There is one row per face; a frame without faces has one row with person 0.
    """
    rows = (csv_cells(record, VIDEO_COLUMNS) for record in _records(result))
    return spreadsheet_csv(names(VIDEO_COLUMNS), rows)


def to_json(result: VideoResult) -> str:
    """Return a JSON text of the whole result."""
    # Frame by frame: as objects, all frames would take four times the memory of the text.
    parts = [json.dumps(frame.as_dict(), ensure_ascii=False) for frame in result.frames]
    head = json.dumps(replace(result, frames=()).as_dict(), ensure_ascii=False)
    return head.removesuffix("]}") + ", ".join(parts) + "]}"


def _records(result: VideoResult) -> Iterator[dict[str, Any]]:
    video_record = {"source": result.source, "model": result.model}
    for frame in result.frames:
        frame_record = {**video_record, "frame": frame.index, "time": frame.time}
        if not frame.faces:
            yield {**frame_record, "person": 0}
        for tracked in frame.faces:
            yield {
                **frame_record,
                "person": tracked.person,
                "name": result.names.get(tracked.person),
                **face_record(tracked.face),
            }
