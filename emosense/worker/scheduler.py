"""Fair scheduling: who has used the least processor time goes next.

Least attained service (Nuyens and Wierman, "The Foreground-Background queue: a survey", 2008) among
users, and among the sessions of a user. Usage decays, so that only the last minutes count.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from emosense.errors import Cancelled, ServerBusy

HALF_LIFE_SECONDS: Final = 180.0
SLICE_SECONDS: Final = 2.0
_POLL_SECONDS: Final = 0.5
_FORGET_BELOW: Final = 0.01
_AVERAGE_WEIGHT: Final = 0.2


@dataclass(frozen=True)
class Account:
    """Who makes a request.

    Attributes:
        user: name of the user, e.g. a login or an address.
        session: id of his browser session.

    >>> Account("ann", "tab 1").user
    'ann'
    """

    user: str = ""
    session: str = ""


@dataclass(frozen=True)
class Wait:
    """Why and how long a request waits.

    Attributes:
        ahead: number of requests before it, the running ones included.
        ahead_of_others: number of those that are not of the same user.
        seconds: estimated time until its turn, in seconds; None if it is unknown.

    >>> Wait(ahead=2, ahead_of_others=2, seconds=8.0).ahead
    2
    """

    ahead: int
    ahead_of_others: int
    seconds: float | None


class Usage:
    """Processor time of users and sessions, halved every few minutes. Thread-safe.

    Args:
        half_life: time in seconds after which a use counts half.
        clock: returns the time in seconds.

    >>> usage = Usage(half_life=100, clock=iter([0, 100]).__next__)
    >>> usage.charge(Account("ann", "tab 1"), 8)
    >>> usage.of(Account("ann", "tab 2"))
    (4.0, 0.0)
    """

    def __init__(
        self,
        half_life: float = HALF_LIFE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._half_life = half_life
        self._clock = clock
        self._lock = threading.Lock()
        self._seconds: dict[tuple[str, ...], tuple[float, float]] = {}

    def charge(self, account: Account, seconds: float) -> None:
        """Charge processor time to a user and his session."""
        with self._lock:
            now = self._clock()
            for key in ((account.user,), (account.user, account.session)):
                self._seconds[key] = (self._decayed(key, now) + seconds, now)
            if len(self._seconds) > 1000:
                self._seconds = {
                    key: (value, now)
                    for key in self._seconds
                    if (value := self._decayed(key, now)) > _FORGET_BELOW
                }

    def of(self, account: Account) -> tuple[float, float]:
        """Return the usage of a user, and that of his session, in seconds."""
        with self._lock:
            now = self._clock()
            return (
                self._decayed((account.user,), now),
                self._decayed((account.user, account.session), now),
            )

    def _decayed(self, key: tuple[str, ...], now: float) -> float:
        value, since = self._seconds.get(key, (0.0, now))
        return float(value * 0.5 ** ((now - since) / self._half_life))


@dataclass(eq=False)
class _Ticket:
    account: Account
    number: int
    estimate: float | None
    granted: float | None = field(default=None)


class FairScheduler:
    """Gives turns to threads: to the user, then the session, with the least usage. Thread-safe.

    Args:
        usage: usage of all users; others charge it too.
        slots: number of turns at the same time.
        max_session: maximum number of waiting requests of one session.
        max_user: maximum number of waiting requests of one user.

    >>> scheduler = FairScheduler(Usage())
    >>> with scheduler.turn(Account("ann")):
    ...     scheduler.is_idle
    False
    """

    def __init__(
        self, usage: Usage, slots: int = 1, max_session: int = 20, max_user: int = 100
    ) -> None:
        self.usage = usage
        self._slots = slots
        self._max_session = max_session
        self._max_user = max_user
        self._condition = threading.Condition()
        self._waiting: list[_Ticket] = []
        self._running: list[_Ticket] = []
        self._numbers = itertools.count()
        self._average: float | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nobody has a turn or waits for one."""
        with self._condition:
            return not self._waiting and not self._running

    @property
    def waiting(self) -> int:
        """Number of waiting requests."""
        with self._condition:
            return len(self._waiting)

    @contextmanager
    def turn(
        self,
        account: Account,
        estimate: float | None = None,
        is_cancelled: Callable[[], bool] | None = None,
        on_wait: Callable[[Wait], None] | None = None,
    ) -> Iterator[Turn]:
        """Wait for a turn, and give it back at the end of the ``with`` block.

        Args:
            account: who asks.
            estimate: estimated duration of the turn in seconds; None uses the recent average.
            is_cancelled: called twice a second while waiting; True ends the wait.
            on_wait: called at once and twice a second while waiting.

        Raises:
            ServerBusy: too many requests of the session or the user wait.
            Cancelled: ``is_cancelled`` returned True.
        """
        ticket = self._enqueue(account, estimate)
        self._await(ticket, is_cancelled, on_wait)
        try:
            yield Turn(self, ticket, is_cancelled, on_wait)
        finally:
            self._release(ticket)

    def _enqueue(self, account: Account, estimate: float | None) -> _Ticket:
        with self._condition:
            of_user = [t for t in self._waiting if t.account.user == account.user]
            of_session = [t for t in of_user if t.account.session == account.session]
            for count, limit, owner in (
                (len(of_session), self._max_session, "page"),
                (len(of_user), self._max_user, "user"),
            ):
                if count >= limit:
                    raise ServerBusy(
                        f"Expected at most {limit} waiting requests of one {owner}. Received: one "
                        "more. Please wait until some are done."
                    )
            ticket = _Ticket(account, next(self._numbers), estimate)
            self._waiting.append(ticket)
            self._dispatch()
            return ticket

    def _await(
        self,
        ticket: _Ticket,
        is_cancelled: Callable[[], bool] | None,
        on_wait: Callable[[Wait], None] | None,
    ) -> None:
        try:
            while True:
                with self._condition:
                    if ticket.granted is not None:
                        return
                    wait = self._describe(ticket)
                # Not under the lock: both call foreign code, which may take its time or raise.
                if on_wait is not None:
                    on_wait(wait)
                if is_cancelled is not None and is_cancelled():
                    raise Cancelled("It was cancelled before it began.")
                with self._condition:
                    if ticket.granted is None:
                        self._condition.wait(_POLL_SECONDS)
        except BaseException:
            self._withdraw(ticket)
            raise

    def _withdraw(self, ticket: _Ticket) -> None:
        with self._condition:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
        if ticket.granted is not None:
            self._release(ticket)

    def _release(self, ticket: _Ticket) -> None:
        with self._condition:
            self._running.remove(ticket)
            assert ticket.granted is not None
            duration = time.monotonic() - ticket.granted
            average = duration if self._average is None else self._average
            self._average = average + _AVERAGE_WEIGHT * (duration - average)
            ticket.granted = None
            self._dispatch()

    def _dispatch(self) -> None:
        while self._waiting and len(self._running) < self._slots:
            ticket = min(self._waiting, key=self._rank)
            self._waiting.remove(ticket)
            ticket.granted = time.monotonic()
            self._running.append(ticket)
        self._condition.notify_all()

    def _rank(self, ticket: _Ticket) -> tuple[float, float, int]:
        return (*self.usage.of(ticket.account), ticket.number)

    def _describe(self, ticket: _Ticket) -> Wait:
        rank = self._rank(ticket)
        before = [other for other in self._waiting if self._rank(other) < rank]
        ahead = [*self._running, *before]
        others = sum(other.account.user != ticket.account.user for other in ahead)
        return Wait(len(ahead), others, self._seconds(before))

    def _seconds(self, before: list[_Ticket]) -> float | None:
        """Estimate the time until the running turns and those before are done."""
        left = 0.0
        now = time.monotonic()
        for ticket in (*self._running, *before):
            estimate = self._average if ticket.estimate is None else ticket.estimate
            if estimate is None:
                return None
            spent = 0.0 if ticket.granted is None else now - ticket.granted
            if ticket.granted is not None and spent > 2 * estimate:
                return None  # the estimate was wrong: promise nothing
            left += max(0.0, estimate - spent)
        return left / self._slots

    def _should_yield(self, ticket: _Ticket) -> bool:
        with self._condition:
            assert ticket.granted is not None
            if time.monotonic() - ticket.granted < SLICE_SECONDS:
                return False
            mine = self.usage.of(ticket.account)
            return any(self.usage.of(other.account) < mine for other in self._waiting)

    def _yield(
        self,
        ticket: _Ticket,
        is_cancelled: Callable[[], bool] | None,
        on_wait: Callable[[Wait], None] | None,
    ) -> None:
        with self._condition:
            self._running.remove(ticket)
            ticket.granted = None
            self._waiting.append(ticket)
            self._dispatch()
        self._await_again(ticket, is_cancelled, on_wait)

    def _await_again(
        self,
        ticket: _Ticket,
        is_cancelled: Callable[[], bool] | None,
        on_wait: Callable[[Wait], None] | None,
    ) -> None:
        while True:
            with self._condition:
                if ticket.granted is not None:
                    return
                cancelled = is_cancelled is not None and is_cancelled()
                if cancelled:  # it ends soon: it needs its turn only to finish what it has
                    self._waiting.remove(ticket)
                    ticket.granted = time.monotonic()
                    self._running.append(ticket)
                    return
                wait = self._describe(ticket)
            if on_wait is not None:
                on_wait(wait)
            with self._condition:
                if ticket.granted is None:
                    self._condition.wait(_POLL_SECONDS)


class Turn:
    """A turn that a :class:`FairScheduler` has given.

    >>> with FairScheduler(Usage()).turn(Account("ann")) as turn:
    ...     turn.give_way()
    """

    def __init__(
        self,
        scheduler: FairScheduler,
        ticket: _Ticket,
        is_cancelled: Callable[[], bool] | None,
        on_wait: Callable[[Wait], None] | None,
    ) -> None:
        self._scheduler = scheduler
        self._ticket = ticket
        self._is_cancelled = is_cancelled
        self._on_wait = on_wait

    def give_way(self) -> None:
        """Let others with less usage go first, if any wait; return when it is this one's turn."""
        if self._scheduler._should_yield(self._ticket):
            self._scheduler._yield(self._ticket, self._is_cancelled, self._on_wait)
