"""The colours that stand for an emotion or a model in every chart and picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

COLOURS: Final[dict[str, str]] = {
    "angry": "#F2695C",
    "disgust": "#6FBF5F",
    "fear": "#B48AE8",
    "happy": "#F5B82E",
    "sad": "#5B9BEF",
    "surprise": "#F28C38",
    "neutral": "#A3ADB8",
}
"""Each emotion's own colour: light enough for black text, dark enough for a white page."""

UNSURE_COLOUR: Final = "#DCD3BF"
"""For faces of which nothing is said for sure."""

_MODELS: Final = ("#2E9E83", "#3F7FE0", "#D9683C", "#A063C9", "#C2A12B", "#D2528A", "#5FA8C4")
GREY: Final = "#8A93A0"
"""For what is no model: diagonals, the paper's figures."""


def model_colours(names: Sequence[str]) -> dict[str, str]:
    """Return a colour per model, by its place among all models; they repeat after seven."""
    return {name: _MODELS[index % len(_MODELS)] for index, name in enumerate(names)}
