"""What the app's default network says of generated photos: a change of network is seen here."""

import cv2
import numpy as np
import pytest

from emosense.analyzer import Analyzer
from emosense.results import UNSURE


def with_mouth(photo, change):
    """The astronaut with another mouth: rows 130 to 158, columns 190 to 250."""
    changed = photo.copy()
    changed[130:158, 190:250] = change(photo[130:158, 190:250])
    return changed


PHOTOS = {
    "as it is": lambda photo: photo,
    "mirrored": lambda photo: np.ascontiguousarray(photo[:, ::-1]),
    "grey": lambda photo: np.repeat(
        cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)[..., np.newaxis], 3, axis=2
    ),
    "turned": lambda photo: cv2.warpAffine(
        photo,
        cv2.getRotationMatrix2D((256, 128), 20, 1),
        (512, 512),
        borderMode=cv2.BORDER_REPLICATE,
    ),
    "small": lambda photo: cv2.resize(photo, (140, 140), interpolation=cv2.INTER_AREA),
    "dark": lambda photo: (photo * 0.12).astype(np.uint8),
    "blurred": lambda photo: cv2.GaussianBlur(photo, (0, 0), 6),
    "mouth upside down": lambda photo: with_mouth(photo, lambda mouth: mouth[::-1]),
    "mouth hidden": lambda photo: with_mouth(photo, lambda mouth: np.full_like(mouth, 90)),
    "mouth shut": lambda photo: with_mouth(photo, lambda mouth: cv2.GaussianBlur(mouth, (0, 0), 7)),
    "low contrast": lambda photo: (100 + photo * 0.12).astype(np.uint8),
}


@pytest.fixture(scope="module")
def faces(astronaut):
    analyzer = Analyzer()
    assert analyzer.model == "cnn8-tuned"
    return {name: analyzer.photo(change(astronaut)).faces for name, change in PHOTOS.items()}


@pytest.mark.parametrize(
    ("name", "verdict", "probability", "flags"),
    [
        ("as it is", "happy", 0.98, ()),
        ("mirrored", "happy", 0.98, ()),
        ("grey", "happy", 0.98, ()),
        ("turned", "happy", 0.99, ()),
        ("small", "happy", 0.97, ("small", "blurred")),
        ("dark", "happy", 0.93, ("dark", "low contrast")),
        ("blurred", "happy", 0.91, ("blurred",)),
        ("low contrast", "happy", 0.94, ("low contrast",)),
        ("mouth upside down", UNSURE, 0.34, ()),
        ("mouth hidden", "happy", 0.56, ()),
        ("mouth shut", "happy", 0.85, ()),
    ],
)
def test_answers_of_the_default_network(faces, name, verdict, probability, flags):
    (face,) = faces[name]
    assert face.verdict == verdict
    assert face.probability == pytest.approx(probability, abs=0.04)  # processors round differently
    assert face.quality.flags == flags


def test_poor_photos_score_below_good_ones_and_say_what_was_right(faces):
    scores = {name: of_photo[0].quality.score for name, of_photo in faces.items()}
    assert min(scores["as it is"], scores["mirrored"], scores["grey"]) > 0.95
    assert max(scores["small"], scores["dark"], scores["blurred"]) < 0.85
    accuracies = {name: of_photo[0].expected_accuracy for name, of_photo in faces.items()}
    assert accuracies["as it is"] > 0.9 > accuracies["mouth upside down"]
