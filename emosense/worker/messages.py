"""Requests to the inference process about photos, videos and models, and their answers.

Light to import.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from emosense.evaluation_set.result import MeasuredFace
from emosense.faces.options import DetectorOptions
from emosense.results import (
    Face,
    FrameResult,
    KeyMoment,
    PhotoResult,
    VideoInfo,
    VideoResult,
)
from emosense.video.options import VideoOptions
from emosense.worker.protocol import Message, Request, StreamRequest


class Preload(Message, Request[str]):
    """Load a model and run it once; the answer is the detector's label.

    >>> Preload(model="cnn8")
    Preload(model='cnn8')
    """

    model: str


class PhotoAnalysis(Message):
    """The answer to :class:`AnalyzePhoto`.

    Attributes:
        result: the photo's faces.
        preview: the annotated photo as a JPEG file.
        crops: one JPEG file per face, for display.
        inputs: (n, 48, 48) uint8 grey, the faces as the network saw them.

    >>> PhotoAnalysis.model_fields.keys() == {"result", "preview", "crops", "inputs"}
    True
    """

    result: PhotoResult
    preview: bytes
    crops: tuple[bytes, ...]
    inputs: npt.NDArray[np.uint8]


class AnalyzePhoto(Message, Request[PhotoAnalysis]):
    """Analyse one encoded photo.

    Attributes:
        data: the encoded file.
        name: name of the photo in the result.
        model: registry name of the network.
        options: detector options.
        preview_side: longest side of the preview, in pixels; 0 makes no pictures.
        crop_side: longest side of each crop, in pixels.

    >>> AnalyzePhoto(data=b"...", name="a.jpg", model="cnn8").preview_side
    1280
    """

    data: bytes
    name: str
    model: str
    options: DetectorOptions = DetectorOptions()
    preview_side: int = 1280
    crop_side: int = 240


class AnnotatePhoto(Message, Request[bytes]):
    """Draw a result onto its photo at full size; the answer is an image file.

    Attributes:
        data: the encoded photo.
        result: result with the photo's faces.
        image_format: format of the file.

    >>> AnnotatePhoto.model_fields["image_format"].default
    'PNG'
    """

    data: bytes
    result: PhotoResult
    image_format: Literal["PNG", "JPEG"] = "PNG"


class FaceExplanation(Message):
    """The answer to :class:`ExplainFace`.

    Attributes:
        picture: the heat map over the face, as a JPEG file.
        summary: one sentence.

    >>> FaceExplanation(picture=b"...", summary="No single part decides.").summary
    'No single part decides.'
    """

    picture: bytes
    summary: str


class ExplainFace(Message, Request[FaceExplanation]):
    """Explain the prediction for a face of a photo by occlusion.

    Attributes:
        data: the encoded photo.
        face: face of the photo to explain.
        model: registry name of the network.
        side: side of the picture, in pixels.

    >>> sorted(ExplainFace.model_fields)
    ['data', 'face', 'model', 'side']
    """

    data: bytes
    face: Face
    model: str
    side: int


class WriteSampleClip(Message, Request[None]):
    """Write the sample video to ``path``.

    >>> WriteSampleClip(path="clip.mp4").path
    'clip.mp4'
    """

    path: str


class VideoPreview(Message):
    """The answer to :class:`InspectVideo`.

    Attributes:
        info: properties of the video, as its container states them.
        preview: first frame as a JPEG file.
        media_type: media type under which browsers play the file; None if they do not, or show it
            otherwise.

    >>> sorted(VideoPreview.model_fields)
    ['info', 'media_type', 'preview']
    """

    info: VideoInfo
    preview: bytes
    media_type: str | None = None


class InspectVideo(Message, Request[VideoPreview]):
    """Open a video and decode its first frame.

    Attributes:
        path: path of the file.
        name: name of the video in messages.
        preview_side: longest side of the preview, in pixels.

    >>> InspectVideo(path="a", name="a.mp4", preview_side=960).name
    'a.mp4'
    """

    path: str
    name: str
    preview_side: int


class VideoProgress(Message):
    """An update of :class:`AnalyzeVideo`.

    Attributes:
        frames: results of the frames that were analysed since the last update.
        frames_read: number of frames decoded so far.

    >>> VideoProgress(frames=[], frames_read=3).frames_read
    3
    """

    frames: list[FrameResult]
    frames_read: int


class VideoSummary(Message):
    """The answer to :class:`AnalyzeVideo`.

    Attributes:
        result: result without its frames, which were sent as updates.
        notes: messages beside the result.
        key_moments: key moments of all persons.

    >>> sorted(VideoSummary.model_fields)
    ['key_moments', 'notes', 'result']
    """

    result: VideoResult
    notes: list[str]
    key_moments: tuple[KeyMoment, ...]


class AnalyzeVideo(Message, StreamRequest[VideoProgress, VideoSummary]):
    """Analyse a video.

    Attributes:
        path: path of the file.
        model: registry name of the network.
        options: sampling and detection options.
        estimate: estimated duration of the analysis in seconds; None if it is unknown.

    >>> AnalyzeVideo(path="a.mp4", model="cnn8").options.per_second
    10.0
    """

    path: str
    model: str
    options: VideoOptions = VideoOptions()
    estimate: float | None = None


class EncodingProgress(Message):
    """An update of :class:`EncodeVideo`.

    Attributes:
        time: time of the last encoded frame, in seconds from the first frame on.

    >>> EncodingProgress(time=2.0).time
    2.0
    """

    time: float


class EncodedVideo(Message):
    """The answer to :class:`EncodeVideo`.

    Attributes:
        notes: messages about what is missing: sound, or the end.

    >>> EncodedVideo(notes=[]).notes
    []
    """

    notes: list[str]


class EncodeVideo(Message, StreamRequest[EncodingProgress, EncodedVideo]):
    """Encode a video as H.264 in MP4, upright and with the times of its frames.

    Attributes:
        path: path of the file.
        target: path of the new file.
        long_side: maximum of the new frames' long side, in pixels.
        max_bytes: maximum size of the new file in bytes, beside the settings' limits.
        result: result whose boxes are drawn; None draws none.
        start: time in seconds of the first frame, with which the new file begins.
        end: time in seconds of the last frame; None is the video's end.
        estimate: estimated duration in seconds; None if it is unknown.

    >>> EncodeVideo(path="a.avi", target="a.mp4", long_side=1280).result is None
    True
    """

    path: str
    target: str
    long_side: int
    max_bytes: int | None = None
    result: VideoResult | None = None
    start: float = 0.0
    end: float | None = None
    estimate: float | None = None


class MeasureFace(Message, Request[MeasuredFace]):
    """Find, crop and measure the face of a labelled photo; of several the largest.

    Attributes:
        data: the encoded file.
        model: registry name of a network, whose process answers.
        options: detector options.
        cropped: whether the picture is a cropped face already.

    >>> MeasureFace(data=b"...", model="cnn8").cropped
    False
    """

    data: bytes
    model: str
    options: DetectorOptions = DetectorOptions()
    cropped: bool = False


class MeasureCrops(Message, Request[npt.NDArray[np.float32]]):
    """Measure the quality of cropped faces; see :func:`emosense.evaluation_set.measure.measure_crops`.

    Attributes:
        crops: (n, 48, 48) uint8 grey.
        model: registry name of a network, whose process answers.

    >>> MeasureCrops(crops=np.zeros((2, 48, 48), np.uint8), model="cnn8").model
    'cnn8'
    """

    crops: npt.NDArray[np.uint8]
    model: str


class ClassifyCrops(Message, Request[npt.NDArray[np.float32]]):
    """Classify cropped faces; the answer is their (n, 7) uncalibrated probabilities.

    Attributes:
        crops: (n, 48, 48) uint8 grey.
        model: registry name of the network.

    >>> ClassifyCrops(crops=np.zeros((2, 48, 48), np.uint8), model="cnn8").model
    'cnn8'
    """

    crops: npt.NDArray[np.uint8]
    model: str


class ExplainCrop(Message, Request[FaceExplanation]):
    """Explain the prediction for a cropped face by occlusion.

    Attributes:
        crop: (48, 48) uint8 grey.
        score: quality score of the face, in 0..1.
        model: registry name of the network.
        side: side of the picture, in pixels.

    >>> sorted(ExplainCrop.model_fields)
    ['crop', 'model', 'score', 'side']
    """

    crop: npt.NDArray[np.uint8]
    score: float
    model: str
    side: int


class DatasetFaces(Message):
    """The answer to :class:`ReadDatasetFaces`.

    Attributes:
        fingerprint: fingerprint of the whole data set.
        images: (n, 48, 48) uint8 grey, by the name of the split; without empty splits.
        labels: (n,) uint8 class indices, by the name of the split.
        notes: what was not used, in words.

    >>> DatasetFaces(fingerprint="a", images={}, labels={}, notes=()).fingerprint
    'a'
    """

    fingerprint: str
    images: dict[str, npt.NDArray[np.uint8]]
    labels: dict[str, npt.NDArray[np.uint8]]
    notes: tuple[str, ...]


class ReadDatasetFaces(Message, Request[DatasetFaces]):
    """Read the test splits of FER2013's csv, or Training where there is no other.

    Attributes:
        path: path of the file.
        name: name of the file in messages.

    >>> ReadDatasetFaces(path="a", name="fer2013.csv").name
    'fer2013.csv'
    """

    path: str
    name: str


class Throughput(Message):
    """The answer to :class:`MeasureThroughput`.

    Attributes:
        device: label of the backend and device.
        faces_per_second: classified faces a second, by batch size.

    >>> Throughput(device="ONNX Runtime, CPU", faces_per_second={1: 900.0}).device
    'ONNX Runtime, CPU'
    """

    device: str
    faces_per_second: dict[int, float]


class MeasureThroughput(Message, Request[Throughput]):
    """Measure how many faces a second a model classifies on this machine.

    >>> MeasureThroughput(model="cnn8").model
    'cnn8'
    """

    model: str


class LiveFrame(Message):
    """The answer to :class:`AnalyzeLiveFrame`.

    Attributes:
        frame: the result, with the index and time of the request.
        width: width of the frame in pixels; boxes are in it.
        height: height of the frame in pixels.

    >>> LiveFrame(frame=FrameResult(3, 0.1, ()), width=640, height=480).frame.index
    3
    """

    frame: FrameResult
    width: int
    height: int


class AnalyzeLiveFrame(Message, Request[LiveFrame]):
    """Analyse a frame of a live camera, as the next one of its session.

    Attributes:
        session: the camera's session: people keep their numbers within it.
        index: number of the frame.
        time: time of the frame, in seconds from the session's first one on.
        data: the frame as a JPEG file.
        model: registry name of the network.

    >>> AnalyzeLiveFrame(session="a", index=0, time=0.0, data=b"", model="cnn8").index
    0
    """

    session: str
    index: int
    time: float
    data: bytes
    model: str
