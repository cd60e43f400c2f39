"""How many answers are on their way, and the memory that they hold meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, TypeVar

from emosense.asgi.fair_share import has_room
from emosense.asgi.refusal import Refusal

SMALL_RESPONSES: Final = 32
"""Answers at the same time that count as few: what some browsers ask for at once."""
_SMALL_BYTES: Final = 16 * 2**20
_RETRY_SECONDS: Final = 5.0

KeyT = TypeVar("KeyT")


class ResponseBudget:
    """Answers on their way to all users; see :func:`~emosense.asgi.fair_share.has_room`.

    A slow client holds a connection, and the body of its answer even if the server has dropped that
    otherwise. A body that goes out several times is one object in memory, and is counted once.

    Args:
        max_responses: maximum number of requests that are answered at the same time.
        max_bytes: maximum sum of the bodies of those answers.

    >>> budget = ResponseBudget(max_responses=100, max_bytes=100 * 2**20)
    >>> with budget.response("ann") as hold, hold(memoryview(bytes(2**20))):
    ...     budget.held_bytes
    1048576
    >>> budget.held_bytes
    0
    """

    def __init__(self, max_responses: int, max_bytes: int) -> None:
        self._max_responses = max_responses
        self._max_bytes = max_bytes
        self._responses: Counter[str] = Counter()
        self._bodies: Counter[tuple[str, int]] = Counter()
        self._sizes: dict[int, int] = {}

    @property
    def held_bytes(self) -> int:
        """Sum of the bodies that are on their way, in bytes."""
        return sum(self._sizes.values())

    @contextmanager
    def response(self, user: str) -> Iterator[Callable[[memoryview], AbstractContextManager[None]]]:
        """Count a request while it is answered.

        Returns:
            A function that counts a body while it is sent; it raises a :class:`Refusal` if the
            user, or all users together, hold too much.

        Raises:
            Refusal: the user, or all users together, have too many.
        """
        own, total = self._responses[user] + 1, self._responses.total() + 1
        if not has_room(own, total, self._max_responses, SMALL_RESPONSES):
            raise Refusal(
                503,
                f"{total - 1} requests are being answered, {own - 1} of them yours. "
                "Try again once some of them are done.",
                retry_after=_RETRY_SECONDS,
            )
        self._responses[user] += 1
        try:
            yield lambda body: self._hold(user, body)
        finally:
            _decrease(self._responses, user)

    @contextmanager
    def _hold(self, user: str, body: memoryview) -> Iterator[None]:
        # A part of an object keeps all of it in memory. The id is unique while the body exists.
        key, size = id(body.obj), memoryview(body.obj).nbytes
        sizes = {**self._sizes, key: size}
        own = sum(sizes[other] for other in {key, *(k for u, k in self._bodies if u == user)})
        if not has_room(own, sum(sizes.values()), self._max_bytes, _SMALL_BYTES):
            raise Refusal(
                503,
                f"The server is sending {self.held_bytes >> 20} MB, and has no room for "
                f"{size >> 20} MB more. Try again once other downloads are done.",
                retry_after=_RETRY_SECONDS,
            )
        self._sizes[key] = size
        self._bodies[user, key] += 1
        try:
            yield
        finally:
            _decrease(self._bodies, (user, key))
            if not any(other == key for _, other in self._bodies):
                del self._sizes[key]


def _decrease(counter: Counter[KeyT], key: KeyT) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
