"""The inference process, ``python -m support.gated_worker FD [options]``, waiting at the tests' gates.

It analyses as the true one does; and waits, where such a gate is closed,

- at ``photo`` and at the photo's name (without folders) before it analyses a photo,
- at ``video`` after each update of a video's analysis, and an update is one frame,
- at ``encoding`` after each update of what is encoded, and an update is one frame,
- at ``files`` before it begins with files of a batch, and at ``rows`` after each file's rows.
"""

import runpy
from collections.abc import Generator
from pathlib import PurePosixPath
from typing import Any

from emosense.batch.messages import AnalyzeFiles
from emosense.worker.messages import AnalyzePhoto, AnalyzeVideo, EncodeVideo
from emosense.worker.server import Handlers
from support.gates import pass_gate

_find = Handlers.find


def _stopping(updates: Generator[Any, bool, Any], gate: str) -> Generator[Any, bool, Any]:
    try:
        update = next(updates)
        while True:
            cancelled = yield update
            pass_gate(gate)  # the update is sent
            update = updates.send(cancelled)
    except StopIteration as end:
        return end.value


def _gated_find(self: Handlers, request: object) -> Any:
    handler = _find(self, request)
    if isinstance(request, AnalyzePhoto):
        pass_gate("photo")
        pass_gate(PurePosixPath(request.name).name)
    elif isinstance(request, AnalyzeVideo):
        return lambda request: _stopping(handler(request), "video")
    elif isinstance(request, EncodeVideo):
        return lambda request: _stopping(handler(request), "encoding")
    elif isinstance(request, AnalyzeFiles):
        pass_gate("files")
        return lambda request: _stopping(handler(request), "rows")
    return handler


if __name__ == "__main__":
    Handlers.find = _gated_find  # type: ignore[method-assign]
    from emosense.inference import video

    video.UPDATE_SECONDS = -1
    runpy.run_module("emosense.inference", run_name="__main__")
