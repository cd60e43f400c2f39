"""The formats that a video's result can be exported in, with its edits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from emosense.export.elan import to_elan
from emosense.export.memory import CAPTION_BYTES, CSV_BYTES, JSON_BYTES
from emosense.export.segments import segments_csv
from emosense.export.spreadsheet import csv_file
from emosense.export.video import to_csv, to_json
from emosense.export.webvtt import to_webvtt
from emosense.results import VideoResult
from emosense.video.edits import Edits, Project


@dataclass(frozen=True)
class Export:
    """A file format of a result.

    Attributes:
        label: name of the format for visitors.
        suffix: end of the file's name.
        media_type: media type.
        bytes_per_face: memory that making it takes, per face and frame.
        make: makes the file of an edited result and its edits.

    >>> EXPORTS["csv"].suffix
    '-emosense.csv'
    """

    label: str
    suffix: str
    media_type: str
    bytes_per_face: int
    make: Callable[[VideoResult, Edits], bytes]

    def memory(self, result: VideoResult) -> int:
        """Return the bytes that making the file of a result takes, about."""
        faces = sum(len(frame.faces) for frame in result.frames)
        return self.bytes_per_face * (len(result.frames) + faces)


def project_json(result: VideoResult, edits: Edits) -> bytes:
    """Return a project file: the edits, to be loaded again with the same clip."""
    project = Project(
        source=result.source, frames_read=result.frames_read, model=result.model, edits=edits
    )
    return project.model_dump_json(indent=1).encode()


EXPORTS: Final = {
    "csv": Export("CSV", "-emosense.csv", "text/csv", CSV_BYTES, lambda r, e: csv_file(to_csv(r))),
    "json": Export(
        "JSON", "-emosense.json", "application/json", JSON_BYTES, lambda r, e: _text(to_json(r))
    ),
    "vtt": Export(
        "Captions (VTT)",
        "-emosense.vtt",
        "text/vtt",
        CAPTION_BYTES,
        lambda r, e: _text(to_webvtt(r)),
    ),
    "elan": Export(
        "ELAN (tab-delimited)",
        "-elan.txt",
        "text/tab-separated-values",
        CAPTION_BYTES,
        lambda r, e: _text(to_elan(r, e.segments)),
    ),
    "segments": Export(
        "Segments (CSV)",
        "-segments.csv",
        "text/csv",
        CAPTION_BYTES,
        lambda r, e: csv_file(segments_csv(r, e.segments)),
    ),
    "project": Export("Project", "-project.json", "application/json", CAPTION_BYTES, project_json),
}
"""The formats by the name that their address has."""


def _text(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
