"""CSV that a spreadsheet opens as what it is (RFC 4180; OWASP, "CSV Injection")."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from numbers import Number
from typing import Any, Final

_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
_FORMULA: Final = ("=", "+", "-", "@", "\N{MINUS SIGN}")
_LINE_BREAK: Final = re.compile("\r\n?")


def spreadsheet_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return a CSV text that a spreadsheet opens as what it is.

    RFC 4180: a header, ``\\r\\n``, decimal points. The header and every cell that is no number are
    guarded by :func:`escape_formula`; None, NaN and cells that a row does not have are empty.
    For a file or a download, pass the text through :func:`csv_file`; what goes through a pipe has
    no mark.

    Args:
        columns: column names, in their order; cells of other names are not written.
        rows: cells by column name.
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


def escape_formula(name: str) -> str:
    """Keep a text from becoming a formula in a spreadsheet.

    A text that begins like a formula gets an apostrophe and stands on one line, also where
    blanks, quotes or invisible characters stand before its sign, or the sign is a full-width one
    (OWASP, "CSV Injection"); a number stays a number. Line breaks of other texts stay, as ``\\n``;
    tabs and other control characters become spaces.
    """
    lines = _LINE_BREAK.sub("\n", name)
    text = "".join(" " if unicodedata.category(c) == "Cc" and c != "\n" else c for c in lines)
    seen = (c for c in unicodedata.normalize("NFKC", text) if not _is_ignored(c))
    if next(seen, "") in _FORMULA and not _NUMBER.fullmatch(text):
        return "'" + text.replace("\n", " ")
    return text


def _cell(value: Any) -> Any:
    if isinstance(value, Number):
        return value if value == value else ""  # NaN
    return "" if value is None else escape_formula(str(value))


def _is_ignored(character: str) -> bool:
    """Return whether a spreadsheet may ignore a character: blanks, invisible ones, quotes."""
    category = unicodedata.category(character)
    return category[0] in "ZC" or category in ("Pi", "Pf") or character in "\"'`"
