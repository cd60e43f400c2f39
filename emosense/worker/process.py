"""The inference process: owns the analyzer, answers one request at a time.

It is a process of its own because Streamlit calls ``keras.backend.clear_session()`` after
every script run when Keras is loaded beside it, and because a crash in a decoder or driver
must not take the app down.
"""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any

from emosense.errors import EmoSenseError, WorkerError

_PART_SECONDS = 0.25


@dataclass(frozen=True)
class Request:
    """What the app asks for.

    Attributes:
        method: of the process's handlers.
        arguments: of that method.
    """

    method: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """What comes back: a value, or an error of :mod:`emosense.errors`."""

    value: Any = None
    error: EmoSenseError | None = None


@dataclass(frozen=True)
class Part:
    """What comes before the reply of a long request."""

    value: Any


@dataclass(frozen=True)
class Cancel:
    """Asks the running request to end soon, with what it has."""


def serve(connection: Connection) -> None:
    """Answer requests until the other side closes the connection."""
    # Before TensorFlow is loaded: its optimised kernels on, its chatter off.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Photos and videos have a process each; neither may take the whole GPU for itself.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    handlers = _Handlers()
    while _answer_one(handlers, connection):
        pass


def _answer_one(handlers: _Handlers, connection: Connection) -> bool:
    """Answer the next request and keep nothing of it; tell whether there may be another."""
    try:
        request = connection.recv()
    except (EOFError, OSError):
        return False
    if isinstance(request, Cancel):
        return True  # of a request that has ended meanwhile
    try:
        value = getattr(handlers, request.method)(**request.arguments)
        reply = Reply(_finished(value, connection) if isinstance(value, Generator) else value)
    except EmoSenseError as error:
        reply = Reply(error=type(error)(str(error)))
    except Exception as error:  # whatever it is, the app must get an answer
        traceback.print_exc()
        reply = Reply(error=WorkerError(f"Unexpected fault: {type(error).__name__}: {error}"))
    connection.send(reply)
    return True


def _finished(parts: Generator[Any, bool, Any], connection: Connection) -> Any:
    """Send what a generator yields and return its value; tell it when it is to end."""
    cancelled = False
    try:
        value = next(parts)
        while True:
            connection.send(Part(value))
            cancelled = cancelled or (connection.poll() and isinstance(connection.recv(), Cancel))
            value = parts.send(cancelled)
    except StopIteration as end:
        return end.value


class _Handlers:
    """The methods that a request may name; heavy imports happen inside."""

    def __init__(self) -> None:
        self._analyzers: dict[str, Any] = {}

    def warm(self, model: str) -> str:
        """Load a model, run it once, and return the engine's label."""
        from emosense.samples import sample_photo

        analyzer = self._analyzer(model)
        analyzer.photo(sample_photo())
        return str(analyzer.engine)

    def photo(
        self, data: bytes, name: str, model: str, options: Any, preview_side: int, crop_side: int
    ) -> dict[str, Any]:
        """Analyse one encoded photo; returns the result and pictures to show it with."""
        from emosense.annotate import annotate
        from emosense.faces.crop import cut_face
        from emosense.media.encode import encode_jpeg, fit_within
        from emosense.media.images import read_photo

        analyzer = self._analyzer(model)
        image = read_photo(data, analyzer.limits)
        result = analyzer.images([(name, image)], options)[0]
        crops = [fit_within(cut_face(image, face), crop_side) for face in result.faces]
        return {
            "result": result,
            "preview": encode_jpeg(fit_within(annotate(image, result), preview_side)),
            "crops": [encode_jpeg(crop) for crop in crops],
        }

    def annotated(self, data: bytes, result: Any, form: str = "PNG") -> bytes:
        """Return the annotated photo at full size as a ``PNG`` or ``JPEG`` file."""
        from emosense.analyzer import photo_limits
        from emosense.annotate import annotate, encode_png
        from emosense.media.encode import encode_jpeg
        from emosense.media.images import read_photo

        picture = annotate(read_photo(data, photo_limits()), result)
        return encode_png(picture) if form == "PNG" else encode_jpeg(picture)

    def explain(self, data: bytes, face: Any, model: str, side: int) -> dict[str, Any]:
        """Return what the answer for a face of a photo rests on: a JPEG and a sentence."""
        from emosense.media.encode import encode_jpeg

        found = self._analyzer(model).explain(data, face)
        return {"picture": encode_jpeg(found.overlay(side)), "told": found.told}

    def sample_clip(self, path: str) -> None:
        """Write the sample video to ``path``."""
        from pathlib import Path

        from emosense.media.sample_clip import write_sample_clip

        write_sample_clip(Path(path))

    def inspect(self, path: str, name: str, preview_side: int) -> dict[str, Any]:
        """Return what a video's container says and its first frame as JPEG."""
        from emosense.analyzer import video_limits
        from emosense.media.encode import encode_jpeg, fit_within
        from emosense.media.video import VideoReader

        with VideoReader(path, video_limits(), name) as reader:
            first = next(reader.frames()).rgb()
            return {"info": reader.info, "preview": encode_jpeg(fit_within(first, preview_side))}

    def video(
        self, path: str, model: str, options: Any, annotated: str | None
    ) -> Generator[dict[str, Any], bool, dict[str, Any]]:
        """Analyse a video; yields its frames a few times a second."""
        sent, waiting = time.monotonic(), []
        with self._analyzer(model).video(path, options, annotated) as analysis:
            for found in analysis:
                waiting.append(found)
                if time.monotonic() - sent > _PART_SECONDS:
                    if (yield {"frames": waiting, "frames_read": analysis.frames_read}):
                        analysis.cancel()
                    sent, waiting = time.monotonic(), []
            yield {"frames": waiting, "frames_read": analysis.frames_read}
        result = analysis.result
        return {
            # Its frames were sent already.
            "result": replace(result, frames=()),
            "notes": analysis.notes,
            "moments": analysis.moments,
        }

    def files(self, files: Any, options: Any) -> Generator[Any, bool, None]:
        """Analyse the files of a job; yields the rows of each."""
        from emosense.batch.work import rows_of

        for rows in rows_of(self._analyzer(options.model), files, options):
            if (yield rows):
                return

    def speed(self, model: str) -> dict[str, Any]:
        """Return engine and device and, per batch size, the faces a second of a model on it."""
        from emosense.networks.speed import BATCHES, faces_per_second

        analyzer = self._analyzer(model)
        measured = {batch: faces_per_second(analyzer.classify, batch) for batch in BATCHES}
        return {"device": analyzer.network_engine, "faces_per_second": measured}

    def _analyzer(self, model: str) -> Any:
        from emosense.analyzer import Analyzer

        if model not in self._analyzers:
            self._analyzers[model] = Analyzer(model)
        return self._analyzers[model]
