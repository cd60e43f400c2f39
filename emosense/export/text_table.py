"""Tables as Markdown and HTML, for papers and reports, with the cells as pages show them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from html import escape
from numbers import Number, Real
from typing import Any, Final

from emosense.formatting import format_p_value

Row = Mapping[str, Any]
_MARKUP: Final = re.compile(r"[\\`*_\[\]<>|&~$]")


def format_cell(value: Any, number_format: str = "") -> str:
    """Return a cell as text.

    Args:
        value: a number, a text, or None, which is empty like NaN.
        number_format: printf-style format of a number, ``localized`` for digits in groups, or
            ``p-value``; empty for the number as it is.

    >>> format_cell(62.41, "%.1f %%"), format_cell(4232199, "localized"), format_cell(None)
    ('62.4 %', '4,232,199', '')
    """
    if value is None or value != value:
        return ""
    if not isinstance(value, Real) or not number_format:
        return str(value)
    if number_format == "p-value":
        return format_p_value(float(value))
    return f"{value:,}" if number_format == "localized" else number_format % value


def best_cells(rows: Sequence[Row], columns: Mapping[str, bool]) -> set[tuple[int, str]]:
    """Return (row, column) of the best value of each column; all of them on a tie.

    Args:
        rows: cells by column name.
        columns: whether the largest value is the best one, by column; else it is the smallest.

    >>> best_cells([{"ECE": 0.02}, {"ECE": 0.01}], {"ECE": False})
    {(1, 'ECE')}
    """
    best = set()
    for column, largest in columns.items():
        values = {
            index: value
            for index, row in enumerate(rows)
            if (value := row.get(column)) is not None and value == value
        }
        if len(values) > 1:
            target = max(values.values()) if largest else min(values.values())
            best |= {(index, column) for index, value in values.items() if value == target}
    return best


def markdown_table(
    rows: Sequence[Row], formats: Mapping[str, str], best: Collection[tuple[int, str]] = ()
) -> str:
    """Return a table in GitHub's Markdown; cells of ``best`` are bold.

    Args:
        rows: at least one; all have the same keys, the headers.
        formats: formats of columns, see :func:`format_cell`.
        best: (row, column) of the cells in bold.

    >>> print(markdown_table([{"model": "a|b", "ECE": 0.01}], {"ECE": "%.3f"}, {(0, "ECE")}))
    | model | ECE |
    |---|---:|
    | a\\|b | **0.010** |
    <BLANKLINE>
    """
    columns = list(rows[0])
    lines = [_line(map(_escape_markdown, columns))]
    lines.append(f"|{'|'.join('---:' if _is_numeric(rows, c) else '---' for c in columns)}|")
    for index, row in enumerate(rows):
        cells = [_escape_markdown(format_cell(row[c], formats.get(c, ""))) for c in columns]
        lines.append(
            _line(
                f"**{text}**" if (index, column) in best else text
                for column, text in zip(columns, cells, strict=True)
            )
        )
    return "\n".join(lines) + "\n"


def html_table(
    rows: Sequence[Row], formats: Mapping[str, str], best: Collection[tuple[int, str]] = ()
) -> str:
    """Return a table in HTML, with all texts escaped; see :func:`markdown_table`.

    >>> html_table([{"a": "<b>"}], {})
    '<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>&lt;b&gt;</td></tr></tbody></table>'
    """
    columns = list(rows[0])
    body = []
    for index, row in enumerate(rows):
        cells = []
        for column in columns:
            text = escape(format_cell(row[column], formats.get(column, "")))
            kind = ' class="number"' if isinstance(row[column], Number) else ""
            text = f"<strong>{text}</strong>" if (index, column) in best else text
            cells.append(f"<td{kind}>{text}</td>")
        body.append(f"<tr>{''.join(cells)}</tr>")
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def _escape_markdown(text: str) -> str:
    return _MARKUP.sub(r"\\\g<0>", " ".join(text.split()))


def _is_numeric(rows: Sequence[Row], column: str) -> bool:
    return all(row[column] is None or isinstance(row[column], Number) for row in rows)
