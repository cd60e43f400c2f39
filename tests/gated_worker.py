"""The inference process, ``python -m gated_worker FD [CORES]``, waiting at the tests' gates.

It analyses as the true one does; and waits, where such a gate is closed,

- at ``photo`` and at the photo's name (without folders) before it analyses a photo,
- at ``video`` after each part of a video's answer, and a part is one frame,
- at ``files`` before it begins with files of a batch, and at ``rows`` after each file's rows.
"""

import runpy
from collections.abc import Generator
from pathlib import PurePosixPath
from typing import Any

from gates import pass_gate

from emosense.worker import process


def _stopping(parts: Generator[Any, bool, Any], gate: str) -> Generator[Any, bool, Any]:
    try:
        part = next(parts)
        while True:
            cancelled = yield part
            pass_gate(gate)  # the part is sent
            part = parts.send(cancelled)
    except StopIteration as end:
        return end.value


class _Handlers(process._Handlers):
    def photo(self, **arguments: Any) -> Any:
        pass_gate("photo")
        pass_gate(PurePosixPath(arguments["name"]).name)
        return super().photo(**arguments)

    def video(self, **arguments: Any) -> Any:
        return _stopping(super().video(**arguments), "video")

    def files(self, **arguments: Any) -> Any:
        pass_gate("files")
        return _stopping(super().files(**arguments), "rows")


if __name__ == "__main__":
    process._Handlers = _Handlers  # type: ignore[misc]
    process._PART_SECONDS = -1
    runpy.run_module("emosense.worker", run_name="__main__")
