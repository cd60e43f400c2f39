"""Detect, crop, classify: the whole analysis behind one class."""

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
from emosense.faces.reading_order import reading_order
from emosense.filesystem.filenames import abbreviate, describe_value
from emosense.media.images import PhotoSource, RgbImage, is_readable, read_photo
from emosense.networks.classifier import EmotionClassifier
from emosense.networks.occlusion import Explanation, explain
from emosense.networks.registry import find_model
from emosense.results import Detection, Face, PhotoFailure, PhotoResult
from emosense.settings import PhotoLimits
from emosense.video.options import VideoOptions

if TYPE_CHECKING:
    from emosense.video.pipeline import VideoAnalysis

_CHUNK_PIXELS = 64_000_000


class Analyzer:
    """Detects faces and classifies their expressions.

    Loading a model takes a second or two; keep one analyzer for many photos. Not
    thread-safe: one thread per analyzer.

    Args:
        model: name in the registry; the setting EMOSENSE_MODEL (``cnn8``) if None.
        backend: ``auto``, ``onnx``, ``opencv`` or ``keras``; EMOSENSE_BACKEND if None.
        limits: what a photo may cost; from the settings if None.

    Raises:
        ModelNotFound: no model of that name.
        ModelDamaged: its files are missing or changed.
        DetectorError: unknown backend, or damaged detector weights.

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
        """Registry name of the model in use."""
        return self._classifier.name

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
        """Analyse one photo.

        Args:
            photo: path, encoded bytes, PIL image or array; see
                :func:`emosense.media.images.read_photo`.
            options: detector options; None uses the defaults for photos.

        Raises:
            MediaError: the photo is unreadable or above a limit.
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
        """Analyse many photos: all faces go through the network together.

        A photo that cannot be read gives a :class:`~emosense.results.PhotoFailure` in its
        place; the others are not affected. Memory stays bounded: after 64 megapixels of
        decoded images a batch is closed.

        Args:
            photos: each as for :meth:`photo`; may be a generator.
            options: detector options; None uses the defaults for photos.
            names: what each is called in the results; file names if None, also in its place.
            on_progress: called with (photos done, photos in all; of a generator, those read).

        Raises:
            MediaError: one photo instead of several, or another number of names.
        """
        if _is_one_photo(photos) or not isinstance(photos, Iterable):
            raise MediaError(
                f"Expected several photos, as a list or generator. Received: {describe_value(photos)}"
            )
        count = len(photos) if isinstance(photos, Sized) else None
        known = _names(names)
        if names is not None and count is not None and len(known) != count:
            raise MediaError(f"Expected {count} names. Received: {len(known)}.")
        read = 0
        done: dict[int, PhotoResult | PhotoFailure] = {}
        batch: list[tuple[int, str, RgbImage]] = []

        def close() -> None:
            results = self.images([(name, image) for _, name, image in batch], options)
            done.update(zip((index for index, _, _ in batch), results, strict=True))
            batch.clear()
            if on_progress is not None:
                on_progress(len(done), read if count is None else count)

        for index, photo in enumerate(photos):
            read = index + 1
            given = known[index] if index < len(known) else None
            name = given if isinstance(given, str) else photo_name(photo, index + 1)
            try:
                batch.append((index, name, read_photo(photo, self.limits)))
            except MediaError as error:
                done[index] = PhotoFailure(name, str(error))
            if sum(image.shape[0] * image.shape[1] for *_, image in batch) > _CHUNK_PIXELS:
                close()
        close()
        return [done[index] for index in range(read)]

    def video(
        self,
        path: str | os.PathLike[str],
        options: VideoOptions | None = None,
        annotated: str | Path | None = None,
    ) -> VideoAnalysis:
        """Analyse a video.

        Args:
            path: path of a video in one of :data:`emosense.media.formats.VIDEO_FORMATS`.
            options: how dense and how fine; ten frames a second if None.
            annotated: where to write the video with boxes and its own sound (MP4), or None.

        Returns:
            An analysis that runs while you iterate over its frames, or when you ask for its
            ``result``. Use it in a ``with`` block if you may leave it before its end.

        Raises:
            MediaError: the video is unreadable or above a limit, or ``annotated`` names it.
        """
        # Here, not above: photos need no FFmpeg.
        from emosense.video.pipeline import VideoAnalysis

        limits = settings.video_limits()
        if options is not None and options.long_side is not None:  # search as finely as asked for
            limits = replace(limits, long_side=max(limits.long_side, options.long_side))
        return VideoAnalysis(self, _video_path(path), options, annotated, limits)

    def explain(self, photo: PhotoSource, face: Face, emotion: str | None = None) -> Explanation:
        """Explain the prediction for a face of a photo by occlusion; takes about a second.

        Args:
            photo: the photo that shows the face; see :meth:`photo`.
            face: a face of the photo's result.
            emotion: emotion to explain; None explains the most probable one.

        Raises:
            MediaError: the photo is unreadable or above a limit.
            ValueError: an unknown emotion.
        """
        return explain(crop_face(read_photo(photo, self.limits), face), self.classify, emotion)

    def detect_faces(
        self, images: Sequence[RgbImage], options: DetectorOptions | None = None
    ) -> list[tuple[Detection, ...]]:
        """Detect faces only: for each (h, w, 3) uint8 RGB image its detections."""
        return self._detector.detect(images, options) if images else []

    def classify(self, faces: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Classify face images directly: (n, 48, 48) uint8 grey -> (n, 7) probabilities."""
        return self._classifier(faces)

    def face(self, detection: Detection, probabilities: npt.NDArray[np.float32]) -> Face:
        """Return a detection and its (7,) probabilities as a face; below the threshold the model abstains."""
        return Face(
            detection.box,
            detection.landmarks,
            detection.score,
            tuple(probabilities.astype(float).tolist()),
            sure=bool(probabilities.max() >= self._classifier.calibration.threshold),
            full_box=detection.full_box,
        )

    def images(
        self, photos: Sequence[tuple[str, RgbImage]], options: DetectorOptions | None = None
    ) -> list[PhotoResult]:
        """Analyse decoded images in one go: one network call for all faces of all of them.

        Args:
            photos: (name, (h, w, 3) uint8 RGB upright image) pairs.
            options: detector options; None uses the defaults for photos.
        """
        if not photos:
            return []
        detected = self._detector.detect([image for _, image in photos], options)
        found = [reading_order(detections) for detections in detected]
        crops = crop_faces(
            (image, detection)
            for (_, image), detections in zip(photos, found, strict=True)
            for detection in detections
        )
        rows = iter(self._classifier(crops))
        return [
            PhotoResult(
                source=name,
                width=image.shape[1],
                height=image.shape[0],
                faces=tuple(self.face(detection, next(rows)) for detection in detections),
                model=self.model,
                detector=self.detector,
            )
            for (name, image), detections in zip(photos, found, strict=True)
        ]


def photo_name(photo: PhotoSource, number: int) -> str:
    """Return the name of a photo in results: its file name, or its number."""
    try:  # an object's own name or path raises errors of its own
        path: Any = photo
        if isinstance(photo, ImageFile.ImageFile):
            path = photo.filename
        elif not isinstance(photo, str | os.PathLike):
            path = getattr(photo, "name", None)  # of an open file; a number where it has none
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
        found = Path(path)  # type: ignore[arg-type]  # tried out
    except Exception:  # an object's own way to give its path raises errors of its own
        found = None
    if found is None or "\0" in str(found):
        raise MediaError(f"Expected the path of a video. Received: {describe_value(path)}")
    return found


def _is_one_photo(photos: object) -> bool:
    """Return whether what should be several photos is one, which could be iterated over as well."""
    if isinstance(photos, np.ndarray):
        return photos.ndim < 3 or (photos.ndim == 3 and photos.shape[2] in (1, 3, 4))
    one = (str, bytes, bytearray, memoryview, os.PathLike, Mapping)
    return isinstance(photos, one) or is_readable(photos)
