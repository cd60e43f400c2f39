"""What an analysis gives: frozen dataclasses, the same for Python, pages, CLI and exports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emosense.emotions import EMOTIONS

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of the upright image; (x, y) is its left upper corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> Point:
        """Middle of the box, in pixels."""
        return self.x + self.width / 2, self.y + self.height / 2

    def clamped(self, width: int, height: int) -> Box:
        """Return the part inside an image of ``width`` x ``height`` pixels."""
        left, top = min(max(self.x, 0.0), width), min(max(self.y, 0.0), height)
        right = min(max(self.x + self.width, 0.0), width)
        bottom = min(max(self.y + self.height, 0.0), height)
        return Box(left, top, right - left, bottom - top)


@dataclass(frozen=True)
class Detection:
    """A face that the detector found.

    Attributes:
        box: clamped to the image.
        landmarks: right eye, left eye, nose tip, right and left corner of the mouth (right
            and left as the person has them), in pixels; may lie outside the image.
        score: the detector's certainty in 0..1.
        full_box: the box before it was clamped; crops are centred on it.
    """

    box: Box
    landmarks: tuple[Point, Point, Point, Point, Point]
    score: float
    full_box: Box


@dataclass(frozen=True)
class Face:
    """A face and what it expresses.

    Attributes:
        box: in pixels of the upright image, inside it.
        landmarks: see :class:`Detection`.
        detection_score: the detector's certainty in 0..1.
        probabilities: seven values in 0..1 that sum to 1, in the order of
            :data:`~emosense.emotions.EMOTIONS`.
    """

    box: Box
    landmarks: tuple[Point, Point, Point, Point, Point]
    detection_score: float
    probabilities: tuple[float, ...]

    @property
    def emotion(self) -> str:
        """Name of the most probable emotion."""
        return EMOTIONS[self.probabilities.index(max(self.probabilities))]

    @property
    def probability(self) -> float:
        """Probability of :attr:`emotion`, in 0..1."""
        return max(self.probabilities)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, as the JSON export shows it."""
        box = self.box
        return {
            "emotion": self.emotion,
            "probability": self.probability,
            "probabilities": dict(zip(EMOTIONS, self.probabilities, strict=True)),
            "box": {"x": box.x, "y": box.y, "width": box.width, "height": box.height},
            "landmarks": [list(point) for point in self.landmarks],
            "detection_score": self.detection_score,
        }


@dataclass(frozen=True)
class PhotoResult:
    """All faces of one photo, sorted by detection score, best first.

    Attributes:
        source: file name, or ``photo 1`` and so on for images without one.
        width: of the upright image, in pixels.
        height: likewise.
        faces: may be empty.
        model: registry name of the network that classified them.
        engine: which detector engine ran, and on which device, e.g. ``YuNet (OpenCV, CPU)``.
    """

    source: str
    width: int
    height: int
    faces: tuple[Face, ...]
    model: str
    engine: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, as the JSON export shows it."""
        return {
            "source": self.source,
            "width": self.width,
            "height": self.height,
            "model": self.model,
            "detector": self.engine,
            "faces": [face.as_dict() for face in self.faces],
        }


@dataclass(frozen=True)
class PhotoFailure:
    """A photo that could not be analysed; the others of its batch still were.

    Attributes:
        source: as in :class:`PhotoResult`.
        message: what was expected and what came.
    """

    source: str
    message: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, as the JSON export shows it."""
        return {"source": self.source, "error": self.message}
