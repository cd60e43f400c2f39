"""Charts and tables of the Models page, each with a download."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import streamlit as st

from emosense import formatting
from emosense.export.spreadsheet import csv_file, spreadsheet_csv
from emosense.ui.components.plots import show_plot
from emosense.ui.components.tables import show_dataframe

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def show_chart(figure: Figure, name: str, alt: str) -> None:
    """Show a chart; its camera button saves it as SVG, drawn by the browser itself.

    Args:
        figure: a Plotly figure.
        name: name of the chart, unique on the page; also in the file name.
        alt: alternative text for screen readers.
    """
    show_plot(figure, f"chart_{name}", alt, save_as=f"emosense-{name}")


def show_table(
    rows: list[dict[str, Any]], name: str, formats: dict[str, str] | None = None
) -> None:
    """Show rows as a table with a CSV download.

    Args:
        rows: one dict per row, all with the same keys.
        name: name of the table, unique on the page; also in the file name.
        formats: printf-style format per column, e.g. ``"%.1f %%"``; the CSV has all digits. An empty
            one is of a column of text.
    """
    import pandas as pd

    frame = pd.DataFrame(rows)
    columns = {
        column: st.column_config.NumberColumn(format=number_format)
        for column, number_format in (formats or {}).items()
        if number_format
    }
    show_dataframe(
        frame,
        height="content",
        column_config=columns,
        placeholder="",
        key=f"table_{name}",
    )
    st.download_button(
        "CSV",
        lambda: csv_file(spreadsheet_csv(list(frame), frame.to_dict("records"))),
        file_name=f"emosense-{name}.csv",
        mime="text/csv",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
        key=f"csv_{name}",
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
