"""Charts of video results."""

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

_MAX_POINTS = 1500


def timeline_chart(timeline: Timeline, window: float, cursor: float | None) -> Figure:
    """Return a person's seven probabilities over time.

    Args:
        timeline: the person's timeline.
        window: width of the moving average in seconds; 0 shows the raw values.
        cursor: time in seconds at which a vertical line is drawn; None draws none.
    """
    import plotly.graph_objects as go

    values = timeline.moving_average(window)
    rows = np.unique(np.linspace(0, len(values) - 1, min(len(values), _MAX_POINTS)).astype(int))
    # NaN breaks the curve where the person is not visible.
    intervals = np.diff(timeline.times)
    typical_interval = float(np.median(intervals)) if len(intervals) else 0.0
    gaps = np.flatnonzero(intervals > max(3 * typical_interval, 0.5)) + 1
    breaks = np.searchsorted(rows, gaps)
    times = np.insert(timeline.times[rows], breaks, np.nan)
    values = np.insert(values[rows], breaks, np.nan, axis=0)
    figure = go.Figure()
    for class_index, name in enumerate(EMOTIONS):
        figure.add_scatter(
            x=times,
            y=100 * values[:, class_index],
            name=name,
            mode="lines+markers",  # only markers can be clicked
            line={"color": COLOURS[name], "width": 2},
            marker={"size": 4},
            unselected={"marker": {"opacity": 1}},
            hovertemplate=f"{name} %{{y:.0f}} % at %{{x:.2f}} s<extra></extra>",
        )
    if cursor is not None:
        figure.add_vline(x=cursor, line={"dash": "dash", "color": GREY})
    figure.update_layout(
        height=300,
        margin={"l": 0, "r": 8, "t": 28, "b": 0},
        xaxis={"title": "seconds", "rangemode": "nonnegative"},
        yaxis={"title": "%", "range": [0, 100], "fixedrange": True},
        legend={"orientation": "h", "x": 0, "y": -0.25, "yanchor": "top"},
        dragmode="zoom",
    )
    return figure


def time_share_chart(timelines: Sequence[Timeline]) -> Figure:
    """Return stacked bars, one per person: the fraction of visible time of each verdict."""
    import plotly.graph_objects as go

    people = [timeline.label for timeline in timelines]
    figure = go.Figure()
    for name in VERDICTS:
        figure.add_bar(
            name=name,
            y=people,
            x=[100 * timeline.time_share[name] for timeline in timelines],
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
