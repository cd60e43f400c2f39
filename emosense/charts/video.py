"""Charts of video results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from emosense.render.colours import COLOURS, UNSURE_COLOUR
from emosense.results import VERDICTS
from emosense.video.timeline import Timeline

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


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
