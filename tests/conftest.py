"""Shared test data: the public-domain astronaut photo, and small sets made from noise."""

import io
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest
from PIL import Image

from emosense.samples import sample_photo


@pytest.fixture(scope="session")
def astronaut_png() -> bytes:
    return sample_photo()


@pytest.fixture(scope="session")
def astronaut(astronaut_png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(astronaut_png)).convert("RGB"))


def encoded(image: np.ndarray | Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def write_csv(path, counts=(40, 14, 14), seed=0):
    """Write a small FER2013 csv of coloured noise: class c is brighter in column stripe c."""
    rng = np.random.default_rng(seed)
    lines = ["emotion,pixels,Usage"]
    for usage, count in zip(("Training", "PublicTest", "PrivateTest"), counts, strict=True):
        for index in range(count):
            code = index % 7
            image = rng.integers(0, 60, (48, 48))
            image[:, code * 6 : code * 6 + 6] += 180
            lines.append(f"{code},{' '.join(map(str, image.ravel()))},{usage}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def small_csv(tmp_path_factory):
    return write_csv(tmp_path_factory.mktemp("data") / "fer2013.csv")


@pytest.fixture(scope="session")
def small_data(small_csv):
    from emosense.training.fer2013_csv import read_csv

    return read_csv(small_csv)


@pytest.fixture(scope="session")
def small_run(small_data, tmp_path_factory):
    """A finished run of one epoch and its model folder, trained in the test itself."""
    from emosense.training.publish import publish
    from emosense.training.recipe import Recipe
    from emosense.training.trainer import train

    root = tmp_path_factory.mktemp("small")
    train(Recipe("cnn8", epochs=1, batch_size=16), small_data, root / "run")
    publish(root / "run", small_data, root / "models" / "tiny")
    return root
