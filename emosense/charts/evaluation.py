"""Charts of model evaluation: headline and class metrics, learning curves, calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emosense.charts.plain_text import plain_text
from emosense.emotions import EMOTIONS
from emosense.evaluation.bootstrap import Interval
from emosense.evaluation.curves import Curve
from emosense.evaluation.reliability import ReliabilityBin
from emosense.evaluation.selective import CoverageCurve
from emosense.networks.model_card import ClassMetrics
from emosense.render.colours import COLOURS, GREY

if TYPE_CHECKING:
    import numpy.typing as npt
    from plotly.graph_objects import Figure

HEADLINES: Final = {
    "accuracy": "accuracy",
    "macro_precision": "precision",
    "macro_recall": "recall",
    "macro_f1": "F1",
}
"""Labels of the metrics in the paper's bar chart; all but accuracy are macro averages."""

_MAX_POINTS: Final = 250
_BOTTOM_LEGEND: Final = {"orientation": "h", "x": 0, "y": -0.2, "yanchor": "top"}


def headline_chart(
    models: Mapping[str, Mapping[str, Interval]],
    colours: Mapping[str, str],
    paper: Mapping[str, float],
) -> Figure:
    """Return the paper's grouped bar chart: four metrics per model, with 95 % intervals.

    Args:
        models: intervals by metric, as :func:`~emosense.evaluation.bootstrap.bootstrap` returns
            them, by model label.
        colours: bar colours by label.
        paper: accuracy in 0..1 that the paper reports, by label; models without one are missing.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for label, metrics in models.items():
        intervals = [metrics[name] for name in HEADLINES]
        figure.add_bar(
            name=plain_text(label),
            x=list(HEADLINES.values()),
            y=[100 * interval.value for interval in intervals],
            error_y={
                "array": [100 * (interval.high - interval.value) for interval in intervals],
                "arrayminus": [100 * (interval.value - interval.low) for interval in intervals],
                "color": GREY,
                "thickness": 1.5,
                "width": 3,
            },
            marker={"color": colours[label]},
            customdata=[[100 * interval.low, 100 * interval.high] for interval in intervals],
            hovertemplate=f"{plain_text(label)}, %{{x}}: %{{y:.1f}} % "
            "(%{customdata[0]:.1f} to %{customdata[1]:.1f})<extra></extra>",
            offsetgroup=label,
        )
    labels_in_paper = [label for label in models if label in paper]
    # Models that the paper lacks get an empty trace: it keeps each diamond on its model's bar.
    for label in models if labels_in_paper else ():
        figure.add_scatter(
            name="the paper's accuracy",
            legendgroup="paper",
            showlegend=label == labels_in_paper[0],
            x=["accuracy"],
            y=[100 * paper[label] if label in paper else None],
            offsetgroup=label,
            alignmentgroup="paper",
            mode="markers",
            marker={"symbol": "diamond", "size": 8, "color": "#FFFFFF", "line": {"width": 1.5}},
            hovertemplate=f"the paper's {plain_text(label)}: %{{y:.1f}} %<extra></extra>",
        )
    figure.update_layout(
        barmode="group",
        scattermode="group",
        yaxis={"title": "%", "range": [0, 100], "fixedrange": True},
        xaxis={"fixedrange": True},
        legend=_BOTTOM_LEGEND,
        **_layout(360),
    )
    return figure


def class_chart(
    models: Mapping[str, Mapping[str, ClassMetrics]], colours: Mapping[str, str], metric: str
) -> Figure:
    """Return grouped bars of one metric per class and model.

    Args:
        models: metrics by class, by model label.
        colours: bar colours by label.
        metric: ``precision``, ``recall`` or ``f1``.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for label, classes in models.items():
        figure.add_bar(
            name=plain_text(label),
            x=list(EMOTIONS),
            y=[100 * getattr(classes[name], metric) for name in EMOTIONS],
            marker={"color": colours[label]},
            hovertemplate=f"{plain_text(label)}, %{{x}}: %{{y:.1f}} %<extra></extra>",
        )
    figure.update_layout(
        barmode="group",
        yaxis={"title": "%", "range": [0, 100], "fixedrange": True},
        xaxis={"fixedrange": True},
        legend=_BOTTOM_LEGEND,
        showlegend=True,
        **_layout(340),
    )
    return figure


def roc_chart(curves: Mapping[str, Curve]) -> Figure:
    """Return the ROC curves of all classes (one-vs-rest), areas under the curve in the legend."""
    figure = _curves(curves, "false positive rate", "true positive rate", "AUC")
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"dash": "dot", "color": GREY},
        showlegend=False,
        hoverinfo="skip",
    )
    return figure


def precision_recall_chart(curves: Mapping[str, Curve]) -> Figure:
    """Return the precision-recall curves of all classes, average precision in the legend."""
    return _curves(curves, "recall", "precision", "AP")


def learning_chart(history: Sequence[Mapping[str, float]], best_epoch: int) -> Figure:
    """Return learning curves: training and validation accuracy and loss, best epoch marked."""
    from plotly.subplots import make_subplots

    figure = make_subplots(cols=2, subplot_titles=("accuracy", "loss"), horizontal_spacing=0.1)
    epochs = [int(row["epoch"]) for row in history]
    for column, metric in enumerate(("accuracy", "loss"), start=1):
        factor = 100 if metric == "accuracy" else 1
        for key, label, dash, colour in (
            (metric, "training", "dot", "#D9683C"),
            (f"val_{metric}", "validation", "solid", "#3F7FE0"),
        ):
            figure.add_scatter(
                x=epochs,
                y=[factor * row[key] for row in history],
                name=label,
                legendgroup=label,
                showlegend=column == 1,
                mode="lines" if len(epochs) > 1 else "markers",
                line={"dash": dash, "color": colour, "width": 2},
                hovertemplate=f"epoch %{{x}}, {label} {metric}: %{{y:.3g}}<extra></extra>",
                row=1,
                col=column,
            )
        figure.add_vline(
            x=best_epoch,
            line={"dash": "dash", "color": GREY},
            annotation_text=f"epoch {best_epoch}",
            annotation_position="bottom right" if best_epoch < max(epochs) / 2 else "bottom left",
            row=1,
            col=column,
        )
    figure.update_xaxes(title="epoch", fixedrange=True)
    figure.update_yaxes(fixedrange=True)
    figure.update_yaxes(ticksuffix=" %", row=1, col=1)
    figure.update_layout(legend={**_BOTTOM_LEGEND, "y": -0.25}, **_layout(320))
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
        **_layout(320),
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
        rows = first + _thin(curve.coverage[first:], curve.accuracy[first:])
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
        legend=_BOTTOM_LEGEND,
        showlegend=True,
        **_layout(340),
    )
    return figure


def _curves(curves: Mapping[str, Curve], x_title: str, y_title: str, area_name: str) -> Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    for name, curve in curves.items():
        rows = _thin(curve.x, curve.y)
        figure.add_scatter(
            name=f"{name}, {area_name} {curve.area:.2f}",
            x=curve.x[rows],
            y=curve.y[rows],
            mode="lines",
            line={"color": COLOURS[name], "width": 2},
            hovertemplate=f"{name}: {x_title} %{{x:.2f}}, {y_title} %{{y:.2f}}<extra></extra>",
        )
    axis = {"range": [-0.01, 1.01], "fixedrange": True}
    figure.update_layout(
        xaxis={"title": x_title, **axis},
        yaxis={"title": y_title, **axis},
        legend=_BOTTOM_LEGEND,
        **_layout(460),
    )
    return figure


def _thin(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """Return the indices of at most 250 points, evenly spaced along the curve."""
    arc_length = np.concatenate([[0.0], (np.abs(np.diff(x)) + np.abs(np.diff(y))).cumsum()])
    indices = np.searchsorted(arc_length, np.linspace(0, arc_length[-1], _MAX_POINTS))
    return np.unique(np.append(np.minimum(indices, len(x) - 1), len(x) - 1))


def _bar_opacity(reliability_bin: ReliabilityBin, bins: Sequence[ReliabilityBin]) -> float:
    """Return the opacity of a bar: bins with few images are faded."""
    max_images = max(b.images for b in bins)
    return 0.35 + 0.65 * min(1.0, 3 * reliability_bin.images / max_images)


def _layout(height: int) -> dict[str, Any]:
    # The top margin holds the button that saves the chart.
    return {"height": height, "margin": {"l": 0, "r": 24, "t": 28, "b": 0}}
