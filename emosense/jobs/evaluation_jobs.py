"""Jobs that evaluate networks on a test set of the visitor."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS
from emosense.errors import Cancelled, NoRoom, WorkerDied
from emosense.evaluation_set.builder import (
    CHUNK,
    FACE_BYTES,
    Classify,
    EvaluationSetBuilder,
    predict_in_chunks,
)
from emosense.evaluation_set.labels import ClassMapping, Label
from emosense.evaluation_set.result import EvaluationSet, MeasuredFace, PhotoRow
from emosense.faces.options import DetectorOptions
from emosense.jobs.job import Job
from emosense.networks.registry import find_model, list_models
from emosense.worker.lanes import PoolClient
from emosense.worker.messages import (
    ClassifyCrops,
    MeasureCrops,
    MeasureFace,
    ReadDatasetFaces,
)

_PREDICTION_WEIGHT: Final = 0.3
"""What predicting a face with a network counts beside finding it, in the fraction that is done."""


@dataclass(frozen=True)
class LabelledPhoto:
    """A photo that an evaluation is to use.

    Attributes:
        label: name and class.
        read: function that returns the encoded photo, or raises an
            :class:`~emosense.errors.EmoSenseError`.

    >>> LabelledPhoto(Label("a.jpg", "joy"), bytes).label.class_name
    'joy'
    """

    label: Label
    read: Callable[[], bytes]


@dataclass(kw_only=True, eq=False)
class EvaluationJob(Job):
    """A job that evaluates networks on a test set.

    Attributes:
        models: registry names of the networks.
        result: the test set with the predictions of the networks, once it is done.
        problem: message why it ended early, if not because it was cancelled; else None.
        done: number of measured faces and photos.
        total: number of faces and photos to measure; 0 while it is unknown.
        predicted: number of predictions of all networks.
        step: what is being done, in words.

    >>> issubclass(EvaluationJob, Job)
    True
    """

    models: Sequence[str]
    result: EvaluationSet | None = None
    problem: str | None = None
    done: int = 0
    total: int = 0
    predicted: int = 0
    step: str = ""

    @property
    def fraction(self) -> float | None:
        """Fraction that is done, in 0..1; None while it is unknown."""
        if not self.total:
            return None
        weight = _PREDICTION_WEIGHT * len(self.models)
        done = self.done + _PREDICTION_WEIGHT * self.predicted
        return min(1.0, done / (self.total * (1 + weight)))

    def run(self, client: PoolClient) -> None:
        """Evaluate the networks until it is cancelled or there is no room."""
        try:
            self._run(client)
        except Cancelled:
            pass
        except NoRoom as error:
            self.problem = str(error)

    @abstractmethod
    def _run(self, client: PoolClient) -> None:
        """Measure all faces and predict them with all networks."""

    def _leave_out_removed(self) -> tuple[str, ...]:
        """Leave out networks that were removed while the job waited; return a note on them.

        Raises:
            ModelNotFound: none is left.
        """
        known = list_models()
        removed = [model for model in self.models if model not in known]
        if len(removed) == len(self.models):
            find_model(removed[0])
        self.models = [model for model in self.models if model in known]
        if not removed:
            return ()
        return (f"Removed from the server meanwhile, and left out: {', '.join(removed)}",)

    def _classify(self, client: PoolClient, model: str) -> Classify:
        def classify(crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
            if self.cancelled.is_set():
                raise Cancelled("The evaluation was cancelled.")
            return client.request(ClassifyCrops(crops=crops, model=model))

        return classify

    def _count(self, before: int, done: int) -> None:
        self.predicted = before + done


@dataclass(kw_only=True, eq=False)
class PhotoEvaluationJob(EvaluationJob):
    """A job that evaluates networks on labelled photos.

    A cancelled one keeps the photos that were measured, and the networks that were done.

    Attributes:
        photos: the labelled photos; emptied once the job has finished, to free the uploads.
        mapping: which emotion each of their classes is.
        options: detector options.
        cropped: whether the pictures are cropped faces already.
        notes: what was not used of the data set, in words.

    >>> photo = LabelledPhoto(Label("a.jpg", "joy"), bytes)
    >>> mapping = ClassMapping({"joy": "happy"})
    >>> PhotoEvaluationJob(name="album", models=["cnn8"], photos=[photo], mapping=mapping).fraction
    0.0
    """

    photos: Sequence[LabelledPhoto]
    mapping: ClassMapping
    options: DetectorOptions = field(default_factory=DetectorOptions)
    cropped: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.total = len(self.photos)

    def _run(self, client: PoolClient) -> None:
        notes = (*self.notes, *self._leave_out_removed())
        builder = EvaluationSetBuilder(self.name, self.mapping, cropped=self.cropped, notes=notes)
        try:
            self._measure(client, builder)
            for model in self.models:
                self.step = f"Predicting with {model}"
                count = partial(self._count, self.predicted)
                builder.predict(model, self._classify(client, model), count)
        finally:
            self.photos = ()
            self.result = builder.build()

    def _measure(self, client: PoolClient, builder: EvaluationSetBuilder) -> None:
        self.step = "Finding the faces"
        for number, photo in enumerate(self.photos):
            if self.cancelled.is_set():
                break
            try:
                builder.add(photo.label, partial(self._measured, client, photo))
            except Cancelled:
                break
            try:
                self.keep(builder.last_size)
            except NoRoom as error:
                self.problem = str(error)
                self.done = number + 1
                break
            self.done = number + 1
        for photo in self.photos[self.done :]:
            builder.add_unmeasured(photo.label)

    def _measured(self, client: PoolClient, photo: LabelledPhoto) -> MeasuredFace:
        request = MeasureFace(
            data=photo.read(), model=self.models[0], options=self.options, cropped=self.cropped
        )
        try:
            return client.request(request)
        except WorkerDied:  # perhaps of another session's file
            return client.request(request)


@dataclass(kw_only=True, eq=False)
class CropEvaluationJob(EvaluationJob):
    """A job that evaluates networks on faces that are cropped already: of a batch.

    Attributes:
        labels: name and class of each face.
        emotions: the emotion of each face.
        crops: (n, 48, 48) uint8 grey.
        quality: (n, 8) float32, the fields of :class:`emosense.results.FaceQuality` but the score.
        pictures: n JPEG files for display.

    >>> issubclass(CropEvaluationJob, EvaluationJob)
    True
    """

    labels: Sequence[Label]
    emotions: Sequence[str]
    crops: npt.NDArray[np.uint8]
    quality: npt.NDArray[np.float32]
    pictures: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        self.total = self.done = len(self.labels)

    def _run(self, client: PoolClient) -> None:
        notes = self._leave_out_removed()
        self.keep(FACE_BYTES * len(self.labels) + sum(map(len, self.pictures)))
        probabilities: dict[str, npt.NDArray[np.float32]] = {}
        rows = tuple(
            PhotoRow(label.photo, label.class_name, emotion, "one face", faces=1)
            for label, emotion in zip(self.labels, self.emotions, strict=True)
        )
        try:
            for model in self.models:
                self.step = f"Predicting with {model}"
                count = partial(self._count, self.predicted)
                probabilities[model] = predict_in_chunks(
                    self.crops, self._classify(client, model), count
                )
        finally:
            self.result = EvaluationSet(
                self.name,
                rows,
                np.arange(len(rows)),
                self.crops,
                np.array([EMOTIONS.index(emotion) for emotion in self.emotions], np.uint8),
                self.quality,
                self.pictures,
                probabilities,
                notes,
            )


@dataclass(kw_only=True, eq=False)
class DatasetEvaluationJob(EvaluationJob):
    """A job that reads FER2013's csv, and evaluates networks on its test images.

    Networks that were tested on the very data have their predictions already: their images are read
    alone.

    Attributes:
        path: path of the file.
        known: fingerprint of the data that each network was tested on.
        results: the test sets by the name of the split, once they are done; with the predictions of
            the networks that were not tested on this very data.
        fingerprint: fingerprint of the data; empty until it was read.

    >>> issubclass(DatasetEvaluationJob, EvaluationJob)
    True
    """

    path: Path
    known: Mapping[str, str]
    results: dict[str, EvaluationSet] = field(default_factory=dict)
    fingerprint: str = ""

    @property
    def tested_models(self) -> list[str]:
        """The networks that were tested on this very data."""
        return [model for model in self.models if self.known.get(model) == self.fingerprint]

    def _run(self, client: PoolClient) -> None:
        notes = self._leave_out_removed()
        self.step = "Reading the csv"
        faces = client.request(ReadDatasetFaces(path=str(self.path), name=self.name))
        self.keep(sum(images.nbytes for images in faces.images.values()))
        self.total = sum(len(labels) for labels in faces.labels.values())
        self.fingerprint = faces.fingerprint
        for split, images in faces.images.items():
            labels = faces.labels[split]
            quality = np.zeros((0, 8), np.float32)
            probabilities: dict[str, npt.NDArray[np.float32]] = {}
            others = [model for model in self.models if model not in self.tested_models]
            if others:
                quality = self._quality(client, images)
                for model in others:
                    self.step = f"{split}: predicting with {model}"
                    count = partial(self._count, self.predicted)
                    probabilities[model] = predict_in_chunks(
                        images, self._classify(client, model), count
                    )
            self.results[split] = dataset_split(
                f"{self.name}: {split}",
                images,
                labels,
                quality,
                probabilities,
                (*faces.notes, *notes),
            )
        self.result = next(iter(self.results.values()), None)

    def _quality(
        self, client: PoolClient, images: npt.NDArray[np.uint8]
    ) -> npt.NDArray[np.float32]:
        self.step = "Measuring the faces"
        parts = []
        for start in range(0, len(images), CHUNK):
            if self.cancelled.is_set():
                raise Cancelled("The evaluation was cancelled.")
            crops = images[start : start + CHUNK]
            parts.append(client.request(MeasureCrops(crops=crops, model=self.models[0])))
            self.done += len(crops)
        return np.concatenate(parts)


def dataset_split(
    title: str,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.uint8],
    quality: npt.NDArray[np.float32],
    probabilities: dict[str, npt.NDArray[np.float32]],
    notes: tuple[str, ...] = (),
) -> EvaluationSet:
    """Return a split of a data set as a test set; its images are called by their number, from 1."""
    rows = tuple(
        PhotoRow(f"image {number}", EMOTIONS[label], EMOTIONS[label], "cropped face", faces=1)
        for number, label in enumerate(labels.tolist(), start=1)
    )
    return EvaluationSet(
        title, rows, np.arange(len(rows)), images, labels, quality, (), probabilities, notes
    )
