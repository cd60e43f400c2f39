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
    """Mirror, rotate (+-10 degrees), shift (+-10 %), zoom (+-10 %), brightness and contrast.

    Args:
        images: (n, 48, 48) float32 in 0..1.
        rng: the source of all randomness.

    Returns:
        New images of the same shape and range.
    """
    out = np.empty_like(images)
    for index, image in enumerate(images):
        turned = _affine(image, rng, degrees=10, zoom=0.1, stretch=0.0)
        contrast, brightness = rng.uniform(0.8, 1.2), rng.uniform(-0.1, 0.1)
        out[index] = np.clip((turned - 0.5) * contrast + 0.5 + brightness, 0, 1)
    return out


def photo(images: Images, rng: np.random.Generator) -> Images:
    """What a detector in the wild delivers: jitter, other framing, blur, JPEG, bad light.

    Mirror, rotate (+-12 degrees), shift (+-10 %), zoom (+-15 %), stretch (+-6 %); then in part of
    the images: fewer pixels and blur, a rectangle of up to a sixth of the face erased (Zhong et
    al. 2017, arXiv:1708.04896; a quarter each), gamma and contrast (two fifths), noise and JPEG
    (a fifth each).

    Args:
        images: (n, 48, 48) float32 in 0..1.
        rng: the source of all randomness.

    Returns:
        New images of the same shape and range.
    """
    out = np.empty_like(images)
    for index, image in enumerate(images):
        face = _affine(image, rng, degrees=12, zoom=0.15, stretch=0.06)
        if rng.random() < 0.25:
            face = _downsample_and_blur(face, rng)
        if rng.random() < 0.4:
            face = _relight(face, rng)
        if rng.random() < 0.2:
            face = face + rng.normal(0, rng.uniform(0.005, 0.04), face.shape).astype(np.float32)
        face = np.clip(face, 0, 1)
        if rng.random() < 0.2:
            face = _jpeg(face, rng)
        if rng.random() < 0.25:
            face = _erase(face, rng)
        out[index] = face
    return out


AUGMENTATIONS: Final[dict[str, Augmentation]] = {"none": none, "standard": standard, "photo": photo}
"""By the name that a recipe holds."""


def _affine(
    image: Images, rng: np.random.Generator, *, degrees: float, zoom: float, stretch: float
) -> Images:
    """Turn, zoom, stretch across and shift by up to 10 %; mirror every second image."""
    import cv2

    centre = (INPUT_SIZE - 1) / 2
    matrix = cv2.getRotationMatrix2D(
        (centre, centre), rng.uniform(-degrees, degrees), rng.uniform(1 - zoom, 1 + zoom)
    )
    if stretch:
        factor = rng.uniform(1 - stretch, 1 + stretch)
        matrix[0] *= factor
        matrix[0, 2] += centre * (1 - factor)
    matrix[:, 2] += rng.uniform(-0.1, 0.1, 2) * INPUT_SIZE
    moved = cv2.warpAffine(image, matrix, (INPUT_SIZE, INPUT_SIZE), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved[:, ::-1] if rng.random() < 0.5 else moved)


def _downsample_and_blur(face: Images, rng: np.random.Generator) -> Images:
    """Take a face of 20 to 44 pixels and enlarge it; then blur a little."""
    import cv2

    side = int(rng.integers(20, 45))
    small = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    large = cv2.resize(small, (INPUT_SIZE, INPUT_SIZE), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.GaussianBlur(large, (0, 0), rng.uniform(0.3, 1.0)))


def _relight(face: Images, rng: np.random.Generator) -> Images:
    """Change gamma, contrast and brightness; darker more often than lighter."""
    bent = np.clip(face, 0, 1) ** np.float32(np.exp(rng.uniform(-0.5, 0.8)))
    contrast, brightness = rng.uniform(0.5, 1.3), rng.uniform(-0.2, 0.15)
    lit: Images = ((bent - 0.5) * contrast + 0.5 + brightness).astype(np.float32)
    return lit


def _jpeg(face: Images, rng: np.random.Generator) -> Images:
    import cv2

    quality = int(rng.integers(25, 85))
    _, data = cv2.imencode(
        ".jpg", (face * 255 + 0.5).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.float32) / np.float32(255)


def _erase(face: Images, rng: np.random.Generator) -> Images:
    """Put one grey or noise rectangle somewhere."""
    fraction, ratio = rng.uniform(0.02, 0.17), np.exp(rng.uniform(-0.8, 0.8))
    height = int(np.clip(round(INPUT_SIZE * np.sqrt(fraction * ratio)), 2, INPUT_SIZE))
    width = int(np.clip(round(INPUT_SIZE * np.sqrt(fraction / ratio)), 2, INPUT_SIZE))
    top = int(rng.integers(0, INPUT_SIZE - height + 1))
    left = int(rng.integers(0, INPUT_SIZE - width + 1))
    erased = face.copy()
    patch: float | Images = rng.random()
    if rng.random() < 0.5:
        patch = rng.random((height, width), np.float32)
    erased[top : top + height, left : left + width] = patch
    return erased
