"""What an analysis gives: frozen dataclasses, the same for Python, pages, CLI and exports."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any, Final

from emosense.emotions import EMOTIONS

Point = tuple[float, float]

UNSURE: Final = "unsure"
"""What is said of a face whose most probable emotion is not probable enough."""

VERDICTS: Final = (*EMOTIONS, UNSURE)
"""All that can be said of a face."""

DOUBTFUL_BELOW: Final = 0.8
"""Detection score below which a face is perhaps none: of YuNet's 19 false faces on 500 photos without
any, 13 lie below it."""


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of the upright image; (x, y) is its left upper corner.

    >>> Box(-5.0, 0.0, 20.0, 10.0).clamped(width=100, height=100)
    Box(x=0.0, y=0.0, width=15.0, height=10.0)
    """

    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> Point:
        """Middle of the box, in pixels."""
        return self.x + self.width / 2, self.y + self.height / 2

    def scaled(self, factor: float) -> Box:
        """Return the box in an image that is larger by ``factor``."""
        return Box(self.x * factor, self.y * factor, self.width * factor, self.height * factor)

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

    >>> box = Box(10, 20, 30, 40)
    >>> landmarks = ((18, 32), (32, 32), (25, 42), (19, 50), (31, 50))
    >>> Detection(box, landmarks, score=0.9, full_box=box).box.centre
    (25.0, 40.0)
    """

    box: Box
    landmarks: tuple[Point, Point, Point, Point, Point]
    score: float
    full_box: Box


@dataclass(frozen=True)
class Face:
    """A face and what it expresses.

    Attributes:
        box: box inside the upright image, in its pixels.
        landmarks: five points; see :class:`Detection`.
        detection_score: the detector's certainty in 0..1.
        probabilities: seven values in 0..1 that sum to 1, in the order of
            :data:`~emosense.emotions.EMOTIONS`; calibrated if the model is.
        sure: whether the top probability reaches the model's threshold; see
            :class:`emosense.networks.temperature_scaling.Calibration`.
        full_box: the box before it was clamped to the image; None where only ``box`` is known.

    >>> box = Box(10, 20, 30, 40)
    >>> landmarks = ((18, 32), (32, 32), (25, 42), (19, 50), (31, 50))
    >>> probabilities = (0.1, 0.0, 0.0, 0.6, 0.1, 0.1, 0.1)
    >>> face = Face(box, landmarks, 0.9, probabilities)
    >>> face.emotion, face.probability, face.verdict
    ('happy', 0.6, 'happy')
    """

    box: Box
    landmarks: tuple[Point, Point, Point, Point, Point]
    detection_score: float
    probabilities: tuple[float, ...]
    sure: bool = True
    full_box: Box | None = None

    @property
    def emotion(self) -> str:
        """Name of the most probable emotion."""
        return EMOTIONS[self.probabilities.index(max(self.probabilities))]

    @property
    def probability(self) -> float:
        """Probability of :attr:`emotion`, in 0..1."""
        return max(self.probabilities)

    @property
    def verdict(self) -> str:
        """:attr:`emotion`, or :data:`UNSURE`."""
        return self.emotion if self.sure else UNSURE

    @property
    def doubtful(self) -> bool:
        """Whether it is perhaps no face: its detection score is below :data:`DOUBTFUL_BELOW`."""
        return self.detection_score < DOUBTFUL_BELOW

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, as the JSON export shows it."""
        box = self.box
        return {
            "emotion": self.emotion,
            "sure": self.sure,
            "probability": self.probability,
            "probabilities": dict(zip(EMOTIONS, self.probabilities, strict=True)),
            "box": {"x": box.x, "y": box.y, "width": box.width, "height": box.height},
            "landmarks": [list(point) for point in self.landmarks],
            "detection_score": self.detection_score,
        }


@dataclass(frozen=True)
class PhotoResult:
    """All faces of one photo, in reading order: from left to right, rows from above.

    Attributes:
        source: file name, or ``photo 1`` and so on for images without one.
        width: width of the upright image, in pixels.
        height: its height, in pixels.
        faces: may be empty.
        model: registry name of the network that classified them.
        detector: which detector engine ran, and on which device, e.g. ``YuNet (OpenCV, CPU)``.

    >>> PhotoResult("a.jpg", 640, 480, (), "cnn8", "YuNet (ONNX Runtime, CPU)").as_dict()["faces"]
    []
    """

    source: str
    width: int
    height: int
    faces: tuple[Face, ...]
    model: str
    detector: str

    def numbered(self, only: Collection[int] | None = None) -> list[tuple[int, Face]]:
        """Return the faces with their numbers from 1: all, or those of these numbers."""
        every = enumerate(self.faces, start=1)
        return [(number, face) for number, face in every if only is None or number in only]

    def as_dict(self, only: Collection[int] | None = None) -> dict[str, Any]:
        """Return plain data, as the JSON export shows it.

        Args:
            only: numbers of the faces to include; all if None.
        """
        return {
            "source": self.source,
            "width": self.width,
            "height": self.height,
            "model": self.model,
            "detector": self.detector,
            "faces": [{"face": n, **face.as_dict()} for n, face in self.numbered(only)],
        }


@dataclass(frozen=True)
class PhotoFailure:
    """A photo that could not be analysed; the others of its batch still were.

    Attributes:
        source: file name, or ``photo 1`` and so on for images without one.
        message: what was expected and what came.

    >>> PhotoFailure("a.jpg", "The file is empty (0 bytes).").as_dict()
    {'source': 'a.jpg', 'error': 'The file is empty (0 bytes).'}
    """

    source: str
    message: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, as the JSON export shows it."""
        return {"source": self.source, "error": self.message}


@dataclass(frozen=True)
class VideoInfo:
    """What a video's container says; None where it says nothing.

    Attributes:
        width: width of the upright first frame, in pixels, which all others are fitted into; boxes are
            in its pixels.
        height: its height, in pixels.
        duration: duration in seconds.
        frames: how many, at least roughly.
        frames_per_second: on average.
        codec: FFmpeg's name, e.g. ``h264``.
        rotation: rotation that makes stored frames upright, in degrees
            counter-clockwise (0, 90, 180 or 270).
        audio: whether there is sound.
        mirrored: whether left and right of stored frames are swapped before they are turned.

    >>> VideoInfo(640, 360, 8.0, 200, 25.0, "h264", rotation=0, audio=True).mirrored
    False
    """

    width: int
    height: int
    duration: float | None
    frames: int | None
    frames_per_second: float | None
    codec: str
    rotation: int
    audio: bool
    mirrored: bool = False


@dataclass(frozen=True)
class TrackedFace:
    """A face in a video, and whose it is.

    Attributes:
        person: number from 1 in the order of first appearance; the same person keeps it.
        face: with its box in pixels of the upright frame.

    >>> box = Box(10, 20, 30, 40)
    >>> landmarks = ((18, 32), (32, 32), (25, 42), (19, 50), (31, 50))
    >>> TrackedFace(1, Face(box, landmarks, 0.9, (1.0,) + 6 * (0.0,))).person
    1
    """

    person: int
    face: Face


@dataclass(frozen=True)
class FrameResult:
    """What was found in one analysed frame.

    Attributes:
        index: index of the frame in the video, from 0.
        time: seconds from the first frame on.
        faces: sorted by person; may be empty.

    >>> FrameResult(index=50, time=2.0, faces=()).as_dict()
    {'frame': 50, 'time': 2.0, 'faces': []}
    """

    index: int
    time: float
    faces: tuple[TrackedFace, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, as the JSON export shows it."""
        return {
            "frame": self.index,
            "time": self.time,
            "faces": [{"person": f.person, **f.face.as_dict()} for f in self.faces],
        }


@dataclass(frozen=True)
class VideoResult:
    """All analysed frames of a video, in order.

    Attributes:
        source: file name.
        info: what the container says.
        frames: the analysed ones.
        frames_read: decoded frames, analysed or not.
        model: registry name of the network.
        detector: detector engine and device.
        problem: why the result ends early, in words; None if it is complete.

    >>> info = VideoInfo(640, 360, 8.0, 200, 25.0, "h264", rotation=0, audio=True)
    >>> VideoResult("a.mp4", info, (), 0, "cnn8", "YuNet (ONNX Runtime, CPU)").persons
    ()
    """

    source: str
    info: VideoInfo
    frames: tuple[FrameResult, ...]
    frames_read: int
    model: str
    detector: str
    problem: str | None = None

    @property
    def persons(self) -> tuple[int, ...]:
        """Numbers of all people, rising."""
        return tuple(sorted({face.person for frame in self.frames for face in frame.faces}))

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, as the JSON export shows it."""
        return {
            "source": self.source,
            "video": asdict(self.info),
            "model": self.model,
            "detector": self.detector,
            "frames_read": self.frames_read,
            "problem": self.problem,
            "frames": [frame.as_dict() for frame in self.frames],
        }


@dataclass(frozen=True)
class KeyMoment:
    """When a person showed an emotion most strongly.

    Attributes:
        person: number of the person.
        emotion: name; the most probable one in that frame.
        probability: probability of the emotion, in 0..1.
        index: index of the frame.
        time: time of the frame, in seconds.
        picture: the face then, as a small JPEG.

    >>> KeyMoment(1, "happy", 0.9, index=50, time=2.0, picture=b"...").emotion
    'happy'
    """

    person: int
    emotion: str
    probability: float
    index: int
    time: float
    picture: bytes
