"""Results of photos as files: CSV with one row per face, JSON with everything."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from emosense.export.schema import PHOTO_COLUMNS, csv_cells, face_record, names
from emosense.export.spreadsheet import spreadsheet_csv
from emosense.results import PhotoFailure, PhotoResult

Results = Sequence[PhotoResult | PhotoFailure]
FaceSelection = Sequence[Collection[int]]
"""Per result the numbers of the faces that a filter lets pass, from 1."""


def to_csv(results: Results, only: FaceSelection | None = None) -> str:
    """Return a CSV text (RFC 4180, UTF-8, header, ``\\r\\n``) with :data:`PHOTO_COLUMNS`.

    A photo without faces has one row with face 0; one that failed has a row with its error.

    Args:
        results: results of photos.
        only: the faces to include, under the numbers that they have; all rows if None.
    """
    records = (
        record
        for result, faces in _selected(results, only)
        for record in photo_records(result, faces)
    )
    rows = (csv_cells(record, PHOTO_COLUMNS) for record in records)
    return spreadsheet_csv(names(PHOTO_COLUMNS), rows)


def to_json(results: Results, only: FaceSelection | None = None) -> str:
    """Return a JSON text: a list with one object per photo; see :func:`to_csv`."""
    objects = [
        result.as_dict() if isinstance(result, PhotoFailure) else result.as_dict(faces)
        for result, faces in _selected(results, only)
    ]
    return json.dumps(objects, indent=2, ensure_ascii=False)


def photo_records(
    result: PhotoResult | PhotoFailure, only: Collection[int] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield a result's records by :data:`PHOTO_COLUMNS`; ``only`` those of faces with these numbers."""
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
    """Return every result, or those with a selected face, with the selected faces."""
    if only is None:
        return [(result, None) for result in results]
    return [(result, faces) for result, faces in zip(results, only, strict=True) if faces]
