"""Options of a batch; light to import."""

from __future__ import annotations

from dataclasses import dataclass, field

from emosense.faces.options import DetectorOptions
from emosense.video.options import VideoOptions


@dataclass(frozen=True)
class BatchOptions:
    """Everything that the rows of a batch depend on.

    Attributes:
        model: registry name of the network.
        photos: detector options for photos.
        videos: sampling and detection options for videos.

    >>> BatchOptions("cnn8").photos.long_side
    960
    """

    model: str
    photos: DetectorOptions = field(default_factory=DetectorOptions)
    videos: VideoOptions = field(default_factory=VideoOptions)
