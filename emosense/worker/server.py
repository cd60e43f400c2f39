"""The server of the inference process: answers one request at a time with registered handlers.

Inference runs in a process of its own because Streamlit calls ``keras.backend.clear_session()``
after every script run when Keras is loaded beside it, and because a crash in a decoder or driver
must not take the app down.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from emosense.errors import EmoSenseError, WorkerError
from emosense.worker.protocol import Cancel, Request, Response, StreamRequest, StreamUpdate

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
    if isinstance(request, Cancel):
        return True  # the request that it cancels has already ended
    try:
        value = handlers.find(request)(request)
        if isinstance(value, Generator):
            value = _run_stream(value, connection)
        response = Response(value=value)
    except EmoSenseError as error:
        response = Response(error=type(error)(str(error)))
    except Exception as error:  # the client must get an answer to every request
        traceback.print_exc()
        response = Response(error=WorkerError(f"Unexpected fault: {type(error).__name__}: {error}"))
    connection.send(response)
    return True


def _run_stream(updates: Generator[Any, bool, Any], connection: Connection) -> Any:
    """Send the updates that a generator yields, and return its value; pass on a cancellation."""
    cancelled = False
    try:
        value = next(updates)
        while True:
            connection.send(StreamUpdate(value=value))
            cancelled = cancelled or (connection.poll() and isinstance(connection.recv(), Cancel))
            value = updates.send(cancelled)
    except StopIteration as end:
        return end.value
