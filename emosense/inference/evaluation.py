"""Handlers of requests about test sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from emosense.errors import DatasetError
from emosense.evaluation_set.measure import measure_crops, measure_photo
from emosense.evaluation_set.result import MeasuredFace
from emosense.inference.analyzers import AnalyzerCache
from emosense.media.jpeg import encode_jpeg
from emosense.networks.occlusion import explain
from emosense.render.explanation import draw_explanation
from emosense.worker.messages import (
    ClassifyCrops,
    DatasetFaces,
    ExplainCrop,
    FaceExplanation,
    MeasureCrops,
    MeasureFace,
    ReadDatasetFaces,
)
from emosense.worker.server import Handlers


def register(handlers: Handlers, analyzers: AnalyzerCache) -> None:
    """Register the handlers of this module."""
    handlers.register(MeasureFace, lambda request: measure_face(request, analyzers))
    handlers.register(
        MeasureCrops, lambda request: measure_crops(analyzers.get(request.model), request.crops)
    )
    handlers.register(ClassifyCrops, lambda request: classify_crops(request, analyzers))
    handlers.register(ExplainCrop, lambda request: explain_crop(request, analyzers))
    handlers.register(ReadDatasetFaces, read_dataset_faces)


def measure_face(request: MeasureFace, analyzers: AnalyzerCache) -> MeasuredFace:
    """Find, crop and measure the face of a labelled photo."""
    analyzer = analyzers.get(request.model)
    return measure_photo(analyzer, request.data, request.options, cropped=request.cropped)


def classify_crops(request: ClassifyCrops, analyzers: AnalyzerCache) -> npt.NDArray[np.float32]:
    """Classify cropped faces, without calibration."""
    return analyzers.get(request.model).classify(request.crops, raw=True)


def explain_crop(request: ExplainCrop, analyzers: AnalyzerCache) -> FaceExplanation:
    """Explain the prediction for a cropped face."""
    analyzer = analyzers.get(request.model)

    def classify_alike(faces: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        return analyzer.classify(faces, np.full(len(faces), request.score))

    explanation = explain(request.crop, classify_alike)
    picture = encode_jpeg(draw_explanation(explanation, request.side))
    return FaceExplanation(picture=picture, summary=explanation.summary)


def read_dataset_faces(request: ReadDatasetFaces) -> DatasetFaces:
    """Read the test splits of FER2013's csv, or Training where there is no other."""
    # Here, not above: a process that answers for photos needs none of it.
    from emosense.training.dataset import SPLITS
    from emosense.training.readers.auto import read_dataset

    path = Path(request.path)
    try:
        data = read_dataset(path)
    except DatasetError as error:
        message = str(error).replace(str(path), request.name).replace(path.name, request.name)
        raise DatasetError(message) from error
    splits = {name: split for name in SPLITS if len(split := data.split(name))}
    tests = {name: split for name, split in splits.items() if name != "Training"} or splits
    return DatasetFaces(
        fingerprint=data.fingerprint,
        images={name: split.images for name, split in tests.items()},
        labels={name: split.labels for name, split in tests.items()},
        notes=tuple(data.skipped.messages()),
    )
