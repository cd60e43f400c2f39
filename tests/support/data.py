"""Functions that make test data."""

import io

import numpy as np
from PIL import Image


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


def texts(app):
    """All that a page of Streamlit's test harness says."""
    kinds = (app.markdown, app.caption, app.warning, app.error, app.info, app.header, app.subheader)
    return "\n".join(str(element.value) for kind in kinds for element in kind)
