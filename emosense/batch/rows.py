"""A job's table: one row per face, per file without one, and per failed file."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from emosense.emotions import EMOTIONS
from emosense.results import Face, PhotoFailure, PhotoResult, VideoResult

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]


def schema() -> pa.Schema:
    """Return the table's columns.

    ``file`` is the path below the source. ``frame`` (from 0) and ``time`` (seconds) are null for
    photos. ``person`` numbers the faces of a photo, or the people of a video, from 1; it is 0 in
    the single row of a file without faces, and null in that of a failed file. Boxes are pixels
    of the upright picture; scores and probabilities lie in 0..1. ``error`` says why a file
    failed, or where a damaged video ended.
    """
    import pyarrow as pa

    real = pa.float32()
    return pa.schema(
        [
            ("file", pa.string()),
            ("frame", pa.int64()),
            ("time", pa.float64()),
            ("person", pa.int32()),
            *((name, real) for name in ("x", "y", "width", "height", "detection_score")),
            *((name, real) for name in EMOTIONS),
            ("emotion", pa.string()),
            ("probability", real),
            ("sure", pa.bool_()),
            ("model", pa.string()),
            ("error", pa.string()),
        ]
    )


def photo_rows(
    name: str, result: PhotoResult | PhotoFailure, only: Collection[int] | None = None
) -> list[Row]:
    """Return the rows of a photo that is called ``name``; ``only`` those of these faces."""
    if isinstance(result, PhotoFailure):
        return [failed(name, result.message)]
    faces = result.numbered(only)
    rows = [_face(face, file=name, person=number, model=result.model) for number, face in faces]
    return rows or [{"file": name, "person": 0, "model": result.model}]


def video_rows(name: str, result: VideoResult) -> list[Row]:
    """Return the rows of a video that is called ``name``."""
    rows = [
        _face(
            tracked.face,
            file=name,
            frame=frame.index,
            time=frame.time,
            person=tracked.person,
            model=result.model,
        )
        for frame in result.frames
        for tracked in frame.faces
    ]
    if result.problem is not None or not rows:
        rows.append({"file": name, "person": 0, "model": result.model, "error": result.problem})
    return rows


def failed(name: str, message: str) -> Row:
    """Return the row of a file that could not be analysed."""
    return {"file": name, "error": message}


def table(rows: list[Row]) -> pa.Table:
    """Return rows as a table; what a row does not have is null."""
    import pyarrow as pa

    return pa.Table.from_pylist(rows, schema=schema())


def parquet(rows: pa.Table) -> bytes:
    """Return a table as a Parquet file, with checksums that tell damage from rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = pa.BufferOutputStream()
    pq.write_table(rows, buffer, write_page_checksum=True)
    return bytes(buffer.getvalue().to_pybytes())


def _face(face: Face, **where: Any) -> Row:
    box = face.box
    return {
        **where,
        "x": box.x,
        "y": box.y,
        "width": box.width,
        "height": box.height,
        "detection_score": face.detection_score,
        **dict(zip(EMOTIONS, face.probabilities, strict=True)),
        "emotion": face.emotion,
        "probability": face.probability,
        "sure": face.sure,
    }
