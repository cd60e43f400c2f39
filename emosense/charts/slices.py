"""Charts of slices of a test set, and of accuracy against the severity of corruptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from emosense.charts.layout import BOTTOM_LEGEND, error_bars, layout
from emosense.charts.plain_text import plain_text
from emosense.evaluation.robustness import RobustnessCurve
from emosense.evaluation.slices import FEW_IMAGES, Slice
from emosense.render.colours import GREY

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from emosense.evaluation.bootstrap import Interval

_STEP: Final = 0.05
"""Distance of two models' points on the axis of severities, so that their intervals are apart."""
_LEGEND: Final = {**BOTTOM_LEGEND, "y": 0, "yref": "container", "yanchor": "bottom"}
"""At the bottom of the chart, wherever the texts of the axis end."""


def slice_chart(
    slices: Mapping[str, Sequence[Slice]],
    colours: Mapping[str, str],
    bins: Sequence[str],
    axis: str,
    metric: str,
    metric_title: str,
) -> Figure:
    """Return a metric per bin and model with 95 % intervals; slices of few images are hollow.

    Args:
        slices: one slice per bin, by model label.
        colours: colours by label.
        bins: what each bin is called.
        axis: what the bins are of.
        metric: ``accuracy``, ``coverage`` or ``selective_accuracy``.
        metric_title: what it is called.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for label, of_model in slices.items():
        intervals = [getattr(each, metric) for each in of_model]
        symbols = [_symbol(each.images) for each in of_model]
        figure.add_scatter(
            name=plain_text(label),
            x=[title.replace(" to ", "<br>to ") for title in bins],
            y=[100 * interval.value for interval in intervals],
            error_y=_error_bars(intervals, colours[label]),
            mode="lines+markers",
            line={"color": colours[label], "width": 1},
            marker={"color": colours[label], "size": 8, "symbol": symbols},
            customdata=[
                [100 * interval.low, 100 * interval.high, each.images, title]
                for interval, each, title in zip(intervals, of_model, bins, strict=True)
            ],
            hovertemplate=f"{plain_text(label)}, %{{customdata[3]}}: %{{y:.1f}} % (%{{customdata[0]:.1f}} to "
            "%{customdata[1]:.1f}), %{customdata[2]} images<extra></extra>",
            offsetgroup=label,
        )
    figure.update_layout(
        scattermode="group",
        xaxis={"title": axis, "type": "category", "fixedrange": True},
        yaxis={"title": f"{metric_title}, %", "range": [0, 101], "fixedrange": True},
        legend=_LEGEND,
        showlegend=True,
        **layout(380),
    )
    return figure


def robustness_chart(curves: Mapping[str, RobustnessCurve], colours: Mapping[str, str]) -> Figure:
    """Return accuracy against severity with 95 % intervals, and the fraction of faces found.

    Points of few faces are hollow.

    Args:
        curves: curve by model label.
        colours: colours by label.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    # Models are given the same degraded faces: one line, unless some were made anew.
    found = {tuple(_found_fractions(curve)): label for label, curve in curves.items()}
    for fractions, label in found.items():
        name = "faces found" if len(found) == 1 else f"faces found, {plain_text(label)}"
        figure.add_scatter(
            name=name,
            x=list(range(len(fractions))),
            y=fractions,
            mode="lines",
            line={"color": GREY, "width": 2, "dash": "dot"},
            hovertemplate=f"{name}, severity %{{x}}: %{{y:.1f}} %<extra></extra>",
        )
    for index, (label, curve) in enumerate(curves.items()):
        results = (curve.clean, *curve.corrupted)
        shift = _STEP * (index - (len(curves) - 1) / 2)
        intervals = [result.accuracy for result in results]
        figure.add_scatter(
            name=plain_text(label),
            x=[result.severity + shift for result in results],
            y=[100 * interval.value for interval in intervals],
            error_y=_error_bars(intervals, colours[label]),
            mode="lines+markers",
            line={"color": colours[label], "width": 2},
            marker={"size": 8, "symbol": [_symbol(result.counted) for result in results]},
            customdata=[
                [result.severity, 100 * interval.low, 100 * interval.high, result.counted]
                for result, interval in zip(results, intervals, strict=True)
            ],
            hovertemplate=f"{plain_text(label)}, severity %{{customdata[0]}}: %{{y:.1f}} % "
            "(%{customdata[1]:.1f} to %{customdata[2]:.1f}), %{customdata[3]} faces"
            "<extra></extra>",
        )
    severities = range(max((len(fractions) for fractions in found), default=1))
    figure.update_layout(
        xaxis={
            "title": "severity (0: not corrupted)",
            "tickvals": list(severities),
            "range": [-0.3, len(severities) - 0.7],
            "fixedrange": True,
            "zeroline": False,
        },
        yaxis={"title": "accuracy, %", "range": [0, 101], "fixedrange": True},
        legend=_LEGEND,
        showlegend=True,
        **layout(380),
    )
    return figure


def _found_fractions(curve: RobustnessCurve) -> list[float]:
    return [100 * result.found_fraction for result in (curve.clean, *curve.corrupted)]


def _symbol(images: int) -> str:
    return "circle-open" if images < FEW_IMAGES else "circle"


def _error_bars(intervals: Sequence[Interval], colour: str) -> dict[str, Any]:
    bars = error_bars(
        [100 * interval.value for interval in intervals],
        [(100 * interval.low, 100 * interval.high) for interval in intervals],
    )
    return {**bars, "color": colour}
