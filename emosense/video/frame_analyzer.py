"""What the video pipeline needs of an analyzer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from emosense.faces.options import DetectorOptions
from emosense.media.images import RgbImage
from emosense.results import Box, Detection, Face


class FrameAnalyzer(Protocol):
    """The part of :class:`emosense.analyzer.Analyzer` that the pipeline calls.

    Attributes:
        model: registry name of the network.
        model_version: identifier of its weights.
        calibration_version: identifier of its calibration.
        detector: label of the face detector.
        on_gpu: whether the detector runs on a GPU, which affords finer detection.

    >>> from emosense.analyzer import Analyzer
    >>> analyzer: FrameAnalyzer = Analyzer()
    """

    @property
    def model(self) -> str: ...  # noqa: D102
    @property
    def model_version(self) -> str: ...  # noqa: D102
    @property
    def calibration_version(self) -> str: ...  # noqa: D102
    @property
    def detector(self) -> str: ...  # noqa: D102
    @property
    def on_gpu(self) -> bool: ...  # noqa: D102

    def detect_faces(  # noqa: D102
        self, images: Sequence[RgbImage], options: DetectorOptions | None = None
    ) -> list[tuple[Detection, ...]]: ...

    def detect_in_regions(  # noqa: D102
        self, faces: Sequence[tuple[RgbImage, Box]], options: DetectorOptions
    ) -> list[tuple[Detection, ...]]: ...

    def classify_detections(  # noqa: D102
        self, detections: Sequence[tuple[RgbImage, Sequence[Detection]]]
    ) -> list[tuple[Face, ...]]: ...
