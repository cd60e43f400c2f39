"""Charts of model evaluation: headline and class metrics, calibration, selective prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from emosense.charts.curves import thin
from emosense.charts.layout import BOTTOM_LEGEND, error_bars, layout
from emosense.charts.plain_text import plain_text
from emosense.emotions import EMOTIONS
from emosense.evaluation.bootstrap import Interval
from emosense.evaluation.reliability import ReliabilityBin
from emosense.evaluation.selective import CoverageCurve
from emosense.networks.model_card import ClassMetrics
from emosense.render.colours import GREY

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

HEADLINES: Final = {
    "accuracy": "accuracy",
    "macro_precision": "precision",
    "macro_recall": "recall",
    "macro_f1": "F1",
}
"""Labels of the metrics in the paper's bar chart; all but accuracy are macro averages."""


def headline_chart(
    models: Mapping[str, Mapping[str, Interval]],
    colours: Mapping[str, str],
    paper: Mapping[str, Mapping[str, float]],
) -> Figure:
    """Return the paper's grouped bar chart: four metrics per model, with 95 % intervals.

    Args:
        models: intervals by metric, as :func:`~emosense.evaluation.bootstrap.bootstrap` returns
            them, by model label.
        colours: bar colours by label.
        paper: the four metrics in 0..1 that the paper reports, by name, by label; models that the
            paper lacks are missing.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for label, metrics in models.items():
        intervals = [metrics[name] for name in HEADLINES]
        values = [100 * interval.value for interval in intervals]
        bounds = [(100 * interval.low, 100 * interval.high) for interval in intervals]
        figure.add_bar(
            name=plain_text(label),
            x=list(HEADLINES.values()),
            y=values,
            error_y=error_bars(values, bounds),
            marker={"color": colours[label]},
            customdata=bounds,
            hovertemplate=f"{plain_text(label)}, %{{x}}: %{{y:.1f}} % "
            "(%{customdata[0]:.1f} to %{customdata[1]:.1f})<extra></extra>",
            offsetgroup=label,
        )
    labels_in_paper = [label for label in models if label in paper]
    # Models that the paper lacks get an empty trace: it keeps each diamond on its model's bar.
    for label in models if labels_in_paper else ():
        figure.add_scatter(
            name="the paper",
            legendgroup="paper",
            showlegend=label == labels_in_paper[0],
            x=list(HEADLINES.values()),
            y=[100 * paper[label][name] if label in paper else None for name in HEADLINES],
            offsetgroup=label,
            alignmentgroup="paper",
            mode="markers",
            marker={"symbol": "diamond", "size": 8, "color": "#FFFFFF", "line": {"width": 1.5}},
            hovertemplate=f"the paper's {plain_text(label)}, %{{x}}: %{{y:.1f}} %<extra></extra>",
        )
    figure.update_layout(
        barmode="group",
        scattermode="group",
        yaxis={"title": "%", "range": [0, 100], "fixedrange": True},
        xaxis={"fixedrange": True},
        legend=BOTTOM_LEGEND,
        **layout(360),
    )
    return figure


def class_chart(
    models: Mapping[str, Mapping[str, ClassMetrics]],
    intervals: Mapping[str, Mapping[str, Mapping[str, Interval]]],
    colours: Mapping[str, str],
    metric: str,
) -> Figure:
    """Return grouped bars of one metric per class and model, with 95 % intervals.

    Args:
        models: metrics by class, by model label.
        intervals: intervals by metric, by class with images, by model label.
        colours: bar colours by label.
        metric: ``precision``, ``recall`` or ``f1``.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for label, classes in models.items():
        values = [100 * getattr(classes[name], metric) for name in EMOTIONS]
        bounds = []
        for name, value in zip(EMOTIONS, values, strict=True):
            interval = intervals[label][name][metric] if name in intervals[label] else None
            bounds.append((100 * interval.low, 100 * interval.high) if interval else (value, value))
        figure.add_bar(
            name=plain_text(label),
            x=list(EMOTIONS),
            y=values,
            error_y=error_bars(values, bounds),
            marker={"color": colours[label]},
            customdata=bounds,
            hovertemplate=f"{plain_text(label)}, %{{x}}: %{{y:.1f}} % "
            "(%{customdata[0]:.1f} to %{customdata[1]:.1f})<extra></extra>",
        )
    figure.update_layout(
        barmode="group",
        yaxis={"title": "%", "range": [0, 100], "fixedrange": True},
        xaxis={"fixedrange": True},
        legend=BOTTOM_LEGEND,
        showlegend=True,
        **layout(340),
    )
    return figure


def reliability_chart(
    bins: Sequence[ReliabilityBin], colour: str, raw: Sequence[ReliabilityBin] = ()
) -> Figure:
    """Return a reliability diagram: accuracy over confidence.

    Args:
        bins: bins of the calibrated probabilities, drawn as bars.
        colour: bar colour.
        raw: bins of the probabilities before calibration, drawn as a line; may be empty.
    """
    import plotly.graph_objects as go

    nonempty = [b for b in bins if b.images]
    figure = go.Figure(
        go.Bar(
            x=[100 * (b.low + b.high) / 2 for b in nonempty],
            y=[100 * b.accuracy for b in nonempty],
            width=[94 * (b.high - b.low) for b in nonempty],
            marker={"color": colour, "opacity": [_bar_opacity(b, nonempty) for b in nonempty]},
            customdata=[
                [100 * b.low, 100 * b.high, b.images, 100 * b.confidence] for b in nonempty
            ],
            hovertemplate="confidence %{customdata[0]:.0f} to %{customdata[1]:.0f} %, on average "
            "%{customdata[3]:.1f} %<br>accuracy: %{y:.1f} % of %{customdata[2]} images"
            "<extra></extra>",
        )
    )
    figure.add_scatter(
        x=[0, 100],
        y=[0, 100],
        mode="lines",
        line={"dash": "dot", "color": GREY, "width": 2},
        hoverinfo="skip",
    )
    if nonempty_raw := [b for b in raw if b.images]:
        figure.add_scatter(
            x=[100 * b.confidence for b in nonempty_raw],
            y=[100 * b.accuracy for b in nonempty_raw],
            mode="lines+markers",
            line={"color": GREY, "width": 1.5},
            marker={"size": 5},
            hovertemplate="before calibration: confidence %{x:.1f} %, accuracy %{y:.1f} %"
            "<extra></extra>",
        )
    axis = {"range": [0, 100], "fixedrange": True, "dtick": 20}
    figure.update_layout(
        xaxis={"title": "confidence, %", **axis},
        yaxis={"title": "accuracy, %", **axis},
        showlegend=False,
        bargap=0,
        **layout(320),
    )
    return figure


def coverage_chart(
    curves: Mapping[str, CoverageCurve],
    colours: Mapping[str, str],
    operating_points: Mapping[str, tuple[float, float]],
) -> Figure:
    """Return the accuracy-coverage curves of selective prediction.

    Args:
        curves: coverage curves by model label; coverage is the fraction of images answered.
        colours: line colours by label.
        operating_points: (coverage, accuracy) at the abstention threshold, by label; marked.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    lowest = 100.0
    for label, curve in curves.items():
        # The accuracy of the first few images is too noisy to show.
        first = len(curve.coverage) // 50
        rows = first + thin(curve.coverage[first:], curve.accuracy[first:])
        accuracy = 100 * curve.accuracy[rows]
        lowest = min(lowest, float(accuracy.min()))
        figure.add_scatter(
            name=plain_text(label),
            x=100 * curve.coverage[rows],
            y=accuracy,
            mode="lines",
            line={"color": colours[label], "width": 2},
            customdata=100 * curve.threshold[rows],
            hovertemplate=f"{plain_text(label)}: answering %{{x:.0f}} % of the images (confidence of "
            "%{customdata:.0f} % and more), accuracy %{y:.1f} %<extra></extra>",
        )
        if label in operating_points:
            coverage, accuracy_answered = operating_points[label]
            figure.add_scatter(
                x=[100 * coverage],
                y=[100 * accuracy_answered],
                mode="markers",
                marker={"color": colours[label], "size": 12, "symbol": "diamond"},
                showlegend=False,
                hovertemplate=f"{plain_text(label)} answers %{{x:.1f}} % of the images, "
                "accuracy %{y:.1f} %<extra></extra>",
            )
    figure.update_layout(
        xaxis={"title": "coverage: images answered, %", "range": [0, 100], "fixedrange": True},
        yaxis={
            "title": "accuracy, %",
            "range": [max(0.0, lowest - 5), 100],
            "fixedrange": True,
        },
        legend=BOTTOM_LEGEND,
        showlegend=True,
        **layout(340),
    )
    return figure


def _bar_opacity(reliability_bin: ReliabilityBin, bins: Sequence[ReliabilityBin]) -> float:
    """Return the opacity of a bar: bins with few images are faded."""
    max_images = max(b.images for b in bins)
    return 0.35 + 0.65 * min(1.0, 3 * reliability_bin.images / max_images)
