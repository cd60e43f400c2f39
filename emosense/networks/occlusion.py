"""Occlusion sensitivity: which regions of a face a prediction depends on.

Occlusion (Zeiler & Fergus 2014, arXiv:1311.2901) with soft, blurred patches (Fong & Vedaldi 2017,
arXiv:1704.03296): a sliding patch of the face is blurred, and the drop of the class's log-odds is
the effect of that patch. The method only evaluates the network, so it works with any network;
Grad-CAM uses the last convolution, whose feature map in the paper's 8L is 2x2 pixels.
docs/explanations.md compares the two.
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
"""(n, 48, 48) uint8 faces -> (n, 7) class probabilities."""

REGIONS: Final = ("eyes and brows", "nose and cheeks", "mouth and chin", "hair and background")
"""Regions of the 48x48 crop, in which faces are aligned."""

_STRIDE: Final = 4
_PATCH_SIGMA: Final = 4.0
_BLUR_SIGMA: Final = 8.0
_PROBABILITY_EPSILON: Final = 1e-6
FLAT_EFFECT: Final = 0.05
"""Change of log-odds below which an effect map counts as flat."""


@dataclass(frozen=True)
class Explanation:
    """Occlusion map of a prediction.

    Attributes:
        emotion: name of the explained class.
        probability: probability of the explained class, in 0..1.
        face: (48, 48) uint8 grey values, the network's input.
        effect: (48, 48) float32 drop of the class's log-odds when the surroundings of a pixel
            are blurred: above 0 they support the class, below 0 they speak against it.

    >>> effect = np.zeros((48, 48), np.float32)
    >>> effect[36:44, 18:30] = 1
    >>> Explanation("happy", 0.9, np.zeros((48, 48), np.uint8), effect).summary
    'What speaks for happy: mouth and chin 100 %, ...'
    """

    emotion: str
    probability: float
    face: npt.NDArray[np.uint8]
    effect: npt.NDArray[np.float32]

    @property
    def regions(self) -> dict[str, float]:
        """Fraction of the supporting effect in each of :data:`REGIONS`, in 0..1.

        All fractions are 0 if no effect reaches :data:`FLAT_EFFECT`.
        """
        support = np.maximum(self.effect, 0)
        if float(support.max()) < FLAT_EFFECT:
            return dict.fromkeys(REGIONS, 0.0)
        sums = np.bincount(_region_map().ravel(), support.ravel(), len(REGIONS))
        return dict(zip(REGIONS, (sums / sums.sum()).tolist(), strict=True))

    @property
    def summary(self) -> str:
        """The regions that support the prediction, in one sentence."""
        ranked = sorted(self.regions.items(), key=lambda item: -item[1])
        if ranked[0][1] == 0.0:
            return f"No single part of the face decides for {self.emotion}."
        regions = ", ".join(f"{region} {percent(fraction)}" for region, fraction in ranked)
        return f"What speaks for {self.emotion}: {regions}."


def explain(
    face: npt.NDArray[np.uint8], classify: Classify, emotion: str | None = None
) -> Explanation:
    """Compute the occlusion map of a prediction; costs about 170 classifications.

    Args:
        face: (48, 48) uint8 grey values.
        classify: the network, from faces to class probabilities.
        emotion: class to explain; None selects the most probable class.

    Raises:
        ValueError: ``face`` has another shape or dtype, or ``emotion`` is no class name.
    """
    if face.shape != (INPUT_SIZE, INPUT_SIZE) or face.dtype != np.uint8:
        raise ValueError(
            f"Expected a face of shape ({INPUT_SIZE}, {INPUT_SIZE}) and type uint8. "
            f"Received: {face.shape}, {face.dtype}"
        )
    if emotion is not None and emotion not in EMOTIONS:
        raise ValueError(f"Expected one of {', '.join(EMOTIONS)}. Received: {emotion!r}")
    masks = _masks()
    image = face.astype(np.float32)
    blurred = cv2.GaussianBlur(image, (0, 0), _BLUR_SIGMA, borderType=cv2.BORDER_REPLICATE)
    occluded = image + masks * (blurred - image)
    inputs = np.concatenate([image[np.newaxis], occluded])
    probabilities = classify(np.round(inputs).astype(np.uint8)).astype(np.float64)
    class_index = int(probabilities[0].argmax()) if emotion is None else EMOTIONS.index(emotion)
    clipped = np.clip(probabilities[:, class_index], _PROBABILITY_EPSILON, 1 - _PROBABILITY_EPSILON)
    log_odds = np.log(clipped / (1 - clipped))
    drops = (log_odds[0] - log_odds[1:]).astype(np.float32)
    effect = (np.tensordot(drops, masks, 1) / masks.sum(axis=0)).astype(np.float32)
    return Explanation(EMOTIONS[class_index], float(probabilities[0, class_index]), face, effect)


@cache
def _region_map() -> npt.NDArray[np.intp]:
    """Return (48, 48) indices into :data:`REGIONS`: bands of rows in an ellipse, and the rest."""
    row, column = np.mgrid[:INPUT_SIZE, :INPUT_SIZE]
    bands = np.digitize(row, (24, 31))
    outside = ((column - 23.5) / 18) ** 2 + ((row - 26) / 22) ** 2 > 1
    return np.where(outside, REGIONS.index("hair and background"), bands)


@cache
def _masks() -> npt.NDArray[np.float32]:
    """Return (n, 48, 48) Gaussian patches in 0..1 on a grid over the face."""
    centres = np.arange(0, INPUT_SIZE + 1, _STRIDE) - 0.5
    pixels = np.arange(INPUT_SIZE)
    rows = np.exp(-((pixels - centres[:, np.newaxis]) ** 2) / (2 * _PATCH_SIGMA**2))
    return np.asarray(
        (rows[:, np.newaxis, :, np.newaxis] * rows[np.newaxis, :, np.newaxis, :]).reshape(
            -1, INPUT_SIZE, INPUT_SIZE
        ),
        np.float32,
    )
