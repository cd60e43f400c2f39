"""Heat maps of occlusion explanations."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from emosense.networks.occlusion import FLAT_EFFECT, Explanation

_SUPPORTING: Final = np.array([255, 140, 20], np.float32)
_OPPOSING: Final = np.array([40, 120, 255], np.float32)


def draw_explanation(explanation: Explanation, side: int = 240) -> npt.NDArray[np.uint8]:
    """Draw the heat map of an explanation over its face.

    Orange regions support the emotion, blue ones oppose it.

    Args:
        explanation: result of :func:`emosense.networks.occlusion.explain`.
        side: width and height of the drawn image, in pixels.

    Returns:
        (side, side, 3) uint8 RGB.
    """
    size = (side, side)
    grey = cv2.resize(explanation.face, size, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    effect = cv2.resize(explanation.effect, size, interpolation=cv2.INTER_CUBIC)
    relative = effect / max(float(np.abs(explanation.effect).max()), FLAT_EFFECT)
    opacity = 0.75 * np.clip(np.abs(relative), 0, 1)[..., np.newaxis] ** 0.8
    colour = np.where(relative[..., np.newaxis] > 0, _SUPPORTING, _OPPOSING)
    blended = (1 - opacity) * grey[..., np.newaxis] + opacity * colour
    return np.asarray(np.clip(blended, 0, 255), np.uint8)
