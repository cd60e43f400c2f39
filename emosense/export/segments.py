"""Statistics of the segments of a video, as CSV."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from emosense.emotions import EMOTIONS
from emosense.export.spreadsheet import spreadsheet_csv
from emosense.results import VERDICTS, VideoResult
from emosense.video.edits import Segment
from emosense.video.timeline import timelines

COLUMNS: Final = (
    "source",
    "segment",
    "start",
    "end",
    "person",
    "name",
    "seconds",
    *(f"share_{verdict}" for verdict in VERDICTS),
    *(f"mean_{emotion}" for emotion in EMOTIONS),
    *(f"peak_{emotion}" for emotion in EMOTIONS),
    *(f"peak_time_{emotion}" for emotion in EMOTIONS),
)
"""A row per segment and person: times in seconds; ``seconds`` that the person is seen; the share of that
time per verdict, the mean and the highest probability per emotion, in 0..1, and when it was highest."""


def segments_csv(result: VideoResult, segments: Iterable[Segment]) -> str:
    """Return a CSV text with :data:`COLUMNS`.

    Args:
        result: result of a video.
        segments: named stretches; one in which nobody is seen has one row with person 0.
    """
    people = timelines(result)
    rows: list[dict[str, Any]] = []
    for segment in segments:
        where = {
            "source": result.source,
            "segment": segment.name,
            "start": f"{segment.start:.3f}",
            "end": f"{segment.end:.3f}",
        }
        parts = [timeline.between(segment.start, segment.end) for timeline in people]
        seen = [part for part in parts if len(part.times)]
        if not seen:
            rows.append({**where, "person": 0})
        for part in seen:
            peaks = part.peak
            rows.append(
                {
                    **where,
                    "person": part.person,
                    "name": part.name,
                    "seconds": f"{part.visible_seconds:.3f}",
                    **{f"share_{name}": f"{v:.6f}" for name, v in part.time_share.items()},
                    **{f"mean_{name}": f"{v:.6f}" for name, v in part.mean.items()},
                    **{f"peak_{name}": f"{v:.6f}" for name, (v, _) in peaks.items()},
                    **{f"peak_time_{name}": f"{t:.3f}" for name, (_, t) in peaks.items()},
                }
            )
    return spreadsheet_csv(COLUMNS, rows)
