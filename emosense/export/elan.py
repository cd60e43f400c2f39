"""Tab-delimited text for ELAN, the annotation tool of the Max Planck Institute (archive.mpi.nl/tla/elan).

ELAN reads it with "File > Import > CSV / Tab-delimited Text File": a tier per person with the runs of
his verdicts, and one with the segments.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from emosense.export.spreadsheet import escape_formula
from emosense.results import VideoResult
from emosense.video.edits import Segment
from emosense.video.timeline import timelines

COLUMNS: Final = (
    "Tier",
    "Begin Time - msec",
    "End Time - msec",
    "Duration - msec",
    "Annotation",
)
"""The columns as ELAN's own export calls them."""

SEGMENTS: Final = "segments"
"""Name of the tier of the segments."""


def to_elan(result: VideoResult, segments: Iterable[Segment] = ()) -> str:
    """Return tab-delimited text with :data:`COLUMNS`.

    Args:
        result: result of a video; runs end where a person is not seen, and at excluded stretches.
        segments: named stretches.
    """
    rows = [_row(timeline.label, *run) for timeline in timelines(result) for run in timeline.runs()]
    rows += [_row(SEGMENTS, segment.start, segment.end, segment.name) for segment in segments]
    return "".join("\t".join(map(_cell, row)) + "\n" for row in (COLUMNS, *rows))


def _row(tier: str, start: float, end: float, annotation: str) -> tuple[str | int, ...]:
    begin, stop = round(1000 * start), round(1000 * end)
    return tier, begin, stop, stop - begin, annotation


def _cell(value: str | int) -> str:
    # No quotes: ELAN takes them for text. A tab or a line break would begin another cell.
    return escape_formula(" ".join(str(value).split()))
