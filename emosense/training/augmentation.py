"""Seeded data augmentation of 48x48 faces, computed by OpenCV on the CPU.

The same (seed, epoch) always gives the same images, so a resumed run gets the same images as an
uninterrupted one.
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
    """Return the images unchanged: the paper's recipe."""
    return images


def standard(images: Images, rng: np.random.Generator) -> Images:
    """Flip, rotate (+-10 degrees), shift (+-10 %) and zoom (+-10 %); vary brightness and contrast.

    Args:
        images: (n, 48, 48) float32 in 0..1.
        rng: random number generator.

    Returns:
        New images of the same shape and range.
    """
    out = np.empty_like(images)
    for index, image in enumerate(images):
        warped = _random_affine(image, rng, degrees=10, zoom=0.1, stretch=0.0)
        contrast, brightness = rng.uniform(0.8, 1.2), rng.uniform(-0.1, 0.1)
        out[index] = np.clip((warped - 0.5) * contrast + 0.5 + brightness, 0, 1)
    return out


def photo(images: Images, rng: np.random.Generator) -> Images:
    """Simulate face crops of real photos: misalignment, low resolution, bad light, noise, JPEG.

    Flip, rotate (+-12 degrees), shift (+-10 %), zoom (+-15 %) and stretch (+-6 %) all images.
    Then, in a random fraction of the images: low resolution with blur (1/4), gamma, contrast and
    brightness (2/5), Gaussian noise (1/5), JPEG compression (1/5) and random erasing of up to a
    sixth of the face (1/4; Zhong et al. 2017, arXiv:1708.04896).

    Args:
        images: (n, 48, 48) float32 in 0..1.
        rng: random number generator.

    Returns:
        New images of the same shape and range.
    """
    out = np.empty_like(images)
    for index, image in enumerate(images):
        face = _random_affine(image, rng, degrees=12, zoom=0.15, stretch=0.06)
        if rng.random() < 0.25:
            face = _low_resolution(face, rng)
        if rng.random() < 0.4:
            face = _lighting(face, rng)
        if rng.random() < 0.2:
            face = face + rng.normal(0, rng.uniform(0.005, 0.04), face.shape).astype(np.float32)
        face = np.clip(face, 0, 1)
        if rng.random() < 0.2:
            face = _jpeg_compression(face, rng)
        if rng.random() < 0.25:
            face = _random_erasing(face, rng)
        out[index] = face
    return out


AUGMENTATIONS: Final[dict[str, Augmentation]] = {"none": none, "standard": standard, "photo": photo}
"""Augmentations by the value of the recipe's option ``augmentation``."""


def _random_affine(
    image: Images, rng: np.random.Generator, *, degrees: float, zoom: float, stretch: float
) -> Images:
    """Rotate, zoom, stretch horizontally and shift by up to 10 %; flip with probability 1/2."""
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
    size = (INPUT_SIZE, INPUT_SIZE)
    warped = cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped[:, ::-1] if rng.random() < 0.5 else warped)


def _low_resolution(face: Images, rng: np.random.Generator) -> Images:
    """Downsample to 20 to 44 pixels and upsample again; then blur slightly."""
    import cv2

    side = int(rng.integers(20, 45))
    small = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    large = cv2.resize(small, (INPUT_SIZE, INPUT_SIZE), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.GaussianBlur(large, (0, 0), rng.uniform(0.3, 1.0)))


def _lighting(face: Images, rng: np.random.Generator) -> Images:
    """Vary gamma, contrast and brightness; darker more often than lighter."""
    gamma = np.float32(np.exp(rng.uniform(-0.5, 0.8)))
    corrected = np.clip(face, 0, 1) ** gamma
    contrast, brightness = rng.uniform(0.5, 1.3), rng.uniform(-0.2, 0.15)
    result: Images = ((corrected - 0.5) * contrast + 0.5 + brightness).astype(np.float32)
    return result


def _jpeg_compression(face: Images, rng: np.random.Generator) -> Images:
    import cv2

    quality = int(rng.integers(25, 85))
    _, data = cv2.imencode(
        ".jpg", (face * 255 + 0.5).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.float32) / np.float32(255)


def _random_erasing(face: Images, rng: np.random.Generator) -> Images:
    """Replace a random rectangle by a grey value or by noise (random erasing)."""
    area, aspect = rng.uniform(0.02, 0.17), np.exp(rng.uniform(-0.8, 0.8))
    height = int(np.clip(round(INPUT_SIZE * np.sqrt(area * aspect)), 2, INPUT_SIZE))
    width = int(np.clip(round(INPUT_SIZE * np.sqrt(area / aspect)), 2, INPUT_SIZE))
    top = int(rng.integers(0, INPUT_SIZE - height + 1))
    left = int(rng.integers(0, INPUT_SIZE - width + 1))
    erased = face.copy()
    patch: float | Images = rng.random()
    if rng.random() < 0.5:
        patch = rng.random((height, width), np.float32)
    erased[top : top + height, left : left + width] = patch
    return erased
