"""What sessions hold of a memory or a disk that all share, and what they may take of it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final

from emosense.asgi.fair_share import has_room, largest_addition
from emosense.errors import NoRoom
from emosense.worker.usage import Account

_MB: Final = 2**20


class Budget:
    """A memory or a disk: a fixed limit per session, a fair share per user. Thread-safe.

    What is about to be stored is reserved before, under a lock: of two that fit only alone, one is
    refused.

    Args:
        noun: what is stored and where, for messages: "results in memory".
        capacity: returns the bytes that all may hold; see :func:`~emosense.asgi.fair_share.has_room`.
        max_session: returns the bytes that one session may hold.
        small: bytes that count as little.
        elsewhere: returns the bytes that each session holds beside its holdings, by session id.

    >>> budget = Budget("files", lambda: 100, lambda: 25, small=5)
    >>> first = budget.hold(Account("ann", "tab 1"), 20)
    >>> budget.hold(Account("ann", "tab 1"), 6)
    Traceback (most recent call last):
        ...
    emosense.errors.NoRoom: Expected at most 0.0 MB of files of one page. Received: 0.0 MB. \
Remove results of this page that you need no longer.
    >>> first.release()
    >>> budget.hold(Account("ann", "tab 1"), 6).size
    6
    """

    def __init__(
        self,
        noun: str,
        capacity: Callable[[], int],
        max_session: Callable[[], int],
        *,
        small: int,
        elsewhere: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        self._noun, self._small = noun, small
        self._capacity, self._max_session, self._elsewhere = capacity, max_session, elsewhere
        # Reentrant: a garbage collection may end an object that releases its holding.
        self._lock = threading.RLock()
        self._held: Counter[str] = Counter()
        self._users: dict[str, str] = {}

    def hold(self, account: Account, size: int = 0, *, shown: bool = False) -> Holding:
        """Reserve bytes for a session until they are released.

        Args:
            account: session and its user.
            size: bytes; they may be changed later.
            shown: whether it is a copy of what the session holds already, e.g. of a video that the
                page shows: only the capacity bounds it.

        Raises:
            NoRoom: there is no room for so much.
        """
        holding = Holding(self, account)
        holding.resize(size, shown=shown)
        return holding

    def room(self, account: Account) -> int:
        """Return how many more bytes a session may hold at present, at least 0."""
        with self._lock:
            own, of_user, total = self._sums(account)
            most = largest_addition(of_user, total, self._capacity(), self._small)
            return max(0, min(most, self._max_session() - own))

    def share(self, account: Account) -> int:
        """Return how many bytes a session may hold at present, with those that it holds."""
        with self._lock:
            return self._sums(account)[0] + self.room(account)

    def held(self) -> int:
        """Return the bytes that all sessions hold."""
        with self._lock:
            return self._held.total() + sum(self._elsewhere().values())

    def _sums(self, account: Account) -> tuple[int, int, int]:
        """Return the bytes of a session, of its user and of all."""
        self._users[account.session] = account.user
        sums = self._held + Counter(self._elsewhere())
        # Who holds nothing is forgotten, as most of those who have left.
        self._users = {
            session: user
            for session, user in self._users.items()
            if session in sums or session == account.session
        }
        of_user = sum(
            size for session, size in sums.items() if self._users.get(session) == account.user
        )
        return sums[account.session], of_user, sums.total()

    def _change(self, account: Account, difference: int, *, shown: bool) -> None:
        with self._lock:
            if difference > 0:
                self._check(account, difference, shown=shown)
            self._held[account.session] += difference
            if self._held[account.session] <= 0:
                del self._held[account.session]

    def _check(self, account: Account, size: int, *, shown: bool) -> None:
        own, of_user, total = self._sums(account)
        capacity, max_session = self._capacity(), self._max_session()
        if shown and total + size <= capacity:
            return
        if own + size > max_session:
            raise NoRoom(
                f"Expected at most {_megabytes(max_session)} of {self._noun} of one {account.noun}. "
                f"Received: {_megabytes(own + size)}. Remove results of this {account.noun} that you "
                "need no longer."
            )
        if not has_room(of_user + size, total + size, capacity, self._small):
            raise NoRoom(
                f"The server has no room for {_megabytes(size)} more of {self._noun}: it holds "
                f"{_megabytes(total)}, {_megabytes(of_user)} of them yours. Remove results that you "
                "need no longer, or try again in a while."
            )


class Holding:
    """Bytes that a session holds of a :class:`Budget`; as a context, until its end.

    Args:
        budget: the memory or disk.
        account: session and its user.

    Attributes:
        size: bytes that are held.

    >>> budget = Budget("files", lambda: 100, lambda: 50, small=5)
    >>> with budget.hold(Account("ann", "tab 1"), 20) as holding:
    ...     holding.add(5)
    ...     budget.held()
    25
    >>> budget.held()
    0
    """

    def __init__(self, budget: Budget, account: Account) -> None:
        self._budget, self._account = budget, account
        self._lock = threading.Lock()
        self._released = False
        self.size = 0

    def __enter__(self) -> Holding:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def add(self, size: int) -> None:
        """Hold so many bytes more, or less if negative.

        Raises:
            NoRoom: there is no room for them, or the holding was released.
        """
        with self._lock:
            self._resize(self.size + size, shown=False)

    def resize(self, size: int, *, shown: bool = False) -> None:
        """Hold so many bytes; see :meth:`Budget.hold`.

        Raises:
            NoRoom: there is no room for them, or the holding was released.
        """
        with self._lock:
            self._resize(size, shown=shown)

    def _resize(self, size: int, *, shown: bool) -> None:
        if self._released:
            if size > self.size:
                raise NoRoom("The results were removed.")
            return
        self._budget._change(self._account, size - self.size, shown=shown)
        self.size = size

    def release(self) -> None:
        """Hold nothing any more, for good."""
        with self._lock:
            if not self._released:
                self._resize(0, shown=False)
                self._released = True


def _megabytes(size: int) -> str:
    return f"{size / _MB:,.0f} MB" if size >= 10 * _MB else f"{size / _MB:.1f} MB"
