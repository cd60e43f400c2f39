"""Sample photos: those bundled with scikit-image, and variants made from them."""

from __future__ import annotations

import io
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from PIL import Image, ImageEnhance, ImageOps

from emosense.errors import MediaError

SAMPLE_NAME: Final = "astronaut.png"
SAMPLE_CLIP_NAME: Final = "astronaut.mp4"
SAMPLE_CREDIT: Final = (
    "Eileen Collins, photographed by NASA; public domain, as bundled with scikit-image."
)

ALBUM_CREDIT: Final = f"{SAMPLE_CREDIT} The cat by Stefan van der Walt and the coffee by Rachel Michetti, CC0, likewise."


def sample_photo() -> bytes:
    """Return the sample photo as a PNG file (512 x 512 pixels, one smiling face).

    Raises:
        MediaError: scikit-image is not installed.
    """
    return _bundled(SAMPLE_NAME)


def sample_album() -> dict[str, bytes]:
    """Return sample photos by file name: variants of the sample photo, and two without a face.

    Raises:
        MediaError: scikit-image is not installed.
    """
    with Image.open(io.BytesIO(sample_photo())) as image:
        photo = image.convert("RGB")
    small_face = Image.new("RGB", (1280, 960), (96, 110, 128))
    small_face.paste(photo.resize((320, 320)), (700, 420))
    four_faces = Image.new("RGB", (1024, 1024))
    for number in range(4):
        tile = ImageOps.mirror(photo) if number % 2 else photo
        four_faces.paste(tile, (512 * (number % 2), 512 * (number // 2)))
    variants = {
        "mirrored.jpg": ImageOps.mirror(photo),
        "grey.jpg": ImageOps.grayscale(photo),
        "dark.jpg": ImageEnhance.Brightness(photo).enhance(0.25),
        "far away.jpg": small_face,
        "four faces.jpg": four_faces,
    }
    album = {SAMPLE_NAME: sample_photo()}
    for name, variant in variants.items():
        buffer = io.BytesIO()
        variant.save(buffer, "JPEG", quality=90)
        album[name] = buffer.getvalue()
    return album | {"cat.png": _bundled("chelsea.png"), "coffee.png": _bundled("coffee.png")}


def _bundled(name: str) -> bytes:
    spec = find_spec("skimage")  # located without importing it
    if spec is None or spec.origin is None:
        raise MediaError("The sample photos are part of scikit-image, which is not installed.")
    return (Path(spec.origin).parent / "data" / name).read_bytes()
