"""Learning curves of one network, and of several in one chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from emosense.charts.layout import BOTTOM_LEGEND, layout
from emosense.charts.plain_text import plain_text
from emosense.render.colours import GREY

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_DASHES: Final = {"training": "dot", "validation": "solid"}


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
    figure.update_layout(legend={**BOTTOM_LEGEND, "y": -0.25}, **layout(344))
    figure.update_layout(margin_t=52)  # the titles of the two are below the buttons
    return figure


def learning_comparison_chart(
    histories: Mapping[str, Sequence[Mapping[str, Any]]],
    colours: Mapping[str, str],
    metric: str,
    *,
    by_time: bool = False,
) -> Figure:
    """Return the learning curves of several networks: validation solid, training dotted.

    Args:
        histories: rows of all epochs, by model label.
        colours: line colours by label.
        metric: ``accuracy`` or ``loss``.
        by_time: over the hours of training instead of epochs.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    factor, unit = (100, " %") if metric == "accuracy" else (1, "")
    place = "%{x:.3~g} h" if by_time else "epoch %{x}"
    for label, history in histories.items():
        x: list[float] = [row["epoch"] for row in history]
        if by_time:
            x = [seconds / 3600 for seconds in accumulate(row["seconds"] for row in history)]
        for title, dash in _DASHES.items():
            key = metric if title == "training" else f"val_{metric}"
            figure.add_scatter(
                name=plain_text(label),
                legendgroup=label,
                showlegend=title == "validation",
                x=x,
                y=[factor * row[key] for row in history],
                mode="lines" if len(x) > 1 else "markers",
                marker={"symbol": "circle" if title == "validation" else "circle-open"},
                line={"dash": dash, "color": colours[label], "width": 2},
                hovertemplate=f"{plain_text(label)}, {place}: "
                f"{title} {metric} %{{y:.3g}}{unit}<extra></extra>",
            )
    figure.update_layout(
        xaxis={"title": "training time, hours" if by_time else "epoch", "fixedrange": True},
        yaxis={"title": f"{metric}{',' if unit else ''}{unit}", "fixedrange": True},
        legend=BOTTOM_LEGEND,
        showlegend=True,
        **layout(400),
    )
    return figure
