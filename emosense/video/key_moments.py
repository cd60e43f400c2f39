"""Key moments: the strongest moment of every person in every emotion, with a picture.

Faces on which the model abstains make no moment.
"""

from __future__ import annotations

from emosense.emotions import EMOTIONS
from emosense.faces.crop import crop_preview
from emosense.media.images import RgbImage
from emosense.media.jpeg import encode_jpeg
from emosense.media.resize import fit_within
from emosense.results import FrameResult, KeyMoment, TrackedFace

_BETTER_BY = 0.02
_SIDE = 160


class KeyMomentCollector:
    """Collects the key moments while frames pass by.

    >>> KeyMomentCollector().key_moments
    ()
    """

    def __init__(self) -> None:
        self._best: dict[tuple[int, str], KeyMoment] = {}

    @property
    def key_moments(self) -> tuple[KeyMoment, ...]:
        """All moments, by person and then in the order of the emotions."""
        return tuple(
            sorted(self._best.values(), key=lambda m: (m.person, EMOTIONS.index(m.emotion)))
        )

    def update(self, image: RgbImage, faces: tuple[TrackedFace, ...], found: FrameResult) -> None:
        """Update the key moments with a frame.

        Args:
            image: picture of the frame.
            faces: faces in pixels of ``image``.
            found: the frame's result.
        """
        for tracked in faces:
            if not tracked.face.sure:
                continue
            face, key = tracked.face, (tracked.person, tracked.face.emotion)
            known = self._best.get(key)
            # A hair's breadth better is not worth a new picture.
            if known is None or face.probability > known.probability + _BETTER_BY:
                picture = encode_jpeg(fit_within(crop_preview(image, face), _SIDE), quality=80)
                self._best[key] = KeyMoment(
                    *key, face.probability, found.index, found.time, picture
                )
