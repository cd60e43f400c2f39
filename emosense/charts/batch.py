"""Charts of a batch of photos."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from emosense.emotions import EMOTIONS
from emosense.render.colours import COLOURS
from emosense.results import Face

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def probability_histogram(faces: Sequence[Face]) -> Figure:
    """Return a histogram of the faces' top probabilities in steps of 10 %, stacked by emotion."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for name in EMOTIONS:
        values = [100 * face.probability for face in faces if face.emotion == name]
        if values:
            figure.add_histogram(
                x=values,
                name=name,
                xbins={"start": 0, "end": 100.001, "size": 10},
                marker={"color": COLOURS[name]},
                hovertemplate=f"{name}, %{{x}} %: %{{y}} faces<extra></extra>",
            )
    figure.update_layout(
        barmode="stack",
        height=280,
        margin={"l": 0, "r": 24, "t": 24, "b": 0},
        xaxis={"title": "top probability, %", "fixedrange": True, "range": [10, 100], "dtick": 10},
        yaxis={"title": "faces", "fixedrange": True, "rangemode": "tozero", "tickformat": "d"},
        bargap=0.06,
        showlegend=False,
    )
    return figure
