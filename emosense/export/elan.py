"""Tab-delimited text for ELAN, the annotation tool of the Max Planck Institute (archive.mpi.nl/tla/elan).

ELAN reads it with "File > Import > CSV / Tab-delimited Text File": a tier per person with the runs of
his verdicts, and one with the segments, or several where they overlap.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, count
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
"""Name of the tier of the segments; further ones have a number."""


def to_elan(result: VideoResult, segments: Iterable[Segment] = ()) -> str:
    """Return tab-delimited text with :data:`COLUMNS`.

    Args:
        result: result of a video; runs end where a person is not seen, and at excluded stretches.
        segments: named stretches.
    """
    people = timelines(result)
    rows: list[tuple[str | int, ...]] = []
    tiers: set[str] = set()
    for timeline in people:
        tier = _new_tier(timeline.label, tiers)
        rows += [_row(tier, *run) for run in timeline.runs()]
    for layer in _layers(segments):
        tier = _new_tier(SEGMENTS, tiers)
        rows += [_row(tier, segment.start, segment.end, segment.name) for segment in layer]
    return "".join("\t".join(map(_cell, row)) + "\n" for row in (COLUMNS, *rows))


def _new_tier(name: str, tiers: set[str]) -> str:
    """Add a tier with a name that no other has: two people may have one name."""
    numbered = (f"{name} ({number})" for number in count(2))
    tier = next(one for one in chain([name], numbered) if _cell(one) not in tiers)
    tiers.add(_cell(tier))
    return tier


def _layers(segments: Iterable[Segment]) -> list[list[Segment]]:
    """Return segments in layers without overlaps: annotations of one tier must have none."""
    layers: list[list[Segment]] = []
    for segment in sorted(segments, key=lambda segment: (segment.start, segment.end)):
        free = (layer for layer in layers if layer[-1].end <= segment.start)
        layer = next(free, None)
        if layer is None:
            layers.append([segment])
        else:
            layer.append(segment)
    return layers


def _row(tier: str, start: float, end: float, annotation: str) -> tuple[str | int, ...]:
    begin, stop = round(1000 * start), round(1000 * end)
    return tier, begin, stop, stop - begin, annotation


def _cell(value: str | int) -> str:
    # No quotes: ELAN takes them for text. A tab or a line break would begin another cell.
    return escape_formula(" ".join(str(value).split()))
