"""Charts and tables of the Models page, each with a download."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from emosense import formatting
from emosense.export.spreadsheet import csv_file, spreadsheet_csv
from emosense.export.text_table import best_cells, markdown_table
from emosense.ui.components.deferred import show_when_reached
from emosense.ui.components.plots import show_plot
from emosense.ui.components.tables import show_dataframe

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def show_chart(figure: Figure, name: str, alt: str, *, deferred: bool = False) -> None:
    """Show a chart; its buttons save it as SVG or PNG, drawn by the browser itself.

    Args:
        figure: a Plotly figure.
        name: name of the chart, unique on the page; also in the file name.
        alt: alternative text for screen readers.
        deferred: whether it is drawn once the visitor scrolls to it: for charts below the first
            window of a view.
    """
    show = partial(show_plot, figure, f"chart_{name}", alt, save_as=f"emosense-{name}")
    if deferred:
        show_when_reached(f"chart_{name}", int(figure.layout.height), alt, show)
    else:
        show()


def show_table(
    rows: list[dict[str, Any]],
    name: str,
    formats: dict[str, str] | None = None,
    *,
    best: Mapping[str, bool] | None = None,
    pinned: str | None = None,
) -> None:
    """Show rows as a table with downloads as CSV and Markdown.

    Args:
        rows: one dict per row, all with the same keys.
        name: name of the table, unique on the page; also in the file name.
        formats: format per column, as :func:`~emosense.export.text_table.format_cell` takes it, e.g.
            ``"%.1f %%"``; the CSV has all digits. An empty one is of a column of text.
        best: whether the largest value is the best one, by column: it is marked by a star. With
            it, also if empty, cells read as in the Markdown; without, the browser formats them.
        pinned: column that stays in sight when the table is scrolled.
    """
    import pandas as pd

    frame, number_formats = pd.DataFrame(rows), {k: v for k, v in (formats or {}).items() if v}
    marked = best_cells(rows, best or {})
    columns: dict[str, Any] = {}
    if best is None:  # else the cells are sent as texts beside their numbers
        columns = {
            column: st.column_config.NumberColumn(format=number_format)
            for column, number_format in number_formats.items()
        }
    if pinned is not None:
        columns[pinned] = st.column_config.TextColumn(pinned=True)
    show_dataframe(
        frame,
        formats={} if best is None else number_formats,
        starred=marked,
        height="content",
        column_config=columns,
        placeholder="",
        key=f"table_{name}",
    )
    with st.container(horizontal=True, key=f"downloads_{name}"):
        _download(
            "CSV",
            lambda: csv_file(spreadsheet_csv(list(frame), frame.to_dict("records"))),
            f"{name}.csv",
            "text/csv",
        )
        _download(
            "Markdown",
            lambda: markdown_table(rows, number_formats, marked).encode(),
            f"{name}.md",
            "text/markdown",
        )


def _download(label: str, make: Callable[[], bytes], file_name: str, mime: str) -> None:
    st.download_button(
        label,
        make,
        file_name=f"emosense-{file_name}",
        mime=mime,
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
        key=f"download_{file_name}",
    )


@contextmanager
def collapsed_expander(label: str, key: str, icon: str | None = None) -> Iterator[bool]:
    """Show an expander that is collapsed at first, and yield whether it is expanded.

    Callers skip the content while it is collapsed: tables and code load large scripts.
    """
    with st.expander(label, key=key, on_change="rerun", icon=icon) as expander:
        yield bool(expander.open)


def percent(value: float) -> str:
    """Return a fraction in 0..1 as text, e.g. ``61.6 %``."""
    return formatting.percent(value, 1)
