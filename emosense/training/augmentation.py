"""Seeded augmentation of 48x48 faces, done by OpenCV on the host.

The same (seed, epoch) always gives the same images, so a resumed run sees what an
undisturbed one would have seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from emosense.emotions import INPUT_SIZE

Images = npt.NDArray[np.float32]
Augmentation = Callable[[Images, np.random.Generator], Images]


def none(images: Images, rng: np.random.Generator) -> Images:
    """Leave the images as they are: the paper's recipe."""
    return images


def standard(images: Images, rng: np.random.Generator) -> Images:
    """Mirror, turn (+-10 degrees), shift (+-10 %), zoom (+-10 %), brightness and contrast.

    Args:
        images: (n, 48, 48) float32 in 0..1.
        rng: the source of all randomness.

    Returns:
        New images of the same shape and range.
    """
    import cv2

    out = np.empty_like(images)
    centre = (INPUT_SIZE - 1) / 2
    for index, image in enumerate(images):
        matrix = cv2.getRotationMatrix2D(
            (centre, centre), rng.uniform(-10, 10), rng.uniform(0.9, 1.1)
        )
        matrix[:, 2] += rng.uniform(-0.1, 0.1, 2) * INPUT_SIZE
        turned = cv2.warpAffine(
            image, matrix, (INPUT_SIZE, INPUT_SIZE), borderMode=cv2.BORDER_REPLICATE
        )
        if rng.random() < 0.5:
            turned = turned[:, ::-1]
        contrast, brightness = rng.uniform(0.8, 1.2), rng.uniform(-0.1, 0.1)
        out[index] = np.clip((turned - 0.5) * contrast + 0.5 + brightness, 0, 1)
    return out


AUGMENTATIONS: Final[dict[str, Augmentation]] = {"none": none, "standard": standard}
"""By the name that a recipe holds."""
