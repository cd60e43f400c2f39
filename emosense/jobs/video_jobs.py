"""Jobs that analyse a video."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from emosense.errors import NoRoom
from emosense.jobs.job import Job
from emosense.jobs.kept import frames_bytes, key_moments_bytes
from emosense.networks.registry import model_versions
from emosense.results import FrameResult, KeyMoment, VideoInfo, VideoResult
from emosense.settings import video_limits
from emosense.video.cost import estimate_seconds
from emosense.video.edits import Edits
from emosense.video.options import VideoOptions
from emosense.worker.lanes import PoolClient
from emosense.worker.messages import AnalyzeVideo, VideoProgress


@dataclass(kw_only=True, eq=False)
class VideoJob(Job):
    """A job that analyses a video.

    Attributes:
        path: path of the video.
        info: properties of the video, as its container states them.
        model: registry name of the network.
        options: sampling and detection options.
        frames: results of the frames analysed so far.
        frames_read: number of frames decoded so far.
        result: result, once the job has finished; also after a failure, if any frame was analysed.
        notes: messages beside the result.
        key_moments: key moments of all persons, once the job has finished.
        edits: edits of the result by hand, which exports follow.

    >>> info = VideoInfo(640, 360, 8.0, 200, 25.0, "h264", 0, False)
    >>> VideoJob(name="a.mp4", path=Path("a.mp4"), info=info, model="cnn8").fraction
    0.0
    """

    path: Path
    info: VideoInfo
    model: str
    options: VideoOptions = field(default_factory=VideoOptions)
    frames: list[FrameResult] = field(default_factory=list)
    frames_read: int = 0
    result: VideoResult | None = None
    notes: list[str] = field(default_factory=list)
    key_moments: tuple[KeyMoment, ...] = ()
    edits: Edits = field(default_factory=Edits)
    _analysed: list[FrameResult] = field(default_factory=list, repr=False)
    _is_restarted: bool = field(default=False, repr=False)
    _analysed_bytes: int = field(default=0, repr=False)
    _earlier_bytes: int = field(default=0, repr=False)
    _no_room: str | None = field(default=None, repr=False)

    @property
    def fraction(self) -> float | None:
        """Fraction of the video that is done, in 0..1; None if its length is unknown."""
        if self.info.duration and self.frames:
            # By time: the header of a video of variable frame rate may not know its frames.
            return self.options.fraction(self.frames[-1].time, self.info.duration)
        if not self.info.frames:
            return None
        return min(1.0, self.frames_read / self.info.frames)

    @property
    def begins_again(self) -> bool:
        """Whether the analysis has given its process up to others and waits for its next beginning."""
        return self._is_restarted and not self._analysed

    @property
    def frames_per_second(self) -> float:
        """Decoded frames a second of the running job."""
        return self.frames_read / self.elapsed if self.elapsed > 0 else 0.0

    def run(self, client: PoolClient) -> None:
        """Analyse the video; frames arrive while it runs."""
        request = AnalyzeVideo(
            path=str(self.path),
            model=self.model,
            options=self.options,
            estimate=self._estimate(),
        )
        try:
            summary = client.stream(
                request, self._on_update, self.cancelled.is_set, self._on_restart
            )
        except Exception as error:
            self._keep_partial(str(error))
            raise
        self.notes = summary.notes
        self._keep_key_moments(summary.key_moments)
        result = replace(summary.result, frames=tuple(self.frames), source=self.name)
        self.result = result if self._no_room is None else replace(result, problem=self._no_room)

    def _estimate(self) -> float | None:
        seconds = estimate_seconds(self.info, self.options, annotated=False)
        return None if seconds is None else min(seconds, video_limits().max_seconds)

    def _on_update(self, update: VideoProgress) -> None:
        if self._no_room is not None:  # the analysis ends soon
            return
        size = frames_bytes(update.frames)
        try:
            self.keep(size)
        except NoRoom as error:
            self._no_room = str(error).rstrip(".")  # read in the middle of a sentence
            self.cancelled.set()
            return
        self._analysed.extend(update.frames)
        self._analysed_bytes += size
        if len(self._analysed) >= len(self.frames):
            self.keep(-self._earlier_bytes)
            self._earlier_bytes = 0
            self.frames = self._analysed
            self.frames_read = update.frames_read

    def _on_restart(self) -> None:
        """Keep the frames of the first run until the second one has come as far."""
        if self.frames is self._analysed:
            self._earlier_bytes = self._analysed_bytes
        else:
            self.keep(-self._analysed_bytes)
        self._analysed, self._analysed_bytes, self._is_restarted = [], 0, True

    def _keep_key_moments(self, key_moments: tuple[KeyMoment, ...]) -> None:
        try:
            self.keep(key_moments_bytes(key_moments))
        except NoRoom as error:
            self.notes.append(f"There are no key moments: {error}")
        else:
            self.key_moments = key_moments

    def _keep_partial(self, error: str) -> None:
        if self.frames:
            model_version, calibration_version = model_versions(self.model)
            self.result = VideoResult(
                source=self.name,
                info=self.info,
                frames=tuple(self.frames),
                frames_read=self.frames_read,
                model=self.model,
                detector="",
                problem=error,
                model_version=model_version,
                calibration_version=calibration_version,
            )
