"""The strongest moment of every person in every emotion, with a picture of it.

Faces of which nothing is said for sure make no moment.
"""

from __future__ import annotations

from dataclasses import dataclass

from emosense.emotions import EMOTIONS
from emosense.faces.crop import cut_face
from emosense.media.encode import encode_jpeg, fit_within
from emosense.media.images import RgbImage
from emosense.results import FrameResult, TrackedFace

_BETTER_BY = 0.02
_SIDE = 160


@dataclass(frozen=True)
class KeyMoment:
    """When a person showed an emotion most strongly.

    Attributes:
        person: number.
        emotion: name; the most probable one in that frame.
        probability: of it, in 0..1.
        index: of the frame.
        time: of the frame, in seconds.
        picture: the face then, as a small JPEG.
    """

    person: int
    emotion: str
    probability: float
    index: int
    time: float
    picture: bytes


class MomentKeeper:
    """Keeps the strongest moments while frames pass by."""

    def __init__(self) -> None:
        self._best: dict[tuple[int, str], KeyMoment] = {}

    @property
    def moments(self) -> tuple[KeyMoment, ...]:
        """All moments, by person and then in the order of the emotions."""
        return tuple(
            sorted(self._best.values(), key=lambda m: (m.person, EMOTIONS.index(m.emotion)))
        )

    def see(self, image: RgbImage, faces: tuple[TrackedFace, ...], found: FrameResult) -> None:
        """Look at a frame.

        Args:
            image: its picture.
            faces: in pixels of ``image``.
            found: the frame's result.
        """
        for tracked in faces:
            if not tracked.face.sure:
                continue
            face, key = tracked.face, (tracked.person, tracked.face.emotion)
            known = self._best.get(key)
            # A hair's breadth better is not worth a new picture.
            if known is None or face.probability > known.probability + _BETTER_BY:
                picture = encode_jpeg(fit_within(cut_face(image, face), _SIDE), quality=80)
                self._best[key] = KeyMoment(
                    *key, face.probability, found.index, found.time, picture
                )
