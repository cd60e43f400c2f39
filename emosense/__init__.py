"""EmoSense: what a face expresses in a photo or a video, and how far to trust the answer.

    >>> from emosense import Analyzer
    >>> result = Analyzer().photo("portrait.jpg")
    >>> [(face.emotion, face.probability) for face in result.faces]

Nothing heavy is imported until it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from emosense.emotions import EMOTIONS
from emosense.errors import EmoSenseError

if TYPE_CHECKING:
    from emosense.analyzer import Analyzer
    from emosense.faces.options import DetectorOptions
    from emosense.networks.occlusion import Explanation
    from emosense.results import (
        Box,
        Detection,
        Face,
        FaceQuality,
        FrameResult,
        KeyMoment,
        PhotoFailure,
        PhotoResult,
        TrackedFace,
        VideoInfo,
        VideoResult,
    )
    from emosense.video.options import VideoOptions
    from emosense.video.pipeline import VideoAnalysis

__version__ = "0.2.0"

__all__ = [
    "EMOTIONS",
    "Analyzer",
    "Box",
    "Detection",
    "DetectorOptions",
    "EmoSenseError",
    "Explanation",
    "Face",
    "FaceQuality",
    "FrameResult",
    "KeyMoment",
    "PhotoFailure",
    "PhotoResult",
    "TrackedFace",
    "VideoAnalysis",
    "VideoInfo",
    "VideoOptions",
    "VideoResult",
    "__version__",
]

_RESULTS = (
    "Box",
    "Detection",
    "Face",
    "FaceQuality",
    "FrameResult",
    "KeyMoment",
    "PhotoFailure",
    "PhotoResult",
    "TrackedFace",
    "VideoInfo",
    "VideoResult",
)
_LAZY = {
    **dict.fromkeys(_RESULTS, "emosense.results"),
    "Analyzer": "emosense.analyzer",
    "DetectorOptions": "emosense.faces.options",
    "Explanation": "emosense.networks.occlusion",
    "VideoAnalysis": "emosense.video.pipeline",
    "VideoOptions": "emosense.video.options",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'emosense' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
