"""Handlers of requests about live cameras."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from emosense.inference.analyzers import AnalyzerCache
from emosense.media.live_frame import read_live_frame
from emosense.video.live import LiveTracker
from emosense.worker.messages import AnalyzeLiveFrame, LiveFrame
from emosense.worker.server import Handlers

MAX_SESSIONS: Final = 64
"""Sessions whose people are remembered; the one that was silent longest is forgotten first."""


class LiveSessions:
    """The trackers of all cameras that this process follows.

    Args:
        analyzers: analysers by model.

    >>> LiveSessions(AnalyzerCache()).count
    0
    """

    def __init__(self, analyzers: AnalyzerCache) -> None:
        self._analyzers = analyzers
        self._trackers: OrderedDict[str, LiveTracker] = OrderedDict()

    @property
    def count(self) -> int:
        """Number of sessions."""
        return len(self._trackers)

    def analyze(self, request: AnalyzeLiveFrame) -> LiveFrame:
        """Decode a frame and analyse it as the next one of its session.

        People keep their numbers when another network is asked.

        Raises:
            MediaError: the frame cannot be decoded.
            ModelError: the network cannot be used.
        """
        image = read_live_frame(request.data)
        analyzer = self._analyzers.get(request.model)
        if request.session not in self._trackers:
            self._trackers[request.session] = LiveTracker(analyzer)
        tracker = self._trackers[request.session]
        tracker.analyzer = analyzer
        self._trackers.move_to_end(request.session)
        while len(self._trackers) > MAX_SESSIONS:
            self._trackers.popitem(last=False)
        frame = tracker.update(request.index, request.time, image)
        return LiveFrame(frame=frame, width=image.shape[1], height=image.shape[0])


def register(handlers: Handlers, analyzers: AnalyzerCache) -> None:
    """Register the handlers of this module."""
    handlers.register(AnalyzeLiveFrame, LiveSessions(analyzers).analyze)
