"""The cameras of all pages: whom frames belong to, and what of them is recorded."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from emosense import settings
from emosense.asgi.fair_share import has_room
from emosense.asgi.owned import OwnedItems
from emosense.errors import EmoSenseError, NoRoom, ServerBusy
from emosense.jobs.kept import frames_bytes
from emosense.networks.registry import model_versions
from emosense.results import FrameResult, TrackedFace, VideoInfo, VideoResult
from emosense.worker.messages import LiveFrame
from emosense.worker.usage import Account


class UnknownCamera(EmoSenseError):
    """No page of this server has the camera: the server has started anew, or the page has gone.

    >>> raise UnknownCamera("Gone.")
    Traceback (most recent call last):
    ...
    emosense.ui.camera.cameras.UnknownCamera: Gone.
    """


_FEW: Final = 2
"""Cameras that a user may have as long as there is any room."""


@dataclass(eq=False)
class Camera:
    """A camera of a page.

    Attributes:
        account: user and browser session.
        model: registry name of the network that classifies; its page may choose another one.
        owner: whose it is, see :mod:`emosense.asgi.owner`.
        keep: called with the bytes of memory that a recording is about to keep more; raises NoRoom.
        on_recorded: called with each finished recording.
        is_recording: whether results are being recorded.

    >>> camera = Camera(Account(), "cnn8")
    >>> camera.start_recording()
    >>> camera.stop_recording() is None  # no frame came
    True
    """

    account: Account
    model: str
    owner: str = ""
    keep: Callable[[int], None] = lambda size: None
    on_recorded: Callable[[VideoResult], None] = lambda result: None
    is_recording: bool = False
    _frames: list[FrameResult] = field(default_factory=list, repr=False)
    _size: tuple[int, int] = (0, 0)
    _started: float = 0.0
    _recorded_model: str = ""
    _versions: tuple[str, str] = ("", "")
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def start_recording(self) -> None:
        """Record the results of the frames that come from now on; once more changes nothing."""
        with self._lock:
            self.is_recording = True

    def record(self, answer: LiveFrame, model: str) -> str | None:
        """Keep an answer if there is a recording.

        Args:
            answer: the answer.
            model: registry name of the network that gave it; all answers of a recording are of one.

        Returns:
            Why the recording ends here; None if it goes on.
        """
        with self._lock:
            if not self.is_recording:
                return None
            frame = answer.frame
            if not self._frames:
                self._size, self._started = (answer.width, answer.height), frame.time
                self._recorded_model, self._versions = model, model_versions(model)
            if model != self._recorded_model:
                return "Another network answers now: the recording has ended."
            faces = self._in_first_size(answer)
            if faces is None:
                return "The camera's picture has another size now."
            time = round(frame.time - self._started, 6)
            last = self._frames[-1].time if self._frames else -1.0
            if time <= last:
                return "The camera's times begin anew." if time < last else None
            if time > 60 * settings.MAX_VIDEO_MINUTES.number():
                return f"A recording has at most {settings.MAX_VIDEO_MINUTES.whole()} minutes."
            kept = FrameResult(len(self._frames), time, faces)
            try:
                self.keep(frames_bytes([kept]))
            except NoRoom as error:
                return str(error)
            self._frames.append(kept)
            return None

    def _in_first_size(self, answer: LiveFrame) -> tuple[TrackedFace, ...] | None:
        """Return the faces in pixels of the first frame, as slow connections get smaller ones.

        None if the frame has another shape, but for rounding.
        """
        width, height = self._size
        factor = width / answer.width
        if abs(answer.height * factor - height) > factor:
            return None
        return tuple(face.scaled(factor) for face in answer.frame.faces)

    def stop_recording(self) -> VideoResult | None:
        """End the recording and pass its result on; None without a recorded frame."""
        with self._lock:
            frames, self._frames, self.is_recording = tuple(self._frames), [], False
            model, (model_version, calibration_version) = self._recorded_model, self._versions
        if not frames:
            return None
        duration = frames[-1].time - frames[0].time
        rate = (len(frames) - 1) / duration if duration else None
        width, height = self._size
        info = VideoInfo(width, height, duration, len(frames), rate, "camera", 0, audio=False)
        result = VideoResult(
            source="camera",
            info=info,
            frames=frames,
            frames_read=len(frames),
            model=model,
            detector="YuNet",
            model_version=model_version,
            calibration_version=calibration_version,
        )
        self.on_recorded(result)
        return result


@dataclass(frozen=True, eq=False)
class _Connection:
    """The connection of a camera, and what tells it that another one has taken its place."""

    camera: Camera
    on_replaced: Callable[[], None]


class Cameras(OwnedItems[Camera]):
    """The cameras of this server, by an address that nobody can guess. Thread-safe.

    >>> cameras = Cameras()
    >>> address = cameras.add(Camera(Account(), "cnn8"))
    >>> with cameras.connected(address) as camera:
    ...     camera.model
    'cnn8'
    """

    def __init__(self) -> None:
        super().__init__()
        self._connecting = threading.Lock()
        self._open: dict[str, _Connection] = {}

    @contextmanager
    def connected(
        self, address: str, owner: str = "", on_replaced: Callable[[], None] = lambda: None
    ) -> Iterator[Camera]:
        """Count a camera as one that is analysed while the block lasts; its recording ends with it.

        The newest connection of a camera takes the place of the one before: after a change of networks
        or sleep a page is back long before the server hears that it had gone.

        Args:
            address: address of the camera.
            owner: who connects it.
            on_replaced: called when a newer connection has taken the place; this one must not use the
                camera any more from then on.

        Raises:
            UnknownCamera: the owner has no such camera.
            ServerBusy: the user, or all together, have too many; see the setting
                EMOSENSE_MAX_CAMERAS.
        """
        camera = self.find(address, owner)
        if camera is None:
            raise UnknownCamera("This page's camera is no longer known. Reload the page.")
        connection = _Connection(camera, on_replaced)
        with self._connecting:
            replaced = self._open.get(address)
            if replaced is None:
                self._check_room(camera.account.user)
            self._open[address] = connection
        if replaced is not None:
            replaced.on_replaced()
            camera.stop_recording()
        try:
            yield camera
        finally:
            with self._connecting:
                is_newest = self._open.get(address) is connection
                if is_newest:
                    del self._open[address]
            if is_newest:  # else the recording is the newer connection's
                camera.stop_recording()

    def _check_room(self, user: str) -> None:
        users = Counter(other.camera.account.user for other in self._open.values())
        own, total = users[user] + 1, len(self._open) + 1
        if not has_room(own, total, settings.MAX_CAMERAS.whole(), _FEW):
            raise ServerBusy(
                f"Expected at most {settings.MAX_CAMERAS.whole()} cameras at the same time. "
                f"Received: one more, beside {own - 1} of yours and {total - own} of others."
            )


cameras: Final = Cameras()
"""The cameras of this server."""
