"""Results of an analysis: frozen dataclasses, the same for Python, pages, CLI and exports."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from emosense.emotions import EMOTIONS

Point = tuple[float, float]

UNSURE: Final = "unsure"
"""Verdict on a face on which the model abstains: no emotion is probable enough."""

VERDICTS: Final = (*EMOTIONS, UNSURE)
"""All verdicts on a face: the emotions, and "unsure" where the model abstains."""

DOUBTFUL_BELOW: Final = 0.8
"""Detection score below which a detection may be a false positive: of YuNet's 19 false positives on
500 photos without faces, 13 lie below it."""


@dataclass(frozen=True)
class Box:
    """A bounding box in pixels of the upright image.

    Attributes:
        x: left edge.
        y: upper edge.
        width: width.
        height: height.

    >>> Box(-5.0, 0.0, 20.0, 10.0).clamped(width=100, height=100)
    Box(x=0.0, y=0.0, width=15.0, height=10.0)
    """

    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> Point:
        """The centre (x, y) of the box, in pixels."""
        return self.x + self.width / 2, self.y + self.height / 2

    def scaled(self, factor: float) -> Box:
        """Return the same box in an image that is ``factor`` times as large."""
        return Box(self.x * factor, self.y * factor, self.width * factor, self.height * factor)

    def clamped(self, width: int, height: int) -> Box:
        """Return the box clamped to an image of ``width`` x ``height`` pixels."""
        left, top = min(max(self.x, 0.0), width), min(max(self.y, 0.0), height)
        right = min(max(self.x + self.width, 0.0), width)
        bottom = min(max(self.y + self.height, 0.0), height)
        return Box(left, top, right - left, bottom - top)


@dataclass(frozen=True)
class Detection:
    """A face detection.

    Attributes:
        box: bounding box, clamped to the image.
        landmarks: five points (x, y) in pixels: right eye, left eye, nose tip, right and left
            corner of the mouth (right and left of the person); may lie outside the image.
        score: score of the detector, in 0..1.
        full_box: bounding box before clamping; crops are centred on it.

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
class FaceQuality:
    """Quality of a face: what the picture lets a network see of it.

    Attributes:
        size: square root of the area of the box before clamping, in pixels of the upright picture.
        sharpness: standard deviation of the Laplacian of the 48x48 crop in units of that of its grey
            values; 0 or more, 0.6 to 1.2 in sharp photos.
        brightness: mean grey value of the crop, in 0..1.
        contrast: standard deviation of the grey values of the crop, in 0..0.5.
        roll: angle of the line through the eyes, in degrees, clockwise; upright is 0.
        yaw: coarse angle in degrees, -90..90; positive if the face looks to the right of the picture.
        pitch: coarse angle in degrees, -90..90; positive if it looks down.
        cut_off: fraction of the area of the crop that lies outside the picture, in 0..1.
        score: quality score, in 0..1: how often networks are correct on such faces, relative to faces
            without faults; see :func:`emosense.faces.quality_score.quality_scores`.

    >>> FaceQuality(20.0, 0.5, 0.5, 0.2, 0.0, 50.0, 0.0, 0.0, 0.7).flags
    ('small', 'turned away')
    """

    size: float
    sharpness: float
    brightness: float
    contrast: float
    roll: float
    yaw: float
    pitch: float
    cut_off: float
    score: float

    @property
    def flags(self) -> tuple[str, ...]:
        """What is poor about it, in words; empty for a good photo."""
        return tuple(name for name, is_poor in _FLAGS.items() if is_poor(self))

    def as_dict(self) -> dict[str, Any]:
        """Return the quality as JSON data."""
        return {**asdict(self), "flags": list(self.flags)}


_FLAGS: Final[dict[str, Callable[[FaceQuality], bool]]] = {
    "small": lambda quality: quality.size < 29,
    "blurred": lambda quality: quality.sharpness < 0.44,
    "dark": lambda quality: quality.brightness < 0.14,
    "overexposed": lambda quality: quality.brightness > 0.92,
    "low contrast": lambda quality: quality.contrast < 0.05,
    "turned away": lambda quality: abs(quality.yaw) > 26 or abs(quality.pitch) > 15,
    "cut off": lambda quality: quality.cut_off > 0.16,
}
"""Flags of a quality, in the order in which they are shown. The bounds are where a measure costs ten points
of accuracy on PublicTest (``benchmarks/face_quality.py flags``; docs/confidence.md)."""


@dataclass(frozen=True)
class Face:
    """A detected face with the predicted probabilities of its expression.

    Attributes:
        box: bounding box, clamped to the upright image, in its pixels.
        landmarks: five points (x, y) in pixels; order as in :class:`Detection`.
        detection_score: score of the detector, in 0..1.
        probabilities: seven probabilities in 0..1 that sum to 1, in the order of
            :data:`~emosense.emotions.EMOTIONS`; calibrated if the model is.
        sure: whether the largest probability reaches the model's abstention threshold; False if
            the model abstains. See :class:`emosense.networks.temperature_scaling.Calibration`.
        full_box: bounding box before clamping; None if only ``box`` is known.
        quality: what the picture lets a network see; None if it was not measured.
        expected_accuracy: of test faces of similar quality answered with a similar probability, the
            fraction that was predicted correctly, in 0..1; None if the model does not know it.

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
    quality: FaceQuality | None = None
    expected_accuracy: float | None = None

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
        """The most probable emotion, or :data:`UNSURE` if the model abstains."""
        return self.emotion if self.sure else UNSURE

    @property
    def flags(self) -> tuple[str, ...]:
        """What is poor about its picture, in words; empty if that was not measured."""
        return () if self.quality is None else self.quality.flags

    @property
    def doubtful(self) -> bool:
        """Whether it may be a false positive: the score is below :data:`DOUBTFUL_BELOW`."""
        return self.detection_score < DOUBTFUL_BELOW

    def as_dict(self) -> dict[str, Any]:
        """Return the face as JSON data."""
        box = self.box
        return {
            "emotion": self.emotion,
            "sure": self.sure,
            "verdict": self.verdict,
            "probability": self.probability,
            "probabilities": dict(zip(EMOTIONS, self.probabilities, strict=True)),
            "box": {"x": box.x, "y": box.y, "width": box.width, "height": box.height},
            "landmarks": [list(point) for point in self.landmarks],
            "detection_score": self.detection_score,
            "quality": None if self.quality is None else self.quality.as_dict(),
            "expected_accuracy": self.expected_accuracy,
        }


@dataclass(frozen=True)
class PhotoResult:
    """The result of a photo: all of its faces.

    Attributes:
        source: file name, or ``photo 1`` and so on for images without a name.
        width: width of the upright image, in pixels.
        height: height of the upright image, in pixels.
        faces: faces in reading order: from left to right, rows from above; may be empty.
        model: registry name of the network.
        detector: label of the face detector with its backend and device, e.g.
            ``YuNet (OpenCV, CPU)``.
        model_version: identifier of the network's weights, see
            :attr:`emosense.networks.model_card.ModelCard.version`; empty if it is unknown.
        calibration_version: likewise of its calibration.

    >>> PhotoResult("a.jpg", 640, 480, (), "cnn8", "YuNet (ONNX Runtime, CPU)").as_dict()["faces"]
    []
    """

    source: str
    width: int
    height: int
    faces: tuple[Face, ...]
    model: str
    detector: str
    model_version: str = ""
    calibration_version: str = ""

    def numbered(self, only: Collection[int] | None = None) -> list[tuple[int, Face]]:
        """Return (number, face) pairs; numbers count from 1.

        Args:
            only: numbers of the faces to include; None includes all.
        """
        numbered = enumerate(self.faces, start=1)
        return [(number, face) for number, face in numbered if only is None or number in only]

    def as_dict(self, only: Collection[int] | None = None) -> dict[str, Any]:
        """Return the result as JSON data.

        Args:
            only: numbers of the faces to include; None includes all.
        """
        return {
            "source": self.source,
            "width": self.width,
            "height": self.height,
            "model": self.model,
            "model_version": self.model_version,
            "calibration_version": self.calibration_version,
            "detector": self.detector,
            "faces": [{"face": n, **face.as_dict()} for n, face in self.numbered(only)],
        }


@dataclass(frozen=True)
class PhotoFailure:
    """A photo that could not be analysed; other photos of its batch are not affected.

    Attributes:
        source: file name, or ``photo 1`` and so on for images without a name.
        message: error message.

    >>> PhotoFailure("a.jpg", "The file is empty (0 bytes).").as_dict()
    {'source': 'a.jpg', 'error': 'The file is empty (0 bytes).'}
    """

    source: str
    message: str

    def as_dict(self) -> dict[str, Any]:
        """Return the failure as JSON data."""
        return {"source": self.source, "error": self.message}


@dataclass(frozen=True)
class VideoInfo:
    """Properties of a video, as its container states them; None where it states nothing.

    Attributes:
        width: width of the upright first frame, in pixels. Later frames of another size are
            fitted into the first one; boxes are in its pixels.
        height: height of the upright first frame, in pixels.
        duration: duration in seconds.
        frames: number of frames; may be an estimate.
        frames_per_second: average frame rate.
        codec: FFmpeg's name of the video codec, e.g. ``h264``.
        rotation: rotation that makes stored frames upright, in degrees counter-clockwise (0, 90,
            180 or 270).
        audio: whether the video has an audio stream.
        mirrored: whether stored frames are flipped horizontally before they are rotated.

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
    """A face in a frame of a video, with the number of its person.

    Attributes:
        person: number of the person, from 1 in the order of first appearance; the same in all
            frames.
        face: face, in pixels of the upright frame.

    >>> box = Box(10, 20, 30, 40)
    >>> landmarks = ((18, 32), (32, 32), (25, 42), (19, 50), (31, 50))
    >>> TrackedFace(1, Face(box, landmarks, 0.9, (1.0,) + 6 * (0.0,))).person
    1
    """

    person: int
    face: Face

    def scaled(self, factor: float) -> TrackedFace:
        """Return the same face in an image that is ``factor`` times as large."""
        if factor == 1:
            return self
        face, quality = self.face, self.face.quality
        return replace(
            self,
            face=replace(
                face,
                box=face.box.scaled(factor),
                full_box=None if face.full_box is None else face.full_box.scaled(factor),
                landmarks=tuple((x * factor, y * factor) for x, y in face.landmarks),  # type: ignore[arg-type]
                quality=quality and replace(quality, size=quality.size * factor),
            ),
        )


@dataclass(frozen=True)
class FrameResult:
    """The result of an analysed frame of a video.

    Attributes:
        index: index of the frame in the video, from 0.
        time: time of the frame, in seconds from the first frame on.
        faces: faces of the frame, sorted by person; may be empty.
        scene_cut: whether a new scene begins with the frame, or since the analysed one before it.

    >>> FrameResult(index=50, time=2.0, faces=()).as_dict()
    {'frame': 50, 'time': 2.0, 'scene_cut': False, 'faces': []}
    """

    index: int
    time: float
    faces: tuple[TrackedFace, ...]
    scene_cut: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON data."""
        return {
            "frame": self.index,
            "time": self.time,
            "scene_cut": self.scene_cut,
            "faces": [
                {"person": tracked.person, **tracked.face.as_dict()} for tracked in self.faces
            ],
        }


@dataclass(frozen=True)
class VideoResult:
    """The result of a video: all of its analysed frames.

    Attributes:
        source: file name.
        info: properties of the video, as its container states them.
        frames: analysed frames, in the order of their times.
        frames_read: number of decoded frames, analysed or not.
        model: registry name of the network.
        detector: label of the face detector with its backend and device.
        problem: message why the result ends early; None if it is complete.
        names: names of persons that somebody gave them, by number.
        excluded: stretches (start, end), in seconds, that somebody excluded: ``frames`` has none of
            them.
        model_version: identifier of the network's weights, see
            :attr:`emosense.networks.model_card.ModelCard.version`; empty if it is unknown.
        calibration_version: likewise of its calibration.

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
    names: dict[int, str] = field(default_factory=dict)
    excluded: tuple[tuple[float, float], ...] = ()
    model_version: str = ""
    calibration_version: str = ""

    @property
    def persons(self) -> tuple[int, ...]:
        """Numbers of all persons, rising."""
        return tuple(sorted({face.person for frame in self.frames for face in frame.faces}))

    def name_of(self, person: int) -> str:
        """Return the name of a person, or ``person`` with the number."""
        return self.names.get(person, f"person {person}")

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON data."""
        return {
            "source": self.source,
            "video": asdict(self.info),
            "model": self.model,
            "model_version": self.model_version,
            "calibration_version": self.calibration_version,
            "detector": self.detector,
            "frames_read": self.frames_read,
            "problem": self.problem,
            "names": {str(person): name for person, name in self.names.items()},
            "excluded": [list(stretch) for stretch in self.excluded],
            "frames": [frame.as_dict() for frame in self.frames],
        }


@dataclass(frozen=True)
class KeyMoment:
    """The frame in which a person shows an emotion with the highest probability.

    Attributes:
        person: number of the person.
        emotion: name of the emotion, which is the most probable one in the frame.
        probability: probability of the emotion, in 0..1.
        index: index of the frame in the video, from 0.
        time: time of the frame, in seconds from the first frame on.
        picture: small JPEG file of the face in the frame.

    >>> KeyMoment(1, "happy", 0.9, index=50, time=2.0, picture=b"...").emotion
    'happy'
    """

    person: int
    emotion: str
    probability: float
    index: int
    time: float
    picture: bytes
