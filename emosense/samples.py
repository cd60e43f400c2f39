"""A photo to try the app with, out of the installed scikit-image package."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from emosense.errors import MediaError

SAMPLE_NAME: Final = "astronaut.png"
SAMPLE_CREDIT: Final = (
    "Eileen Collins, photographed by NASA; public domain, as bundled with scikit-image."
)


def sample_photo() -> bytes:
    """Return the sample's PNG bytes (512 x 512, one smiling face).

    Raises:
        MediaError: scikit-image is not installed.
    """
    found = find_spec("skimage")  # located without importing it
    if found is None or found.origin is None:
        raise MediaError("The sample photo is part of scikit-image, which is not installed.")
    return (Path(found.origin).parent / "data" / SAMPLE_NAME).read_bytes()
