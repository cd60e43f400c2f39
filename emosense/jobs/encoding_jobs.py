"""Jobs that encode a video: as a preview for browsers, or with the boxes of its result."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from emosense.errors import Cancelled
from emosense.jobs.job import Job
from emosense.results import VideoInfo, VideoResult
from emosense.settings import VideoLimits, video_limits
from emosense.video.cost import estimate_transcoding_seconds
from emosense.video.options import VideoOptions
from emosense.worker.lanes import PoolClient
from emosense.worker.messages import EncodeVideo, EncodingProgress


@dataclass(kw_only=True, eq=False)
class EncodingJob(Job):
    """A job that encodes a video as H.264 in MP4; a cancelled or failed one leaves no file.

    Attributes:
        path: path of the video.
        info: properties of the video, as its container states them.
        target: path of the new file.
        long_side: maximum of the new frames' long side, in pixels.
        max_bytes: maximum size of the new file in bytes, beside the settings' limits.
        result: result whose boxes are drawn; None draws none.
        options: options with the stretch that is encoded.
        time: time of the last encoded frame, in seconds.
        notes: messages about what is missing of the new file.

    >>> info = VideoInfo(640, 360, 8.0, 200, 25.0, "mpeg4", 0, False)
    >>> job = EncodingJob(name="a.avi", path=Path("a.avi"), info=info, target=Path("a.mp4"))
    >>> job.fraction, job.is_ready
    (0.0, False)
    """

    kind = "previews and videos with boxes"

    path: Path
    info: VideoInfo
    target: Path
    long_side: int = VideoLimits.long_side
    max_bytes: int | None = None
    result: VideoResult | None = None
    options: VideoOptions = field(default_factory=VideoOptions)
    time: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def fraction(self) -> float | None:
        """Fraction that is done, in 0..1; None if the video's length is unknown."""
        return self.options.fraction(self.time, self.info.duration)

    @property
    def is_ready(self) -> bool:
        """Whether the new file is complete."""
        return self.is_finished and self.error is None and self.target.is_file()

    def run(self, client: PoolClient) -> None:
        """Encode the video."""
        request = EncodeVideo(
            path=str(self.path),
            target=str(self.target),
            long_side=self.long_side,
            max_bytes=self.max_bytes,
            result=self.result,
            start=self.options.start,
            end=self.options.end,
            estimate=self._estimate(),
        )
        self.result = None  # the request holds it, until its end
        try:
            answer = client.stream(
                request, self._on_update, self.cancelled.is_set, self._on_restart
            )
            if self.cancelled.is_set():
                raise Cancelled("It was cancelled.")
        except Exception:
            self.target.unlink(missing_ok=True)  # no player opens an unfinished file
            raise
        self.notes = answer.notes

    def _estimate(self) -> float | None:
        seconds = estimate_transcoding_seconds(self.info, self.long_side)
        if seconds is None:
            return None
        return min(seconds * self.options.share(self.info.duration), video_limits().max_seconds)

    def _on_update(self, update: EncodingProgress) -> None:
        self.time = update.time

    def _on_restart(self) -> None:
        self.time = 0.0
