"""Charts of a video's result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from emosense.emotions import EMOTIONS
from emosense.render.colours import COLOURS, GREY, UNSURE_COLOUR
from emosense.results import VERDICTS
from emosense.video.timeline import Timeline

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_POINTS = 1500


def timeline_chart(line: Timeline, window: float, moment: float | None) -> Figure:
    """Return a person's seven probabilities over time.

    Args:
        line: timeline of the person.
        window: seconds over which values are averaged; 0 shows them raw.
        moment: seconds at which a mark stands, or None.
    """
    import plotly.graph_objects as go

    values = line.moving_average(window)
    rows = np.unique(np.linspace(0, len(values) - 1, min(len(values), _POINTS)).astype(int))
    # A gap in which the person is not seen breaks the line.
    typical = float(np.median(np.diff(line.times))) if len(line.times) > 1 else 0.0
    gaps = np.flatnonzero(np.diff(line.times) > max(3 * typical, 0.5)) + 1
    times, values_shown = line.times[rows], values[rows]
    breaks = np.searchsorted(rows, gaps)
    times = np.insert(times, breaks, np.nan)
    values_shown = np.insert(values_shown, breaks, np.nan, axis=0)
    figure = go.Figure()
    for class_index, name in enumerate(EMOTIONS):
        figure.add_scatter(
            x=times,
            y=100 * values_shown[:, class_index],
            name=name,
            mode="lines+markers",  # only markers can be clicked
            line={"color": COLOURS[name], "width": 2},
            marker={"size": 4},
            unselected={"marker": {"opacity": 1}},
            hovertemplate=f"{name} %{{y:.0f}} % at %{{x:.2f}} s<extra></extra>",
        )
    if moment is not None:
        figure.add_vline(x=moment, line={"dash": "dash", "color": GREY})
    figure.update_layout(
        height=300,
        margin={"l": 0, "r": 8, "t": 28, "b": 0},
        xaxis={"title": "seconds", "rangemode": "nonnegative"},
        yaxis={"title": "%", "range": [0, 100], "fixedrange": True},
        legend={"orientation": "h", "x": 0, "y": -0.25, "yanchor": "top"},
        dragmode="zoom",
    )
    return figure


def time_share_chart(lines: Sequence[Timeline]) -> Figure:
    """Return stacked bars: the share of time of each emotion, a bar per person."""
    import plotly.graph_objects as go

    people = [f"person {line.person}" for line in lines]
    figure = go.Figure()
    for name in VERDICTS:
        figure.add_bar(
            name=name,
            y=people,
            x=[100 * line.time_share[name] for line in lines],
            orientation="h",
            marker={"color": COLOURS.get(name, UNSURE_COLOUR)},
            hovertemplate=f"%{{y}}: {name} %{{x:.0f}} % of the time<extra></extra>",
        )
    figure.update_layout(
        barmode="stack",
        height=130 + 30 * len(people),
        margin={"l": 0, "r": 8, "t": 60, "b": 0},
        xaxis={"title": "% of the time seen", "range": [0, 100], "fixedrange": True},
        yaxis={"autorange": "reversed", "fixedrange": True},
        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "traceorder": "normal"},
    )
    return figure
