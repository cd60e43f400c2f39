"""Confusion matrices as heat maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS
from emosense.evaluation.metrics import ratio

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_BLUES: Final = [[0.0, "#EDF2FB"], [0.5, "#7FA5E6"], [1.0, "#1B4597"]]
_DIVERGING: Final = [[0.0, "#B4532A"], [0.5, "#F4F4F2"], [1.0, "#1B4597"]]


def confusion_chart(confusion: npt.NDArray[np.integer], *, shares: bool) -> Figure:
    """Return a heat map; rows are the true classes, columns the answers.

    Args:
        confusion: (7, 7) counts.
        shares: colour and label by the share of the true class instead of by counts.
    """
    part = row_shares(confusion)
    shown = 100 * part if shares else confusion.astype(float)
    return _heatmap(
        shown,
        [[f"{value:.0f}" for value in row] for row in shown],
        np.stack([confusion, 100 * part], axis=-1),
        "true: %{y}, answer: %{x}<br>%{customdata[0]:,} images, "
        "%{customdata[1]:.1f} % of the true class<extra></extra>",
        _BLUES,
        (0.0, 100.0 if shares else float(shown.max())),
    )


def difference_chart(
    first: npt.NDArray[np.integer], second: npt.NDArray[np.integer], labels: tuple[str, str]
) -> Figure:
    """Return where the first model answers more often than the second, in points of the row.

    Args:
        first: (7, 7) counts.
        second: (7, 7) counts on the same images.
        labels: names of the two.
    """
    points = 100 * (row_shares(first) - row_shares(second))
    limit = max(1.0, float(np.abs(points).max()))
    return _heatmap(
        points,
        [[f"{value:+.0f}" if round(value) else "0" for value in row] for row in points],
        np.stack([first, second, points], axis=-1),
        f"true: %{{y}}, answer: %{{x}}<br>{labels[0]}: %{{customdata[0]:,}}, "
        f"{labels[1]}: %{{customdata[1]:,}} images<br>"
        "%{customdata[2]:+.1f} points of the true class<extra></extra>",
        _DIVERGING,
        (-limit, limit),
    )


def row_shares(confusion: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """Return each row divided by its sum; rows without images stay 0."""
    support = confusion.sum(axis=1, keepdims=True).astype(float)
    return ratio(confusion.astype(float), np.broadcast_to(support, confusion.shape))


def _heatmap(
    values: npt.NDArray[np.float64],
    texts: list[list[str]],
    details: npt.NDArray[np.floating],
    hover: str,
    scale: list[list[object]],
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
            customdata=details,
            hovertemplate=hover,
            colorscale=scale,
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
        xaxis={"title": "answer", "fixedrange": True, "showgrid": False, "tickangle": -40},
        yaxis={"title": "true", "autorange": "reversed", "fixedrange": True, "showgrid": False},
    )
    return figure
