"""A photo to try the app with, out of the installed scikit-image package."""

from __future__ import annotations

from importlib import resources
from typing import Final

SAMPLE_NAME: Final = "astronaut.png"
SAMPLE_CREDIT: Final = (
    "Eileen Collins, photographed by NASA; public domain, as bundled with scikit-image."
)


def sample_photo() -> bytes:
    """Return the sample's PNG bytes (512 x 512, one smiling face)."""
    # Located without importing scikit-image, which is heavy.
    return (resources.files("skimage") / "data" / SAMPLE_NAME).read_bytes()
