"""Confusion matrices as heat maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from emosense.charts.plain_text import plain_text
from emosense.emotions import EMOTIONS
from emosense.evaluation.metrics import safe_divide
from emosense.formatting import percent

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# One text colour for all cells of a page; its contrast with every cell is at least 4.5 (WCAG 2.2).
_TEXT_COLOURS: Final = {False: "#10141D", True: "#F2F5FB"}
_BLUES: Final = {
    False: [[0.0, "#F1F5FD"], [1.0, "#86ACF0"]],
    True: [[0.0, "#161D2B"], [1.0, "#3560B5"]],
}
_DIVERGING: Final = {
    False: [[0.0, "#E9A78A"], [0.5, "#F7F7F5"], [1.0, "#86ACF0"]],
    True: [[0.0, "#8F4A2C"], [0.5, "#161D2B"], [1.0, "#3560B5"]],
}
"""Colour scales for light (False) and dark (True) pages; zero has the background's colour."""


def confusion_chart(
    confusion: npt.NDArray[np.integer], *, normalize: bool, dark: bool = False
) -> Figure:
    """Return a confusion matrix as a heat map: rows are true classes, columns predicted ones.

    Args:
        confusion: (7, 7) counts.
        normalize: show each row as percentages of its true class instead of counts.
        dark: whether the page is dark.
    """
    row_fractions = normalize_rows(confusion)
    values = 100 * row_fractions if normalize else confusion.astype(float)
    return _heatmap(
        values,
        [[_cell_text(value, normalize=normalize) for value in row] for row in values],
        np.stack([confusion, 100 * row_fractions], axis=-1),
        "true: %{y}, predicted: %{x}<br>%{customdata[0]:,} images, "
        "%{customdata[1]:.1f} % of the true class<extra></extra>",
        _BLUES,
        dark,
        (0.0, 100.0 if normalize else float(values.max())),
    )


def difference_chart(
    first: npt.NDArray[np.integer],
    second: npt.NDArray[np.integer],
    labels: tuple[str, str],
    *,
    dark: bool = False,
) -> Figure:
    """Return the difference of two row-normalised confusion matrices, in percentage points.

    Args:
        first: (7, 7) counts.
        second: (7, 7) counts on the same images.
        labels: names of the two models.
        dark: whether the page is dark.
    """
    points = 100 * (normalize_rows(first) - normalize_rows(second))
    limit = max(1.0, float(np.abs(points).max()))
    return _heatmap(
        points,
        [[f"{value:+.0f}" if round(value) else "0" for value in row] for row in points],
        np.stack([first, second, points], axis=-1),
        f"true: %{{y}}, predicted: %{{x}}<br>{plain_text(labels[0])}: %{{customdata[0]:,}}, "
        f"{plain_text(labels[1])}: %{{customdata[1]:,}} images<br>"
        "%{customdata[2]:+.1f} points of the true class<extra></extra>",
        _DIVERGING,
        dark,
        (-limit, limit),
    )


def _cell_text(value: float, *, normalize: bool) -> str:
    """Return a cell's text: a count, or a percentage without the sign ("<1" if it rounds to 0)."""
    return percent(value / 100).removesuffix(" %") if normalize else f"{value:.0f}"


def normalize_rows(confusion: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """Return each row divided by its sum; rows without images stay 0."""
    support = confusion.sum(axis=1, keepdims=True).astype(float)
    return safe_divide(confusion.astype(float), np.broadcast_to(support, confusion.shape))


def _heatmap(
    values: npt.NDArray[np.float64],
    texts: list[list[str]],
    hover_data: npt.NDArray[np.floating],
    hover_template: str,
    scales: Mapping[bool, list[list[object]]],
    dark: bool,
    limits: tuple[float, float],
) -> Figure:
    import plotly.graph_objects as go

    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=list(EMOTIONS),
            y=list(EMOTIONS),
            text=texts,
            texttemplate="%{text}",
            customdata=hover_data,
            hovertemplate=hover_template,
            colorscale=scales[dark],
            textfont={"color": _TEXT_COLOURS[dark]},
            # frame.js saves charts in these light colours, from dark pages too.
            meta={
                "light": {"colorscale": scales[False], "textfont": {"color": _TEXT_COLOURS[False]}}
            },
            zmin=limits[0],
            zmax=limits[1],
            showscale=False,
            xgap=1,
            ygap=1,
        )
    )
    figure.update_layout(
        height=400,
        margin={"l": 0, "r": 0, "t": 28, "b": 0},
        xaxis={"title": "predicted", "fixedrange": True, "showgrid": False, "tickangle": -40},
        yaxis={"title": "true", "autorange": "reversed", "fixedrange": True, "showgrid": False},
    )
    return figure
