"""ROC and precision-recall curves of classes, or of models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from emosense.charts.layout import BOTTOM_LEGEND, layout
from emosense.charts.plain_text import plain_text
from emosense.evaluation.curves import Curve
from emosense.render.colours import COLOURS, GREY

if TYPE_CHECKING:
    import numpy.typing as npt
    from plotly.graph_objects import Figure

_MAX_POINTS: Final = 250


def roc_chart(curves: Mapping[str, Curve], colours: Mapping[str, str] | None = None) -> Figure:
    """Return ROC curves (one-vs-rest), areas under the curve in the legend.

    Args:
        curves: curves by emotion or by model label.
        colours: line colours by name; None for those of the emotions.
    """
    figure = _curves(curves, colours or COLOURS, "false positive rate", "true positive rate", "AUC")
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"dash": "dot", "color": GREY},
        showlegend=False,
        hoverinfo="skip",
    )
    return figure


def precision_recall_chart(
    curves: Mapping[str, Curve], colours: Mapping[str, str] | None = None
) -> Figure:
    """Return precision-recall curves (one-vs-rest), average precision in the legend.

    Args:
        curves: curves by emotion or by model label.
        colours: line colours by name; None for those of the emotions.
    """
    return _curves(curves, colours or COLOURS, "recall", "precision", "AP")


def _curves(
    curves: Mapping[str, Curve],
    colours: Mapping[str, str],
    x_title: str,
    y_title: str,
    area_name: str,
) -> Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    for name, curve in curves.items():
        rows = thin(curve.x, curve.y)
        figure.add_scatter(
            name=f"{plain_text(name)}, {area_name} {curve.area:.2f}",
            x=curve.x[rows],
            y=curve.y[rows],
            mode="lines",
            line={"color": colours[name], "width": 2},
            hovertemplate=f"{plain_text(name)}: {x_title} %{{x:.2f}}, {y_title} %{{y:.2f}}<extra></extra>",
        )
    axis = {"range": [-0.01, 1.01], "fixedrange": True}
    figure.update_layout(
        xaxis={"title": x_title, **axis},
        yaxis={"title": y_title, **axis},
        legend=BOTTOM_LEGEND,
        **layout(460),
    )
    return figure


def thin(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """Return the indices of at most 250 points, evenly spaced along the curve."""
    arc_length = np.concatenate([[0.0], (np.abs(np.diff(x)) + np.abs(np.diff(y))).cumsum()])
    indices = np.searchsorted(arc_length, np.linspace(0, arc_length[-1], _MAX_POINTS))
    return np.unique(np.append(np.minimum(indices, len(x) - 1), len(x) - 1))
