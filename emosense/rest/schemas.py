"""What requests and answers of the REST API hold, as OpenAPI describes it.

Answers have the values of :mod:`emosense.results`, by the same names as the app's JSON files.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import UploadFile
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from emosense.emotions import EMOTIONS
from emosense.faces.options import MAX_LONG_SIDE, DetectorOptions
from emosense.networks.registry import list_models
from emosense.video.options import VideoOptions

_PHOTO, _VIDEO = DetectorOptions(), VideoOptions()

Share = Annotated[float, Field(ge=0, le=1)]
Version = Annotated[str, Field(description="12 hexadecimal digits of a SHA-256; empty if unknown")]


ModelName = Annotated[
    str,
    Field(
        description="name of a network; without it the server's default",
        json_schema_extra=lambda schema: schema.update(enum=["", *list_models()]),
    ),
]
_FLAGS: Final = {"true": True, "True": True, "1": True, "false": False, "False": False, "0": False}


def _flag(value: object) -> object:
    if isinstance(value, str) and value not in _FLAGS:
        raise ValueError(f"expected one of {', '.join(_FLAGS)}")
    return _FLAGS[value] if isinstance(value, str) else value


FormFlag = Annotated[
    bool, BeforeValidator(_flag), WithJsonSchema({"type": "string", "enum": list(_FLAGS)})
]
"""True or false as programs write it into a form."""


File = Annotated[
    UploadFile,
    # The format is OpenAPI 3.0's, by which forms to try it show a file chooser.
    WithJsonSchema(
        {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
    ),
]


def _leave_out_examples(schema: dict[str, Any]) -> None:
    """Leave the examples of docstrings out of descriptions."""
    schema["description"] = schema["description"].partition("\n\n>>>")[0]


class Schema(BaseModel):
    """Base class: no unknown fields.

    >>> Box(x=1, y=2, width=3, height=4).width
    3.0
    """

    model_config = ConfigDict(
        extra="forbid", protected_namespaces=(), json_schema_extra=_leave_out_examples
    )


class FieldProblem(Schema):
    """What is wrong about one field of a request.

    >>> FieldProblem(field="model", detail="expected a name").field
    'model'
    """

    field: str
    detail: str


class Problem(Schema):
    """An error (RFC 9457).

    >>> Problem(title="Not Found", status=404, detail="There is no such job.").type
    'about:blank'
    """

    type: str = "about:blank"
    title: str
    status: int = Field(description="HTTP status code")
    detail: str = Field(description="what was expected and what came")
    errors: list[FieldProblem] = Field([], description="the fields of an invalid request")


class Box(Schema):
    """A box in pixels of the upright picture.

    >>> Box(x=1, y=2, width=3, height=4).x
    1.0
    """

    x: float
    y: float
    width: float
    height: float


class Quality(Schema):
    """What the picture lets a network see of a face.

    >>> "yaw" in Quality.model_fields
    True
    """

    size: float = Field(description="square root of the box's area, in pixels")
    sharpness: float
    brightness: Share
    contrast: float
    roll: float = Field(description="degrees, clockwise")
    yaw: float = Field(description="degrees, positive to the picture's right")
    pitch: float = Field(description="degrees, positive downwards")
    cut_off: Share = Field(description="fraction of the crop outside the picture")
    score: Share = Field(
        description="how often networks are right on such faces, relative to the best"
    )
    flags: list[str] = Field(description="what is poor, in words")


class Face(Schema):
    """A face with the probabilities of its expression.

    >>> "probabilities" in Face.model_fields
    True
    """

    face: int = Field(ge=1, description="number in reading order")
    emotion: str = Field(description=f"the most probable of {', '.join(EMOTIONS)}")
    sure: bool = Field(description="whether its probability reaches the abstention threshold")
    verdict: str = Field(description="the emotion; 'unsure' where the model abstains")
    probability: Share
    probabilities: dict[str, Share] = Field(description="by emotion; their sum is 1")
    box: Box
    landmarks: list[tuple[float, float]] = Field(
        description="right eye, left eye, nose, right and left corner of the mouth, in pixels"
    )
    detection_score: Share
    quality: Quality | None
    expected_accuracy: Share | None = Field(
        description="fraction of correct answers on test faces of similar quality and probability"
    )


class Photo(Schema):
    """The result of a photo.

    >>> sorted(Photo.model_fields)[:3]
    ['calibration_version', 'detector', 'faces']
    """

    source: str = Field(description="file name")
    width: int = Field(description="of the upright picture, in pixels")
    height: int
    model: str
    model_version: Version
    calibration_version: Version
    detector: str
    faces: list[Face] = Field(description="in reading order; empty where there is no face")


class PhotoError(Schema):
    """Why a photo has no result.

    >>> error = Problem(title="Unsupported Media Type", status=415, detail="Expected a photo.")
    >>> PhotoError(source="a.txt", error=error).error.status
    415
    """

    source: str
    error: Problem


class Photos(Schema):
    """A result or an error for each photo of a request, in the request's order.

    >>> Photos(photos=[]).photos
    []
    """

    photos: list[Photo | PhotoError]


class PhotosForm(Schema):
    """Photos to analyse, with options.

    >>> PhotosForm.model_fields["threshold"].default
    0.7
    """

    files: list[File] = Field(min_length=1, description="one or many photos")
    model: ModelName = ""
    threshold: float = Field(
        _PHOTO.threshold, gt=0, le=1, allow_inf_nan=False, description="minimum detection score"
    )
    min_face: int = Field(_PHOTO.min_face, ge=1, description="smallest side of a face, in pixels")
    long_side: int = Field(
        _PHOTO.long_side, ge=64, le=MAX_LONG_SIDE, description="working size, in pixels"
    )
    turned: FormFlag = Field(
        _PHOTO.turned,
        description="whether to look for turned faces too",
        json_schema_extra={"default": "false"},
    )


class VideoForm(Schema):
    """A video to analyse, with options.

    >>> VideoForm.model_fields["per_second"].default
    10.0
    """

    file: File
    model: ModelName = ""
    per_second: float = Field(
        _VIDEO.per_second or 0.0,
        ge=0,
        le=1000,
        allow_inf_nan=False,
        description="analysed frames a second; 0 for every frame",
    )
    detect_every: int = Field(
        1, ge=1, le=30, description="search faces in every k-th of them, and interpolate between"
    )
    threshold: float = Field(
        _VIDEO.threshold, gt=0, le=1, allow_inf_nan=False, description="minimum detection score"
    )
    min_face: int = Field(_VIDEO.min_face, ge=1, description="smallest side of a face, in pixels")
    start: float = Field(0.0, ge=0, allow_inf_nan=False, description="where it begins, in seconds")
    end: Annotated[
        float | None,
        Field(
            gt=0, allow_inf_nan=False, description="where it ends, in seconds; without it the end"
        ),
        # A form has no null.
        WithJsonSchema(
            {
                "type": "number",
                "exclusiveMinimum": 0,
                "description": "where it ends, in seconds; without it the end",
            }
        ),
    ] = None


class VideoInfo(Schema):
    """Properties of a video, as its container states them.

    >>> "codec" in VideoInfo.model_fields
    True
    """

    width: int = Field(description="of the upright first frame, in pixels; boxes are in it")
    height: int
    duration: float | None = Field(description="in seconds")
    frames: int | None = Field(description="may be an estimate")
    frames_per_second: float | None
    codec: str
    rotation: int
    audio: bool
    mirrored: bool


class Encoding(Schema):
    """The making of the video with boxes, which begins when it is asked for first.

    >>> Encoding(state="running", progress=0.5).state
    'running'
    """

    state: Literal["waiting", "running", "done", "failed"]
    progress: Share | None
    error: str | None = None


class Job(Schema):
    """The analysis of a video.

    >>> "state" in Job.model_fields
    True
    """

    id: str
    state: Literal["waiting", "running", "done", "failed"]
    source: str = Field(description="file name")
    created: datetime
    expires: datetime | None = Field(
        description="when it is deleted with its video and results; null until it has ended"
    )
    progress: Share | None = Field(description="null if the video's length is unknown")
    seconds_left: float | None = Field(description="estimate")
    frames_analysed: int
    video: VideoInfo
    model: str
    model_version: Version
    calibration_version: Version
    problem: str | None = Field(description="why its result ends early, or there is none")
    notes: list[str]
    encoding: Encoding | None
    results: dict[str, str] = Field(
        description="paths of the results by format, once there are any"
    )


class Jobs(Schema):
    """The jobs of the holder of a key, the oldest first.

    >>> Jobs(jobs=[]).jobs
    []
    """

    jobs: list[Job]


class Calibration(Schema):
    """Temperature scaling and abstention of a network.

    >>> sorted(Calibration.model_fields)
    ['abstention_threshold', 'depends_on_quality', 'temperature', 'version']
    """

    version: Version
    temperature: float
    abstention_threshold: float = Field(
        description="least probability of a sure answer, for faces of middle quality"
    )
    depends_on_quality: bool


class TestMetrics(Schema):
    """Metrics on test images.

    >>> sorted(TestMetrics.model_fields)
    ['accuracy', 'ece', 'images', 'macro_f1']
    """

    __test__ = False  # no test of pytest's

    images: int
    accuracy: Share
    macro_f1: Share
    ece: Share = Field(description="expected calibration error")


class Model(Schema):
    """A network that may be named in a request.

    >>> "parameters" in Model.model_fields
    True
    """

    name: str
    title: str
    summary: str
    is_default: bool
    parameters: int
    version: Version
    calibration: Calibration
    metrics: dict[str, TestMetrics] = Field(description="by the test split of its data set")
    licence: str


class Models(Schema):
    """The networks of the server.

    >>> Models(models=[], damaged=["cnn8"]).damaged
    ['cnn8']
    """

    models: list[Model]
    damaged: list[str] = Field(description="names of those whose files are damaged")
