"""EmoSense: what a face expresses in a photo, and how far to trust the answer.

    >>> from emosense import Analyzer
    >>> result = Analyzer().photo("portrait.jpg")
    >>> [(face.emotion, face.probability) for face in result.faces]

Nothing heavy is imported until it is used.
"""

from typing import TYPE_CHECKING, Any

from emosense.emotions import EMOTIONS
from emosense.errors import EmoSenseError
from emosense.results import Box, Face, PhotoFailure, PhotoResult

if TYPE_CHECKING:
    from emosense.analyzer import Analyzer
    from emosense.faces.options import DetectorOptions

__version__ = "0.1.0"

__all__ = [
    "EMOTIONS",
    "Analyzer",
    "Box",
    "DetectorOptions",
    "EmoSenseError",
    "Face",
    "PhotoFailure",
    "PhotoResult",
    "__version__",
]

_LAZY = {"Analyzer": "emosense.analyzer", "DetectorOptions": "emosense.faces.options"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'emosense' has no attribute {name!r}")
