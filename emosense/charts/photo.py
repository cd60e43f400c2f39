"""Charts of photo results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from emosense.emotions import EMOTIONS
from emosense.formatting import probability_percent
from emosense.render.colours import COLOURS, UNSURE_COLOUR
from emosense.results import VERDICTS, Face

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def probability_chart(face: Face) -> Figure:
    """Return a horizontal bar chart of a face's seven probabilities, top emotion outlined."""
    import plotly.graph_objects as go

    values = [100 * p for p in face.probabilities]
    figure = go.Figure(
        go.Bar(
            x=values,
            y=list(EMOTIONS),
            orientation="h",
            text=[probability_percent(p) for p in face.probabilities],
            textposition="outside",
            cliponaxis=False,
            marker={
                "color": [COLOURS[name] for name in EMOTIONS],
                "line": {
                    "width": [2 if name == face.emotion else 0 for name in EMOTIONS],
                    "color": "#808890",
                },
            },
            customdata=[probability_percent(p, 1) for p in face.probabilities],
            hovertemplate="%{y}: %{customdata}<extra></extra>",
        )
    )
    figure.update_layout(
        height=230,
        margin={"l": 0, "r": 36, "t": 4, "b": 4},
        xaxis={"range": [0, 100], "visible": False, "fixedrange": True},
        yaxis={"autorange": "reversed", "fixedrange": True},
        showlegend=False,
        bargap=0.25,
    )
    return figure


def verdict_counts_chart(verdicts: Sequence[str]) -> Figure:
    """Return a bar chart of the number of faces per verdict (an emotion or "unsure")."""
    import plotly.graph_objects as go

    counts = [verdicts.count(name) for name in VERDICTS]
    figure = go.Figure(
        go.Bar(
            x=list(VERDICTS),
            y=counts,
            text=[str(count) if count else "" for count in counts],
            textposition="outside",
            cliponaxis=False,
            marker={"color": [COLOURS.get(name, UNSURE_COLOUR) for name in VERDICTS]},
            hovertemplate="%{x}: %{y} faces<extra></extra>",
        )
    )
    figure.update_layout(
        height=280,
        margin={"l": 0, "r": 24, "t": 24, "b": 0},
        xaxis={"fixedrange": True},
        yaxis={"title": "faces", "fixedrange": True, "rangemode": "tozero", "tickformat": "d"},
        showlegend=False,
    )
    return figure
