"""Results as files: CSV with one row per face, JSON with everything."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from emosense.emotions import EMOTIONS
from emosense.results import Face, PhotoFailure, PhotoResult

FACE_COLUMNS: Final = (
    "x",
    "y",
    "width",
    "height",
    "detection_score",
    *EMOTIONS,
    "emotion",
    "probability",
    "sure",
)
"""Columns that describe a face: box in pixels, scores and probabilities in 0..1, and whether
the emotion's probability reaches the model's threshold (1) or not (0)."""

COLUMNS: Final = ("source", "face", *FACE_COLUMNS, "model", "error")
"""Columns of the CSV for photos."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def to_csv(results: Sequence[PhotoResult | PhotoFailure]) -> str:
    """Return a CSV text (RFC 4180, UTF-8, header, ``\\r\\n``).

    A photo without faces has one row with face 0; one that failed has a row with its error.
    """
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, restval="")
    writer.writeheader()
    for result in results:
        writer.writerows(rows(result))
    return buffer.getvalue()


def to_json(results: Sequence[PhotoResult | PhotoFailure]) -> str:
    """Return a JSON text: a list with one object per photo."""
    return json.dumps([result.as_dict() for result in results], indent=2, ensure_ascii=False)


def rows(result: PhotoResult | PhotoFailure) -> Iterator[dict[str, Any]]:
    """Yield a result's CSV rows."""
    source = spreadsheet_safe(result.source)
    if isinstance(result, PhotoFailure):
        yield {"source": source, "error": result.message}
        return
    if not result.faces:
        yield {"source": source, "face": 0, "model": result.model}
    for number, face in enumerate(result.faces, start=1):
        yield {"source": source, "face": number, "model": result.model, **face_cells(face)}


def spreadsheet_safe(name: str) -> str:
    """Keep a name that begins like a formula from becoming one in a spreadsheet."""
    return "'" + name if name.startswith(_FORMULA) else name


def face_cells(face: Face) -> dict[str, Any]:
    """Return the cells that describe a face, by :data:`FACE_COLUMNS`."""
    box = face.box
    return {
        "x": f"{box.x:.1f}",
        "y": f"{box.y:.1f}",
        "width": f"{box.width:.1f}",
        "height": f"{box.height:.1f}",
        "detection_score": f"{face.detection_score:.4f}",
        **{name: f"{p:.6f}" for name, p in zip(EMOTIONS, face.probabilities, strict=True)},
        "emotion": face.emotion,
        "probability": f"{face.probability:.6f}",
        "sure": int(face.sure),
    }


def csv_file(text: str) -> bytes:
    """Return a CSV text as a file: with the mark by which spreadsheets know UTF-8."""
    return ("\ufeff" + text).encode("utf-8")
