"""The Parquet table of a batch: a row per face, per file without one, and per failed file."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from emosense.export.schema import BATCH_COLUMNS, face_record
from emosense.results import PhotoFailure, PhotoResult, VideoResult

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]
"""Values by the names of :data:`emosense.export.schema.BATCH_COLUMNS`; missing values are null."""


def schema() -> pa.Schema:
    """Return the Arrow schema of :data:`emosense.export.schema.BATCH_COLUMNS`."""
    import pyarrow as pa

    types = {"bool": pa.bool_()}
    return pa.schema(
        [
            (column.name, types.get(column.type) or getattr(pa, column.type)())
            for column in BATCH_COLUMNS
        ]
    )


def photo_rows(
    name: str, result: PhotoResult | PhotoFailure, only: Collection[int] | None = None
) -> list[Row]:
    """Return the rows of a photo.

    Args:
        name: value of the column ``file``.
        result: result of the photo, or its failure.
        only: numbers of the faces to include, from 1; None includes all.
    """
    if isinstance(result, PhotoFailure):
        return [failure_row(name, result.message)]
    rows = [
        {"file": name, "person": number, "model": result.model, **face_record(face)}
        for number, face in result.numbered(only)
    ]
    return rows or [{"file": name, "person": 0, "model": result.model}]


def video_rows(name: str, result: VideoResult) -> list[Row]:
    """Return the rows of a video; ``name`` is the value of the column ``file``."""
    rows: list[Row] = [
        {
            "file": name,
            "frame": frame.index,
            "time": frame.time,
            "person": tracked.person,
            "model": result.model,
            **face_record(tracked.face),
        }
        for frame in result.frames
        for tracked in frame.faces
    ]
    if result.problem is not None or not rows:
        rows.append({"file": name, "person": 0, "model": result.model, "error": result.problem})
    return rows


def failure_row(name: str, message: str) -> Row:
    """Return the row of a file that could not be analysed."""
    return {"file": name, "error": message}


def to_table(rows: list[Row]) -> pa.Table:
    """Return rows as an Arrow table."""
    import pyarrow as pa

    return pa.Table.from_pylist(rows, schema=schema())


def to_parquet(table: pa.Table) -> bytes:
    """Return a table as a Parquet file, with page checksums that reveal damage."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, write_page_checksum=True)
    return bytes(buffer.getvalue().to_pybytes())
