"""Layout that charts of model evaluation share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from emosense.render.colours import GREY

BOTTOM_LEGEND: Final = {"orientation": "h", "x": 0, "y": -0.2, "yanchor": "top"}


def layout(height: int) -> dict[str, Any]:
    """Return height and margins of a chart; the top margin holds the buttons that save it."""
    return {"height": height, "margin": {"l": 0, "r": 24, "t": 28, "b": 0}}


def error_bars(values: Sequence[float], bounds: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Return error bars in Plotly's terms.

    Args:
        values: (n,) the values.
        bounds: (n,) lower and upper bound of each value.
    """
    pairs = list(zip(values, bounds, strict=True))
    return {
        "array": [high - value for value, (_, high) in pairs],
        "arrayminus": [value - low for value, (low, _) in pairs],
        "color": GREY,
        "thickness": 1.5,
        "width": 3,
    }
