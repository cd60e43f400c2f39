"""Why this answer: which parts of a face the network's answer rests on.

Occlusion (Zeiler & Fergus 2014, arXiv:1311.2901) with soft, blurred patches (Fong & Vedaldi 2017,
arXiv:1704.03296): each part of the face is blurred in turn, and what the answer loses is that
part's effect. It asks the network itself, so it holds for any network; Grad-CAM reads the last
convolution, whose map in the paper's 8L is 2x2 pixels. docs/explanations.md compares the two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS, INPUT_SIZE
from emosense.formatting import percent

Classify = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]
"""(n, 48, 48) uint8 -> (n, 7) probabilities."""

REGIONS: Final = ("eyes and brows", "nose and cheeks", "mouth and chin", "hair and background")
"""Parts of the 48x48 crop, in which a face always lies at about the same place."""

_STEP: Final = 4
_PATCH: Final = 4.0
_BLUR: Final = 8.0
_SURE: Final = 1e-6
FLAT_EFFECT: Final = 0.05
"""Change of log-odds below which an effect counts as none."""


@dataclass(frozen=True)
class Explanation:
    """An explanation of a prediction.

    Attributes:
        emotion: name of the explained emotion.
        probability: its probability, in 0..1.
        face: (48, 48) uint8 grey, what the network saw.
        effect: (48, 48) float32: by how much the emotion's log-odds fall when the surroundings of
            a pixel are blurred. Above 0 they speak for the emotion, below 0 against it.

    >>> face = np.zeros((48, 48), np.uint8)
    >>> Explanation("happy", 0.9, face, np.zeros((48, 48), np.float32)).summary
    'No single part of the face decides for happy.'
    """

    emotion: str
    probability: float
    face: npt.NDArray[np.uint8]
    effect: npt.NDArray[np.float32]

    @property
    def regions(self) -> dict[str, float]:
        """Share of each of :data:`REGIONS` in all that speaks for the emotion, in 0..1.

        Zeros if no part matters.
        """
        support = np.maximum(self.effect, 0)
        if float(support.max()) < FLAT_EFFECT:
            return dict.fromkeys(REGIONS, 0.0)
        fractions = np.bincount(_region_codes().ravel(), support.ravel(), len(REGIONS))
        return dict(zip(REGIONS, (fractions / fractions.sum()).tolist(), strict=True))

    @property
    def summary(self) -> str:
        """The regions that support the prediction, in one sentence."""
        fractions = sorted(self.regions.items(), key=lambda item: -item[1])
        if fractions[0][1] == 0.0:
            return f"No single part of the face decides for {self.emotion}."
        parts = ", ".join(f"{region} {percent(fraction)}" for region, fraction in fractions)
        return f"What speaks for {self.emotion}: {parts}."


def explain(
    face: npt.NDArray[np.uint8], classify: Classify, emotion: str | None = None
) -> Explanation:
    """Explain a prediction by occlusion; costs about 170 classifications.

    Args:
        face: (48, 48) uint8 grey.
        classify: the network, as a function.
        emotion: emotion to explain; None explains the most probable one.

    Raises:
        ValueError: another shape, type or emotion.
    """
    if face.shape != (INPUT_SIZE, INPUT_SIZE) or face.dtype != np.uint8:
        raise ValueError(
            f"Expected a face of shape ({INPUT_SIZE}, {INPUT_SIZE}) and type uint8. "
            f"Received: {face.shape}, {face.dtype}"
        )
    if emotion is not None and emotion not in EMOTIONS:
        raise ValueError(f"Expected one of {', '.join(EMOTIONS)}. Received: {emotion!r}")
    masks = _masks()
    sharp = face.astype(np.float32)
    blurred = cv2.GaussianBlur(sharp, (0, 0), _BLUR, borderType=cv2.BORDER_REPLICATE)
    occluded = sharp + masks * (blurred - sharp)
    batch = np.concatenate([sharp[np.newaxis], occluded])
    probabilities = classify(np.round(batch).astype(np.uint8)).astype(np.float64)
    class_index = int(probabilities[0].argmax()) if emotion is None else EMOTIONS.index(emotion)
    of_emotion = np.clip(probabilities[:, class_index], _SURE, 1 - _SURE)
    log_odds = np.log(of_emotion / (1 - of_emotion))
    drop = (log_odds[0] - log_odds[1:]).astype(np.float32)
    effect = np.tensordot(drop, masks, 1) / masks.sum(axis=0)
    return Explanation(
        EMOTIONS[class_index], float(probabilities[0, class_index]), face, effect.astype(np.float32)
    )


@cache
def _region_codes() -> npt.NDArray[np.intp]:
    """Return (48, 48) indices into :data:`REGIONS`: rows within an ellipse, and what is outside."""
    row, column = np.mgrid[:INPUT_SIZE, :INPUT_SIZE]
    codes = np.digitize(row, (24, 31))
    outside = ((column - 23.5) / 18) ** 2 + ((row - 26) / 22) ** 2 > 1
    return np.where(outside, REGIONS.index("hair and background"), codes)


@cache
def _masks() -> npt.NDArray[np.float32]:
    """Return (n, 48, 48) soft patches in 0..1 on a grid over the face."""
    places = np.arange(0, INPUT_SIZE + 1, _STEP) - 0.5
    pixels = np.arange(INPUT_SIZE)
    rows = np.exp(-((pixels - places[:, np.newaxis]) ** 2) / (2 * _PATCH**2))
    return np.asarray(
        (rows[:, np.newaxis, :, np.newaxis] * rows[np.newaxis, :, np.newaxis, :]).reshape(
            -1, INPUT_SIZE, INPUT_SIZE
        ),
        np.float32,
    )
