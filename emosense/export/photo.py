"""Export of photo results: CSV with one row per face, JSON with one object per photo."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from emosense.export.schema import PHOTO_COLUMNS, csv_cells, face_record, names
from emosense.export.spreadsheet import spreadsheet_csv
from emosense.results import PhotoFailure, PhotoResult

Results = Sequence[PhotoResult | PhotoFailure]
FaceSelection = Sequence[Collection[int]]
"""For each result the numbers of its selected faces, from 1."""


def to_csv(results: Results, only: FaceSelection | None = None) -> str:
    """Return a CSV text (RFC 4180, UTF-8, header, ``\\r\\n``) with :data:`PHOTO_COLUMNS`.

    A photo without faces has one row with face 0; a failed photo has a row with its error.

    Args:
        results: results of photos.
        only: numbers of the faces to include, per result; photos without any are left out. None
            includes all faces and photos. Faces keep their numbers.
    """
    records = (
        record
        for result, faces in _selected(results, only)
        for record in photo_records(result, faces)
    )
    rows = (csv_cells(record, PHOTO_COLUMNS) for record in records)
    return spreadsheet_csv(names(PHOTO_COLUMNS), rows)


def to_json(results: Results, only: FaceSelection | None = None) -> str:
    """Return a JSON text: a list with one object per photo.

    Args:
        results: results of photos.
        only: numbers of the faces to include, per result, as in :func:`to_csv`.
    """
    # Photo by photo: as objects, all of them would take seven times the memory of the text.
    parts = [
        _indented_json(
            result.as_dict() if isinstance(result, PhotoFailure) else result.as_dict(faces)
        )
        for result, faces in _selected(results, only)
    ]
    return "[" + ",".join(parts) + "\n]" if parts else "[]"


def _indented_json(data: dict[str, Any]) -> str:
    text = json.dumps(data, indent=2, ensure_ascii=False)
    return "\n  " + text.replace("\n", "\n  ")  # a newline within a name is written as \\n


def photo_records(
    result: PhotoResult | PhotoFailure, only: Collection[int] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the records of a photo, with values by the names of :data:`PHOTO_COLUMNS`.

    Args:
        result: result of the photo, or its failure.
        only: numbers of the faces to include, from 1; None includes all.
    """
    source = result.source
    if isinstance(result, PhotoFailure):
        yield {"source": source, "error": result.message}
        return
    if not result.faces:
        yield {"source": source, "face": 0, "model": result.model}
    for number, face in result.numbered(only):
        yield {"source": source, "face": number, "model": result.model, **face_record(face)}


def _selected(
    results: Results, only: FaceSelection | None
) -> list[tuple[PhotoResult | PhotoFailure, Collection[int] | None]]:
    """Return (result, numbers of its selected faces) pairs; results without any are left out."""
    if only is None:
        return [(result, None) for result in results]
    return [(result, faces) for result, faces in zip(results, only, strict=True) if faces]
