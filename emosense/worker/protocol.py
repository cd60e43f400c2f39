"""The typed protocol between the app and its inference process.

A request is a message class; its type argument is the type of the answer, so that
``client.request(AnalyzePhoto(...))`` is a :class:`~emosense.worker.messages.PhotoAnalysis` to a type
checker as well. Messages are pydantic models: a wrong argument is refused where the message is made,
not in the other process.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from emosense.errors import EmoSenseError

ResultT = TypeVar("ResultT")
UpdateT = TypeVar("UpdateT")


class Message(BaseModel):
    """Base class of all messages: immutable, and without unknown fields.

    >>> class Ping(Message):
    ...     number: int
    >>> Ping(number=1)
    Ping(number=1)
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Request(Generic[ResultT]):
    """Marks a message as a request with one answer.

    >>> class Double(Message, Request[int]):
    ...     number: int
    """


class StreamRequest(Generic[UpdateT, ResultT]):
    """Marks a message as a long request with updates and a final answer.

    >>> class Count(Message, StreamRequest[int, str]):
    ...     to: int
    """


class Response(Message):
    """The answer to a request: a value, or an error of :mod:`emosense.errors`.

    Attributes:
        value: the answer.
        error: the error instead of an answer.
        cpu_seconds: processor time since the request or the last update, in seconds.

    >>> Response(value=3).error is None
    True
    """

    value: Any = None
    error: EmoSenseError | None = None
    cpu_seconds: float = 0.0


class StreamUpdate(Message):
    """An intermediate value of a long request; the process then waits for :class:`Continue`.

    Attributes:
        value: the update.
        cpu_seconds: processor time since the request or the last update, in seconds.

    >>> StreamUpdate(value=[1, 2]).value
    [1, 2]
    """

    value: Any
    cpu_seconds: float = 0.0


class Continue(Message):
    """Lets a long request go on after an update; as long as it does not come, the request rests.

    Attributes:
        cancelled: whether the request must end soon, with a partial result.

    >>> Continue().cancelled
    False
    """

    cancelled: bool = False
