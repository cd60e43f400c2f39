"""Tables on pages, whose cells are safe to copy into a spreadsheet.

A table has a button "Download as CSV", and its cells can be copied; the browser makes both from the
data that it was sent. So all texts are sent as they stand in the app's own CSV files, also headers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from emosense.export.spreadsheet import escape_formula
from emosense.export.text_table import format_cell
from emosense.formatting import probability_percent

if TYPE_CHECKING:
    import pandas as pd

_PICTURE_WIDTH: Final = 56


def show_dataframe(
    rows: Iterable[Mapping[str, Any]] | Mapping[str, Sequence[Any]] | pd.DataFrame,
    *,
    probabilities: Collection[str] = (),
    pictures: Collection[str] = (),
    formats: Mapping[str, str] | None = None,
    starred: Collection[tuple[int, str]] = (),
    column_config: Mapping[str, Any] | None = None,
    **options: Any,
) -> Any:
    """Show a table without its index, as wide as its container.

    Args:
        rows: one dict per row, all with the same keys, or the values by column.
        probabilities: columns that hold probabilities, in 0..1: shown in percent, sorted as numbers.
        pictures: columns that hold pictures as data URLs.
        formats: formats of columns of numbers, see :func:`~emosense.export.text_table.format_cell`.
        starred: (row, column) of cells in such columns that are marked by a star.
        column_config: configuration of other columns; see :func:`streamlit.dataframe`.
        options: other arguments of :func:`streamlit.dataframe`.

    Returns:
        The return value of :func:`streamlit.dataframe`.
    """
    import pandas as pd  # takes a quarter of a second: only when a table is shown

    config = dict(column_config or {})
    for column in pictures:
        config[column] = st.column_config.ImageColumn("", width=_PICTURE_WIDTH)
    frame = pd.DataFrame(rows)
    for column in frame.columns.difference(list(pictures)):
        if not pd.api.types.is_numeric_dtype(frame[column]):
            frame[column] = frame[column].map(_cell)
    frame.columns = [escape_formula(str(column)) for column in frame.columns]
    data: Any = frame
    if probabilities:
        if frame.size <= pd.get_option("styler.render.max_elements"):
            data = frame.style.format(dict.fromkeys(probabilities, probability_percent))
        else:
            percent = st.column_config.NumberColumn(format="percent")
            config |= dict.fromkeys(probabilities, percent)
    if formats:
        data = _formatted(frame, formats, starred)
    return st.dataframe(
        data,
        hide_index=True,
        width="stretch",
        column_config={escape_formula(column): value for column, value in config.items()},
        **options,
    )


def _formatted(
    frame: pd.DataFrame, formats: Mapping[str, str], starred: Collection[tuple[int, str]]
) -> Any:
    styler = frame.style
    for column, number_format in formats.items():
        for mark in ("", "★ "):
            rows = [row for row in frame.index if ((row, column) in starred) == bool(mark)]
            styler.format(
                lambda value, text=number_format, mark=mark: mark + format_cell(value, text),
                subset=(rows, escape_formula(column)),
            )
    return styler


def edit_column(
    rows: Mapping[str, Sequence[Any]],
    column: str,
    options: Sequence[str],
    *,
    titles: Mapping[str, str],
    pictures: Collection[str] = (),
    key: str,
    **further: Any,
) -> list[str]:
    """Show a table in which the values of one column are chosen, and return them.

    Args:
        rows: the values by column.
        column: the column that is edited.
        options: its allowed values.
        titles: headers by column.
        pictures: columns that hold pictures as data URLs.
        key: key of the table.
        further: other arguments of :func:`streamlit.data_editor`.
    """
    columns: dict[str, Any] = {name: st.column_config.Column(titles[name]) for name in titles}
    columns |= {
        name: st.column_config.ImageColumn("", width=_PICTURE_WIDTH + 14) for name in pictures
    }
    columns[column] = st.column_config.SelectboxColumn(
        titles[column], options=list(options), required="" not in options
    )
    edited = st.data_editor(
        {
            name: list(values) if name in pictures else [_cell(value) for value in values]
            for name, values in rows.items()
        },
        hide_index=True,
        disabled=[name for name in rows if name != column],
        column_config=columns,
        key=key,
        **further,
    )
    # An emptied cell is None.
    return [value or "" for value in edited[column]]


def _cell(value: Any) -> Any:
    return escape_formula(value) if isinstance(value, str) else value
