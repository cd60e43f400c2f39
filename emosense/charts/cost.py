"""Accuracy of networks over their cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from emosense.charts.layout import BOTTOM_LEGEND, error_bars, layout
from emosense.charts.plain_text import plain_text
from emosense.evaluation.bootstrap import Interval
from emosense.evaluation.pareto import pareto_front
from emosense.render.colours import GREY

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def cost_chart(
    scores: Mapping[str, Interval],
    costs: Mapping[str, float],
    colours: Mapping[str, str],
    titles: tuple[str, str],
    *,
    higher_is_cheaper: bool = False,
) -> Figure:
    """Return a scatter chart of a score over a cost on a logarithmic axis, Pareto front marked.

    Networks on the front are diamonds, joined by a line; the others are circles.

    Args:
        scores: the score in 0..1 with its 95 % interval, by model label.
        costs: cost above 0, by label, of at least one; labels without one are left out.
        colours: marker colours by label.
        titles: titles of the score and of the cost.
        higher_is_cheaper: whether a high "cost" is good, as of a throughput.
    """
    import plotly.graph_objects as go

    score_title, cost_title = titles
    figure = go.Figure()
    shown = {label: score for label, score in scores.items() if label in costs}
    sign = -1 if higher_is_cheaper else 1
    front = pareto_front({label: (sign * costs[label], shown[label].value) for label in shown})
    figure.add_scatter(
        name="Pareto front",
        x=[costs[label] for label in front],
        y=[100 * shown[label].value for label in front],
        mode="lines",
        line={"dash": "dash", "color": GREY, "width": 1.5},
        hoverinfo="skip",
    )
    for label, score in shown.items():
        best = label in front
        bounds = (100 * score.low, 100 * score.high)
        figure.add_scatter(
            name=plain_text(label),
            x=[costs[label]],
            y=[100 * score.value],
            error_y=error_bars([100 * score.value], [bounds]),
            mode="markers",
            marker={
                "color": colours[label],
                "size": 14 if best else 11,
                "symbol": "diamond" if best else "circle",
            },
            hovertemplate=f"{plain_text(label)}{', on the Pareto front' if best else ''}<br>"
            f"{score_title} %{{y:.1f}} % ({bounds[0]:.1f} to {bounds[1]:.1f})<br>"
            f"%{{x:,.3~s}} {cost_title}<extra></extra>",
        )
    figure.update_layout(
        xaxis={"title": cost_title, "fixedrange": True, **_log_axis(list(costs.values()))},
        yaxis={"title": f"{score_title}, %", "fixedrange": True},
        legend={**BOTTOM_LEGEND, "y": -0.25},
        showlegend=True,
        **layout(380),
    )
    return figure


def _log_axis(values: Sequence[float]) -> dict[str, Any]:
    """Return a logarithmic axis with ticks at 1, 2 and 5; Plotly's own lack most of their zeros."""
    low, high = min(values) / 1.5, max(values) * 1.5
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [tick for d in decades for tick in (10.0**d, 2 * 10.0**d, 5 * 10.0**d)]
    ticks = [tick for tick in ticks if low <= tick <= high]
    return {
        "type": "log",
        "range": [math.log10(low), math.log10(high)],
        "tickvals": ticks,
        "ticktext": [f"{tick:,.10g}" for tick in ticks],
    }
