"""Fair scheduling: who has used the least processor time goes next.

Least attained service (Nuyens and Wierman, "The Foreground-Background queue: a survey", 2008) among
users, and among the sessions of a user. Usage decays, so that only the last minutes count.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from emosense.errors import Cancelled, ServerBusy
from emosense.worker.usage import Account, Usage

SLICE_SECONDS: Final = 2.0
"""Time after which a long request gives way to others."""
_POLL_SECONDS: Final = 0.5
_AVERAGE_WEIGHT: Final = 0.2


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


@dataclass(frozen=True)
class Waiter:
    """Who waits for a turn, and how he is asked and told.

    Attributes:
        account: who asks.
        is_cancelled: called twice a second while waiting; True ends the wait.
        on_wait: called at once and twice a second while waiting.

    >>> Waiter(Account("ann", "tab 1")).is_cancelled()
    False
    """

    account: Account = field(default_factory=Account)
    is_cancelled: Callable[[], bool] = lambda: False
    on_wait: Callable[[Wait], None] = lambda wait: None


@dataclass(eq=False)
class _Ticket:
    account: Account
    number: int
    estimate: float | None
    on_behalf_of: Callable[[], Iterable[Account]]
    granted: float = 0.0


class FairScheduler:
    """Gives turns to threads: to the user, then the session, with the least usage. Thread-safe.

    Args:
        usage: usage of all users; others charge it too.
        slots: number of turns at the same time.
        max_session: maximum number of waiting requests of one session.
        max_user: maximum number of waiting requests of one user.
        max_running_user: maximum number of turns of one user at the same time; None sets no limit.
        slice_seconds: time after which a turn gives way to users with less usage, if it is asked to;
            None lets turns last until they end.
        shares_processor: whether the requests that have turns compute one after the other.

    >>> scheduler = FairScheduler(Usage())
    >>> with scheduler.turn(Waiter(Account("ann"))):
    ...     scheduler.is_idle
    False
    """

    def __init__(
        self,
        usage: Usage,
        slots: int = 1,
        max_session: int = 20,
        max_user: int = 100,
        *,
        max_running_user: int | None = None,
        slice_seconds: float | None = None,
        shares_processor: bool = False,
    ) -> None:
        self.usage = usage
        self.slice_seconds = slice_seconds
        self._slots = slots
        self._max_session = max_session
        self._max_user = max_user
        self._max_running_user = max_running_user
        self._shares_processor = shares_processor
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
    def waiting(self) -> list[Account]:
        """The accounts of waiting requests, one per request."""
        with self._condition:
            return [ticket.account for ticket in self._waiting]

    def shortest_waiting(self, user: str) -> dict[str, float | None]:
        """Return the estimate in seconds of each other user's shortest waiting request.

        Args:
            user: whose own requests do not count.

        Returns:
            The estimates by user; None where a user has only requests without one.
        """
        shortest: dict[str, float | None] = {}
        with self._condition:
            for ticket in self._waiting:
                other = ticket.account.user
                known = [e for e in (shortest.get(other), ticket.estimate) if e is not None]
                if other != user:
                    shortest[other] = min(known, default=None)
        return shortest

    @contextmanager
    def turn(
        self,
        waiter: Waiter,
        estimate: float | None = None,
        on_behalf_of: Callable[[], Iterable[Account]] = tuple,
    ) -> Iterator[Turn]:
        """Wait for a turn, and give it back at the end of the ``with`` block.

        Args:
            waiter: who waits for it.
            estimate: estimated duration of the turn in seconds; None uses the recent average.
            on_behalf_of: returns further accounts, which wait for what the holder of this turn holds
                meanwhile. It ranks as the best of them (priority inheritance: Sha, Rajkumar and
                Lehoczky, 1990), without waiting for a turn of the others.

        Raises:
            ServerBusy: too many requests of the session or the user wait.
            Cancelled: ``is_cancelled`` returned True.
        """
        ticket = self._enqueue(waiter.account, estimate, on_behalf_of)
        try:
            if not self._await(ticket, waiter):
                raise Cancelled("It was cancelled before it began.")
            yield Turn(self, ticket, waiter)
        finally:
            self._remove(ticket)

    def _enqueue(
        self,
        account: Account,
        estimate: float | None,
        on_behalf_of: Callable[[], Iterable[Account]],
    ) -> _Ticket:
        with self._condition:
            of_user = [t for t in self._waiting if t.account.user == account.user]
            of_session = [t for t in of_user if t.account.session == account.session]
            for count, limit, owner in (
                (len(of_session), self._max_session, account.noun),
                (len(of_user), self._max_user, "user"),
            ):
                if count >= limit:
                    raise ServerBusy(
                        f"Expected at most {limit} waiting requests of one {owner}. Received: one "
                        "more. Please wait until some are done."
                    )
            ticket = _Ticket(account, next(self._numbers), estimate, on_behalf_of)
            self._waiting.append(ticket)
            self._dispatch()
            return ticket

    def _await(self, ticket: _Ticket, waiter: Waiter) -> bool:
        """Wait until a ticket has its turn; return False if its request was cancelled before."""
        while True:
            with self._condition:
                if ticket in self._running:
                    return True
                wait = self._describe(ticket)
            # Not under the lock: both call foreign code, which may take its time or raise.
            waiter.on_wait(wait)
            if waiter.is_cancelled():
                return False
            with self._condition:
                if ticket not in self._running:
                    self._condition.wait(_POLL_SECONDS)

    def _remove(self, ticket: _Ticket) -> None:
        """End a ticket's turn or its wait."""
        with self._condition:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
            elif ticket in self._running:
                self._running.remove(ticket)
                duration = time.monotonic() - ticket.granted
                average = duration if self._average is None else self._average
                self._average = average + _AVERAGE_WEIGHT * (duration - average)
            self._dispatch()

    def _dispatch(self) -> None:
        while len(self._running) < self._slots:
            candidates = [ticket for ticket in self._waiting if not self._is_at_limit(ticket)]
            if not candidates:
                break
            usage_of = self.usage.now()
            self._grant(min(candidates, key=lambda ticket: self._rank(ticket, usage_of)))
        self._condition.notify_all()

    def _grant(self, ticket: _Ticket) -> None:
        self._waiting.remove(ticket)
        ticket.granted = time.monotonic()
        self._running.append(ticket)

    def _is_at_limit(self, ticket: _Ticket) -> bool:
        running = sum(other.account.user == ticket.account.user for other in self._running)
        return self._max_running_user is not None and running >= self._max_running_user

    @staticmethod
    def _usage(
        ticket: _Ticket, usage_of: Callable[[Account], tuple[float, float]]
    ) -> tuple[float, float]:
        return min(map(usage_of, (ticket.account, *ticket.on_behalf_of())))

    def _rank(
        self, ticket: _Ticket, usage_of: Callable[[Account], tuple[float, float]]
    ) -> tuple[float, float, int]:
        return (*self._usage(ticket, usage_of), ticket.number)

    def _describe(self, ticket: _Ticket) -> Wait:
        usage_of = self.usage.now()
        ranks = {other: self._rank(other, usage_of) for other in self._waiting}
        before = sorted((t for t in ranks if ranks[t] < ranks[ticket]), key=ranks.__getitem__)
        ahead = [*self._running, *before]
        if self._is_at_limit(ticket):
            ahead = [other for other in ahead if other.account.user == ticket.account.user]
            seconds = None
        elif self.slice_seconds is None:
            seconds = self._seconds(ahead)
        else:
            seconds = self._seconds_of_slice(ticket, before, usage_of)
        others = sum(other.account.user != ticket.account.user for other in ahead)
        return Wait(len(ahead), others, seconds)

    def _seconds(self, ahead: list[_Ticket]) -> float | None:
        """Estimate the time until a turn is free after the running ones and those that wait before."""
        left: list[float] = []
        now = time.monotonic()
        for ticket in ahead:
            estimate = self._average if ticket.estimate is None else ticket.estimate
            if estimate is None:
                return None
            spent = now - ticket.granted if ticket in self._running else 0.0
            if spent > 2 * estimate:
                return None  # the estimate was wrong: promise nothing
            left.append(max(0.0, estimate - spent))
        active, queued = left[: self._slots], left[self._slots :]
        seconds = 0.0
        while len(active) == self._slots:
            shortest = min(active)
            seconds += shortest * (len(active) if self._shares_processor else 1)
            active.remove(shortest)
            active = [rest - shortest for rest in active] + queued[:1]
            queued = queued[1:]
        return seconds

    def _seconds_of_slice(
        self,
        ticket: _Ticket,
        before: list[_Ticket],
        usage_of: Callable[[Account], tuple[float, float]],
    ) -> float | None:
        """Estimate the time until the running turn gives way to a ticket; None if it does not."""
        assert self.slice_seconds is not None
        mine = self._usage(ticket, usage_of)
        if before or any(self._usage(other, usage_of) <= mine for other in self._running):
            return None
        ends = [other.granted + self.slice_seconds for other in self._running]
        return max(0.0, min(ends, default=0.0) - time.monotonic())

    def _give_way(self, ticket: _Ticket, waiter: Waiter) -> None:
        with self._condition:
            if not self._should_give_way(ticket):
                return
            self._running.remove(ticket)
            self._waiting.append(ticket)
            self._dispatch()
        if not self._await(ticket, waiter):
            with self._condition:  # it ends soon: it needs a turn only to finish what it has
                if ticket in self._waiting:
                    self._grant(ticket)

    def _should_give_way(self, ticket: _Ticket) -> bool:
        if self.slice_seconds is None or time.monotonic() - ticket.granted < self.slice_seconds:
            return False
        usage_of = self.usage.now()
        mine = self._usage(ticket, usage_of)
        return any(self._usage(other, usage_of) < mine for other in self._waiting)


class Turn:
    """A turn that a :class:`FairScheduler` has given.

    >>> with FairScheduler(Usage()).turn(Waiter(Account("ann"))) as turn:
    ...     turn.give_way()
    """

    def __init__(self, scheduler: FairScheduler, ticket: _Ticket, waiter: Waiter) -> None:
        self._scheduler = scheduler
        self._ticket = ticket
        self._waiter = waiter

    def give_way(self) -> None:
        """Let others with less usage go first, if any wait; return when it is this one's turn."""
        self._scheduler._give_way(self._ticket, self._waiter)
