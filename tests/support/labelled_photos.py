"""Labelled photos as strangers bring them: odd class names, faceless photos, broken files."""

import io
import random
import zipfile

from PIL import Image, ImageEnhance, ImageOps

from emosense.samples import sample_album, sample_photo

CLASSES = {
    "1_Freude": "happy",
    "ANGER": "angry",
    "sad faces": "sad",
    "Überraschung": "surprise",
    "fearful": "fear",
    "contempt": None,
    "grumpy": None,
}
"""Emotion by class name, as the app proposes it; None is left out."""


def variants(count, seed=0):
    """Yield photos with one face: the sample photo mirrored, darkened, shrunk, as JPEG."""
    rng = random.Random(seed)
    photo = Image.open(io.BytesIO(sample_photo())).convert("RGB")
    for _ in range(count):
        side = rng.randrange(160, 400)
        variant = photo.resize((side, side))
        variant = ImageOps.mirror(variant) if rng.random() < 0.5 else variant
        variant = ImageEnhance.Brightness(variant).enhance(rng.uniform(0.4, 1.3))
        yield encoded(variant.rotate(rng.uniform(-12, 12), fillcolor=(90, 90, 90)))


def encoded(image):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def labelled_photos(per_class=4, seed=0):
    """Return photos by path: of each class, a faceless, a broken, one with several faces, one unlabelled."""
    album = sample_album()
    faces = iter(variants(per_class * len(CLASSES), seed))
    photos = {
        f"my set/{name}/{number}.jpg": next(faces)
        for name in CLASSES
        for number in range(per_class)
    }
    photos["my set/ANGER/cat.png"] = album["cat.png"]
    photos["my set/sad faces/broken.jpg"] = album["grey.jpg"][:900]
    photos["my set/1_Freude/four.jpg"] = album["four faces.jpg"]
    photos["loose.jpg"] = album["grey.jpg"]
    return photos


def zipped(files):
    """Return a zip archive of files by path."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()
