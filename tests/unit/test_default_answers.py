"""What the app's default network says of generated photos: a change of network is seen here."""

import cv2
import numpy as np
import pytest

from emosense.analyzer import Analyzer

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
    "small": lambda photo: cv2.resize(photo, (160, 160), interpolation=cv2.INTER_AREA),
    "dark": lambda photo: (photo * 0.12).astype(np.uint8),
    "blurred": lambda photo: cv2.GaussianBlur(photo, (0, 0), 6),
    "low contrast": lambda photo: (100 + photo * 0.12).astype(np.uint8),
}


@pytest.fixture(scope="module")
def faces(astronaut):
    analyzer = Analyzer()
    assert analyzer.model == "cnn8-tuned"
    return {name: analyzer.photo(change(astronaut)).faces for name, change in PHOTOS.items()}
