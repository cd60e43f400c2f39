"""Colours of emotions and models in charts, annotated photos and pages."""

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
"""Colour of each emotion: light enough for black text, dark enough for a white page."""

UNSURE_COLOUR: Final = "#DCD3BF"
"""Colour of faces on which the model abstains."""

_MODEL_COLOURS: Final = (
    "#2E9E83",
    "#3F7FE0",
    "#D9683C",
    "#A063C9",
    "#C2A12B",
    "#D2528A",
    "#5FA8C4",
)
GREY: Final = "#8A93A0"
"""Colour of reference lines and values that belong to no model."""


def model_colours(names: Sequence[str]) -> dict[str, str]:
    """Assign a colour to each model by its position; colours repeat after seven models.

    Args:
        names: registry names of all models, in a fixed order.

    Returns:
        Colours as ``#RRGGBB``, by name.
    """
    return {name: _MODEL_COLOURS[index % len(_MODEL_COLOURS)] for index, name in enumerate(names)}
