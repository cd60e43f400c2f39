"""The analyzer: face detection, cropping and classification behind one class."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from dataclasses import replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import ImageFile

from emosense import settings
from emosense.errors import MediaError
from emosense.faces.crop import crop_face, crop_faces
from emosense.faces.detector import FaceDetector
from emosense.faces.options import DetectorOptions
from emosense.faces.quality import measure_qualities
from emosense.faces.reading_order import reading_order
from emosense.filesystem.filenames import abbreviate, describe_value
from emosense.media.images import PhotoSource, RgbImage, is_readable, read_photo
from emosense.networks.classifier import EmotionClassifier
from emosense.networks.occlusion import Explanation, explain
from emosense.networks.registry import find_model
from emosense.results import Box, Detection, Face, FaceQuality, PhotoFailure, PhotoResult
from emosense.settings import PhotoLimits
from emosense.video.options import VideoOptions

if TYPE_CHECKING:
    from emosense.video.pipeline import VideoAnalysis

_MAX_BATCH_PIXELS = 64_000_000


class Analyzer:
    """Detects faces and classifies their expressions.

    Loading a model takes a second or two, so use one analyzer for many photos. Not thread-safe:
    use it in one thread only.

    Args:
        model: registry name of the model; None uses the setting EMOSENSE_MODEL (``cnn8-tuned``).
        backend: ``auto``, ``onnx``, ``opencv``, ``cuda`` or ``keras``; None uses EMOSENSE_BACKEND.
        limits: size limits of photos; None uses those of the settings.

    Raises:
        ModelNotFound: the registry has no model of that name.
        ModelDamaged: files of the model are missing or changed.
        DetectorError: the backend is unknown, or the detector's weights are damaged.

    >>> from emosense.samples import sample_photo
    >>> result = Analyzer().photo(sample_photo())
    >>> [face.emotion for face in result.faces]
    ['happy']
    """

    def __init__(
        self,
        model: str | None = None,
        backend: str | None = None,
        limits: PhotoLimits | None = None,
    ) -> None:
        backend = backend or settings.BACKEND.text()
        self._detector = FaceDetector(backend)
        self._classifier = EmotionClassifier(find_model(model or settings.MODEL.text()), backend)
        self.limits = limits or settings.photo_limits()

    @property
    def model(self) -> str:
        """Registry name of the model."""
        return self._classifier.name

    @property
    def model_version(self) -> str:
        """Identifier of the network's weights; empty if the model's card does not list them."""
        return self._classifier.version

    @property
    def calibration_version(self) -> str:
        """Identifier of the calibration."""
        return self._classifier.calibration.version

    @property
    def detector(self) -> str:
        """Label of the face detector with its backend and device, e.g. ``YuNet (ONNX Runtime, CPU)``."""
        return self._detector.label

    @property
    def on_gpu(self) -> bool:
        """Whether the face detector runs on a GPU."""
        return self._detector.on_gpu

    @property
    def network_backend(self) -> str:
        """Label of the emotion network's backend and device, e.g. ``ONNX Runtime, CPU``."""
        return self._classifier.label

    def photo(self, photo: PhotoSource, options: DetectorOptions | None = None) -> PhotoResult:
        """Analyse a photo.

        Args:
            photo: path, encoded bytes, PIL image or array; see
                :func:`emosense.media.images.read_photo`.
            options: detector options; None uses the defaults for photos.

        Raises:
            MediaError: the photo is unreadable or above a size limit.
        """
        image = read_photo(photo, self.limits)
        return self.images([(photo_name(photo, 1), image)], options)[0]

    def photos(
        self,
        photos: Iterable[PhotoSource],
        options: DetectorOptions | None = None,
        *,
        names: Iterable[str] | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> list[PhotoResult | PhotoFailure]:
        """Analyse many photos in batches: the faces of a batch go through the network together.

        A photo that cannot be read gives a :class:`~emosense.results.PhotoFailure` in its
        place; the others are not affected. Memory stays bounded: a batch ends after 64
        megapixels of decoded images.

        Args:
            photos: photos, each of a kind that :meth:`photo` takes; may be a generator.
            options: detector options; None uses the defaults for photos.
            names: names of the photos in the results; where a name, or the list, is None, the
                photo's file name or number is used.
            on_progress: called after each batch with (number of analysed photos, number of all
                photos; for a generator, of those read so far).

        Returns:
            One result or failure per photo, in the order of the photos.

        Raises:
            MediaError: ``photos`` is a single photo, or the number of names differs from theirs.
        """
        if _is_single_photo(photos) or not isinstance(photos, Iterable):
            raise MediaError(
                f"Expected several photos, as a list or generator. Received: {describe_value(photos)}"
            )
        total = len(photos) if isinstance(photos, Sized) else None
        requested_names = _names(names)
        if names is not None and total is not None and len(requested_names) != total:
            raise MediaError(f"Expected {total} names. Received: {len(requested_names)}.")
        read = 0
        results: dict[int, PhotoResult | PhotoFailure] = {}
        batch: list[tuple[int, str, RgbImage]] = []

        def analyze_batch() -> None:
            batch_results = self.images([(name, image) for _, name, image in batch], options)
            results.update(zip((index for index, _, _ in batch), batch_results, strict=True))
            batch.clear()
            if on_progress is not None:
                on_progress(len(results), read if total is None else total)

        for index, photo in enumerate(photos):
            read = index + 1
            requested = requested_names[index] if index < len(requested_names) else None
            name = requested if isinstance(requested, str) else photo_name(photo, index + 1)
            try:
                batch.append((index, name, read_photo(photo, self.limits)))
            except MediaError as error:
                results[index] = PhotoFailure(name, str(error))
            if sum(image.shape[0] * image.shape[1] for *_, image in batch) > _MAX_BATCH_PIXELS:
                analyze_batch()
        analyze_batch()
        return [results[index] for index in range(read)]

    def video(
        self,
        path: str | os.PathLike[str],
        options: VideoOptions | None = None,
        annotated: str | Path | None = None,
        *,
        max_annotated_bytes: int | None = None,
    ) -> VideoAnalysis:
        """Analyse a video.

        Args:
            path: path of a video in one of :data:`emosense.media.formats.VIDEO_FORMATS`.
            options: sampling and detection options; None uses the defaults, ten frames a second.
            annotated: path to write the annotated video to (MP4, with the audio of the video);
                None writes none.
            max_annotated_bytes: maximum size of the annotated video, which ends there; None leaves
                it to the settings.

        Returns:
            An analysis that runs while you iterate over its frames, or when you call its
            :meth:`~emosense.video.pipeline.VideoAnalysis.finish`. Use it in a ``with`` block if
            you may leave it before its end.

        Raises:
            MediaError: the video is unreadable or above a size limit, or ``annotated`` is the
                video itself.
        """
        # Here, not above: photos need no FFmpeg.
        from emosense.video.pipeline import VideoAnalysis

        limits = replace(settings.video_limits(), max_annotated_bytes=max_annotated_bytes)
        if options is not None and options.long_side is not None:  # decode at the detection size
            limits = replace(limits, long_side=max(limits.long_side, options.long_side))
        return VideoAnalysis(self, _video_path(path), options, annotated, limits)

    def explain(self, photo: PhotoSource, face: Face, emotion: str | None = None) -> Explanation:
        """Explain the prediction for a face of a photo by occlusion; takes about a second.

        Args:
            photo: the photo that shows the face, of a kind that :meth:`photo` takes.
            face: a face of the photo's result.
            emotion: name of the emotion to explain; None explains the most probable one.

        Raises:
            MediaError: the photo is unreadable or above a size limit.
            ValueError: the emotion is unknown.
        """
        score = 1.0 if face.quality is None else face.quality.score

        def classify_alike(faces: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
            return self.classify(faces, np.full(len(faces), score))

        return explain(crop_face(read_photo(photo, self.limits), face), classify_alike, emotion)

    def detect_faces(
        self, images: Sequence[RgbImage], options: DetectorOptions | None = None
    ) -> list[tuple[Detection, ...]]:
        """Return the face detections of each image, without classifying them.

        Args:
            images: (h, w, 3) uint8 RGB images.
            options: detector options; None uses the defaults for photos.
        """
        return self._detector.detect(images, options) if images else []

    def detect_in_regions(
        self, faces: Sequence[tuple[RgbImage, Box]], options: DetectorOptions
    ) -> list[tuple[Detection, ...]]:
        """Return the face detections around each expected face, without classifying them.

        Args:
            faces: (image, box of the expected face) pairs; images are (h, w, 3) uint8 RGB.
            options: detector options.
        """
        return self._detector.detect_regions(faces, options)

    def classify(
        self,
        faces: npt.NDArray[np.uint8],
        scores: npt.NDArray[np.floating[Any]] | None = None,
        *,
        raw: bool = False,
    ) -> npt.NDArray[np.float32]:
        """Classify face crops.

        Args:
            faces: (n, 48, 48) uint8 grey; n may be 0.
            scores: (n,) quality scores in 0..1; None takes all faces for faultless.
            raw: return uncalibrated probabilities.

        Returns:
            (n, 7) calibrated probabilities in 0..1.
        """
        return self._classifier.raw(faces) if raw else self._classifier(faces, scores)

    def classify_detections(
        self, detections: Sequence[tuple[RgbImage, Sequence[Detection]]]
    ) -> list[tuple[Face, ...]]:
        """Crop, measure and classify detected faces with one call of the network for all of them.

        Args:
            detections: (image, its detections) pairs; images are (h, w, 3) uint8 RGB.

        Returns:
            The faces of each image, in the order of its detections.
        """
        faces = [(image, found) for image, of_image in detections for found in of_image]
        crops = crop_faces(faces)
        qualities = measure_qualities(
            (crop, found, image.shape[1], image.shape[0])
            for crop, (image, found) in zip(crops, faces, strict=True)
        )
        scores = np.array([quality.score for quality in qualities])
        probabilities = self.classify(crops, scores)
        sure = self._classifier.calibration.sure(probabilities, scores)
        answers = zip(qualities, probabilities, sure.tolist(), strict=True)
        return [
            tuple(self._face(found, *next(answers)) for found in of_image)
            for _, of_image in detections
        ]

    def _face(
        self,
        detection: Detection,
        quality: FaceQuality,
        probabilities: npt.NDArray[np.float32],
        sure: bool,
    ) -> Face:
        top = float(probabilities.max())
        return Face(
            detection.box,
            detection.landmarks,
            detection.score,
            tuple(probabilities.astype(float).tolist()),
            sure=sure,
            full_box=detection.full_box,
            quality=quality,
            expected_accuracy=self._classifier.calibration.expected_accuracy(top, quality.score),
        )

    def images(
        self, photos: Sequence[tuple[str, RgbImage]], options: DetectorOptions | None = None
    ) -> list[PhotoResult]:
        """Analyse decoded images with one call of the network for all of their faces.

        Args:
            photos: (name, image) pairs; images are (h, w, 3) uint8 RGB, upright.
            options: detector options; None uses the defaults for photos.
        """
        if not photos:
            return []
        detected = self._detector.detect([image for _, image in photos], options)
        ordered = [reading_order(detections) for detections in detected]
        faces = self.classify_detections(
            [(image, found) for (_, image), found in zip(photos, ordered, strict=True)]
        )
        return [
            PhotoResult(
                source=name,
                width=image.shape[1],
                height=image.shape[0],
                faces=of_image,
                model=self.model,
                detector=self.detector,
                model_version=self.model_version,
                calibration_version=self.calibration_version,
            )
            for (name, image), of_image in zip(photos, faces, strict=True)
        ]


def photo_name(photo: PhotoSource, number: int) -> str:
    """Return the name of a photo in results: its file name, else ``photo`` and its number."""
    try:  # properties of a foreign object raise errors of their own
        path: Any = photo
        if isinstance(photo, ImageFile.ImageFile):
            path = photo.filename
        elif not isinstance(photo, str | os.PathLike):
            path = getattr(photo, "name", None)  # of an open file; may be a file descriptor
        name = PurePath(os.fsdecode(path)).name
    except Exception:
        name = ""
    return abbreviate(name, 200) or f"photo {number}"


def _names(names: object) -> Sequence[object]:
    if names is None:
        return ()
    if isinstance(names, str | bytes) or not isinstance(names, Iterable):
        raise MediaError(f"Expected a list of names. Received: {describe_value(names)}")
    return list(names)


def _video_path(path: object) -> Path:
    try:
        valid_path = Path(path)  # type: ignore[arg-type]  # raises where it is no path
    except Exception:  # __fspath__ of a foreign object raises errors of its own
        valid_path = None
    if valid_path is None or "\0" in str(valid_path):
        raise MediaError(f"Expected the path of a video. Received: {describe_value(path)}")
    return valid_path


def _is_single_photo(photos: object) -> bool:
    """Return whether an argument that should hold several photos is a single, iterable one."""
    if isinstance(photos, np.ndarray):
        return photos.ndim < 3 or (photos.ndim == 3 and photos.shape[2] in (1, 3, 4))
    single_types = (str, bytes, bytearray, memoryview, os.PathLike, Mapping)
    return isinstance(photos, single_types) or is_readable(photos)
