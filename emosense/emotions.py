"""The seven emotion classes of FER2013, in the data set's own order.

Source: I. Goodfellow et al., "Challenges in Representation Learning" (2013),
arXiv:1307.0414. Every probability vector in this library follows this order.
"""

from typing import Final

EMOTIONS: Final[tuple[str, ...]] = (
    "angry",
    "disgust",
    "fear",
    "happy",
    "sad",
    "surprise",
    "neutral",
)
"""Class names; the index is FER2013's class index (0 angry ... 6 neutral)."""

INPUT_SIZE: Final[int] = 48
"""Side in pixels of the square grey face crop that is the input of every network."""
