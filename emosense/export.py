"""Results as files: CSV with one row per face, JSON with everything."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from numbers import Number
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

_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
_FORMULA: Final = ("=", "+", "-", "@", "\N{MINUS SIGN}")
_LINE_BREAK: Final = re.compile("\r\n?")

Results = Sequence[PhotoResult | PhotoFailure]
Chosen = Sequence[Collection[int]]
"""Per result the numbers of the faces that a filter lets pass, from 1."""


def to_csv(results: Results, only: Chosen | None = None) -> str:
    """Return a CSV text (RFC 4180, UTF-8, header, ``\\r\\n``).

    A photo without faces has one row with face 0; one that failed has a row with its error.

    Args:
        results: of photos.
        only: the faces to include, under the numbers that they have; all rows if None.
    """
    chosen = _chosen(results, only)
    return spreadsheet_csv(COLUMNS, (row for one, numbers in chosen for row in rows(one, numbers)))


def _chosen(
    results: Results, only: Chosen | None
) -> list[tuple[PhotoResult | PhotoFailure, Collection[int] | None]]:
    """Return what is to be written: every result, or those with a chosen face."""
    if only is None:
        return [(result, None) for result in results]
    return [(one, numbers) for one, numbers in zip(results, only, strict=True) if numbers]


def spreadsheet_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return a CSV text that a spreadsheet opens as what it is.

    RFC 4180: a header, ``\\r\\n``, decimal points. The header and every cell that is no number are
    guarded by :func:`spreadsheet_safe`; None, NaN and cells that a row does not have are empty.
    For a file or a download, pass the text through :func:`csv_file`; what goes through a pipe has
    no mark.

    Args:
        columns: names, in their order; cells of other names are not written.
        rows: cells by column.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([_cell(column) for column in columns])
    for row in rows:
        writer.writerow([_cell(row.get(column)) for column in columns])
    return buffer.getvalue()


def csv_file(text: str) -> bytes:
    """Return a CSV text as a file: UTF-8 with the mark by which spreadsheets know it."""
    return text.encode("utf-8-sig", "backslashreplace")


def _cell(value: Any) -> Any:
    if isinstance(value, Number):
        return value if value == value else ""  # NaN
    return "" if value is None else spreadsheet_safe(str(value))


def to_json(results: Results, only: Chosen | None = None) -> str:
    """Return a JSON text: a list with one object per photo; see :func:`to_csv`."""
    found = [
        one.as_dict() if isinstance(one, PhotoFailure) else one.as_dict(numbers)
        for one, numbers in _chosen(results, only)
    ]
    return json.dumps(found, indent=2, ensure_ascii=False)


def rows(
    result: PhotoResult | PhotoFailure, only: Collection[int] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield a result's CSV rows; ``only`` those of faces with these numbers."""
    source = result.source
    if isinstance(result, PhotoFailure):
        yield {"source": source, "error": result.message}
        return
    if not result.faces:
        yield {"source": source, "face": 0, "model": result.model}
    for number, face in result.numbered(only):
        yield {"source": source, "face": number, "model": result.model, **face_cells(face)}


def spreadsheet_safe(name: str) -> str:
    """Keep a text from becoming a formula in a spreadsheet.

    A text that begins like a formula gets an apostrophe and stands on one line, also where
    blanks, quotes or invisible characters stand before its sign, or the sign is a full-width one
    (OWASP, "CSV Injection"); a number stays a number. Line breaks of other texts stay, as ``\\n``;
    tabs and other control characters become spaces.
    """
    lines = _LINE_BREAK.sub("\n", name)
    text = "".join(" " if unicodedata.category(c) == "Cc" and c != "\n" else c for c in lines)
    seen = (c for c in unicodedata.normalize("NFKC", text) if not _passed_over(c))
    if next(seen, "") in _FORMULA and not _NUMBER.fullmatch(text):
        return "'" + text.replace("\n", " ")
    return text


def _passed_over(sign: str) -> bool:
    """Tell whether a spreadsheet may not see a sign: blanks, invisible characters, quotes."""
    category = unicodedata.category(sign)
    return category[0] in "ZC" or category in ("Pi", "Pf") or sign in "\"'`"


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
