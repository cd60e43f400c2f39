"""The server of the inference process: answers one request at a time with registered handlers.

Inference runs in a process of its own because Streamlit calls ``keras.backend.clear_session()``
after every script run when Keras is loaded beside it, and because a crash in a decoder or driver
must not take the app down.
"""

from __future__ import annotations

import contextlib
import time
import traceback
from collections.abc import Callable, Generator
from multiprocessing.connection import Connection
from typing import Any, Final, TypeVar

from emosense.errors import EmoSenseError, WorkerError, WorkerLimitExceeded
from emosense.worker.protocol import Continue, Request, Response, StreamRequest, StreamUpdate

_OUT_OF_MEMORY: Final = (
    "bad_alloc",
    "bad allocation",
    "Insufficient memory",
    "allocate memory",
    "can't start new thread",
)
"""What those say whose errors are no MemoryError: ONNX Runtime, OpenCV, the system, and Python where
a thread's stack has no room."""

ResultT = TypeVar("ResultT")
UpdateT = TypeVar("UpdateT")


class Handlers:
    """The registry of request handlers, by request type.

    >>> from emosense.worker.protocol import Message, Request
    >>> class Double(Message, Request[int]):
    ...     number: int
    >>> handlers = Handlers()
    >>> handlers.register(Double, lambda request: 2 * request.number)
    >>> handlers.find(Double(number=4))(Double(number=4))
    8
    """

    def __init__(self) -> None:
        self._by_type: dict[type, Callable[[Any], Any]] = {}

    def register(
        self, request_type: type[Request[ResultT]], handler: Callable[[Any], ResultT]
    ) -> None:
        """Answer requests of a type with ``handler(request)``."""
        self._by_type[request_type] = handler

    def register_stream(
        self,
        request_type: type[StreamRequest[UpdateT, ResultT]],
        handler: Callable[[Any], Generator[UpdateT, bool, ResultT]],
    ) -> None:
        """Answer long requests of a type with a generator.

        The generator yields updates, is sent whether the request was cancelled, and returns the
        answer.
        """
        self._by_type[request_type] = handler

    def find(self, request: object) -> Callable[[Any], Any]:
        """Return the handler of a request.

        Raises:
            WorkerError: no handler is registered for its type.
        """
        try:
            return self._by_type[type(request)]
        except KeyError:
            raise WorkerError(
                f"Expected a request of {', '.join(sorted(t.__name__ for t in self._by_type))}. "
                f"Received: {type(request).__name__}"
            ) from None


def serve(connection: Connection, handlers: Handlers) -> None:
    """Answer requests until the client closes the connection."""
    while _answer_one(connection, handlers):
        pass


def _answer_one(connection: Connection, handlers: Handlers) -> bool:
    """Answer the next request; return False once the connection is closed.

    A function of its own, so that no local variable keeps a request in memory after its answer.
    """
    try:
        request = connection.recv()
    except (EOFError, OSError):
        return False
    clock = _CpuClock()
    try:
        value = handlers.find(request)(request)
        if isinstance(value, Generator):
            with contextlib.closing(value):
                value = _run_stream(value, connection, clock)
        response = Response(value=value)
    except EOFError:  # the client has gone in the middle of a long request
        return False
    except EmoSenseError as error:
        response = Response(error=type(error)(str(error)))
    except Exception as error:  # the client must get an answer to every request
        response = Response(error=_describe_fault(error))
    connection.send(response.model_copy(update={"cpu_seconds": clock.lap()}))
    return True


def _describe_fault(error: Exception) -> WorkerError:
    if isinstance(error, MemoryError) or any(text in str(error) for text in _OUT_OF_MEMORY):
        return WorkerLimitExceeded(
            "The analysis was ended: it needs more memory than one file may take."
        )
    traceback.print_exception(error)
    return WorkerError(f"Unexpected fault: {type(error).__name__}: {error}")


def _run_stream(
    updates: Generator[Any, bool, Any], connection: Connection, clock: _CpuClock
) -> Any:
    """Send the updates that a generator yields, each after the client's word, and return its value."""
    try:
        value = next(updates)
        while True:
            connection.send(StreamUpdate(value=value, cpu_seconds=clock.lap()))
            message: Continue = connection.recv()
            value = updates.send(message.cancelled)
    except StopIteration as end:
        return end.value


class _CpuClock:
    """Measures the processor time of this process, all threads together."""

    def __init__(self) -> None:
        self._last = time.process_time()

    def lap(self) -> float:
        """Return the seconds since the last lap."""
        now = time.process_time()
        seconds, self._last = now - self._last, now
        return seconds
