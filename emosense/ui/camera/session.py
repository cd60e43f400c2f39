"""The camera of a browser session, and its recordings."""

from __future__ import annotations

from dataclasses import dataclass, field

from emosense.asgi.budget import Holding
from emosense.jobs.kept import frames_bytes
from emosense.results import VideoResult
from emosense.ui.camera.cameras import Camera, cameras
from emosense.ui.player.clips import Clip, clips
from emosense.ui.session.cleanup import SessionResource, session_resource
from emosense.ui.session.downloads import memory
from emosense.ui.session.owner import session_owner
from emosense.ui.session.user import session_account
from emosense.video.edits import Edits, pauses


@dataclass(eq=False)
class Recording:
    """A recording: numbers without pictures.

    Attributes:
        number: number of the recording in its session, from 1.
        result: its result.
        edits: edits of the result.
        address: address for the player.

    >>> from emosense.results import VideoInfo
    >>> info = VideoInfo(640, 480, 1.0, 25, 25.0, "camera", 0, False)
    >>> Recording(1, VideoResult("camera 1", info, (), 25, "cnn8", "YuNet")).edits.people
    ()
    """

    number: int
    result: VideoResult
    edits: Edits = field(default_factory=Edits)
    address: str = ""


class SessionCamera(SessionResource):
    """The camera of one browser session; closed with it, and its recordings are forgotten.

    Attributes:
        camera: the camera.
        address: its address for the browser.
        recordings: recordings by number, in their order.

    >>> issubclass(SessionCamera, SessionResource)
    True
    """

    def __init__(self, model: str = "") -> None:
        account = session_account()
        self._memory: Holding = memory.hold(account)
        self.camera = Camera(account, model, session_owner(), self._memory.add, self._add)
        self.address = cameras.add(self.camera)
        self.recordings: dict[int, Recording] = {}
        self._count = 0

    def _add(self, result: VideoResult) -> None:
        self._count += 1
        edits = Edits(excluded=pauses(result))  # what the player shows, and takes back
        recording = Recording(self._count, result, edits)
        recording.address = clips.add(
            Clip(
                None,
                "",
                frames=lambda: result.frames,
                is_done=lambda: True,
                result=lambda: result,
                edits=lambda: recording.edits,
                edit=lambda edits: setattr(recording, "edits", edits),
                account=self.camera.account,
                owner=self.camera.owner,
            )
        )
        self.recordings[recording.number] = recording

    def remove(self, number: int) -> None:
        """Forget a recording, if it is still there."""
        recording = self.recordings.pop(number, None)
        if recording is not None:
            clips.remove(recording.address)
            self._memory.add(-frames_bytes(recording.result.frames))

    def close(self) -> None:
        """Forget the camera and all recordings."""
        cameras.remove(self.address)
        for recording in self.recordings.values():
            clips.remove(recording.address)
        self._memory.release()


def session_camera() -> SessionCamera:
    """Return this browser session's camera."""
    return session_resource(SessionCamera)
