"""Key moments: for each person and emotion the frame of the highest probability, with a picture.

Faces on which the model abstains are left out.
"""

from __future__ import annotations

from emosense.emotions import EMOTIONS
from emosense.faces.crop import crop_preview
from emosense.media.images import RgbImage
from emosense.media.jpeg import encode_jpeg
from emosense.media.resize import fit_within
from emosense.results import FrameResult, KeyMoment, TrackedFace

_MIN_GAIN = 0.02
"""Gain in probability below which a new picture is not worth its encoding."""

_PICTURE_SIDE = 160

MAX_PEOPLE = 1000
"""Number of the last person whose key moments are kept; their pictures take some 30 MB."""


class KeyMomentCollector:
    """Collects the key moments of a video frame by frame.

    Attributes:
        is_complete: whether there were at most :data:`MAX_PEOPLE` people.

    >>> import numpy as np
    >>> from emosense.results import Box, Face
    >>> landmarks = ((18, 32), (32, 32), (25, 42), (19, 50), (31, 50))
    >>> face = Face(Box(10, 20, 30, 40), landmarks, 0.9, (0.0, 0.0, 0.0, 0.9, 0.0, 0.0, 0.1))
    >>> frame = FrameResult(index=50, time=2.0, faces=(TrackedFace(1, face),))
    >>> collector = KeyMomentCollector()
    >>> collector.update(np.zeros((90, 90, 3), np.uint8), frame.faces, frame)
    >>> [(moment.emotion, moment.time) for moment in collector.key_moments]
    [('happy', 2.0)]
    """

    def __init__(self) -> None:
        self.is_complete = True
        self._by_person_and_emotion: dict[tuple[int, str], KeyMoment] = {}

    @property
    def key_moments(self) -> tuple[KeyMoment, ...]:
        """The key moments so far, sorted by person and then in the order of the emotions."""
        moments = self._by_person_and_emotion.values()
        return tuple(sorted(moments, key=lambda m: (m.person, EMOTIONS.index(m.emotion))))

    def update(self, image: RgbImage, faces: tuple[TrackedFace, ...], result: FrameResult) -> None:
        """Update the key moments with a frame.

        Args:
            image: (h, w, 3) uint8 RGB image of the frame.
            faces: faces of the frame, in pixels of ``image``.
            result: result of the frame; gives its index and time.
        """
        for tracked in faces:
            if not tracked.face.sure:
                continue
            if tracked.person > MAX_PEOPLE:
                self.is_complete = False
                continue
            face, key = tracked.face, (tracked.person, tracked.face.emotion)
            previous = self._by_person_and_emotion.get(key)
            if previous is None or face.probability > previous.probability + _MIN_GAIN:
                preview = fit_within(crop_preview(image, face), _PICTURE_SIDE)
                self._by_person_and_emotion[key] = KeyMoment(
                    *key,
                    face.probability,
                    result.index,
                    result.time,
                    encode_jpeg(preview, quality=80),
                )
