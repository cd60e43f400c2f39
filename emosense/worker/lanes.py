"""Lanes of inference processes: requests of one kind, each lane with processes of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from emosense.errors import EmoSenseError
from emosense.worker.client import InferenceWorker
from emosense.worker.protocol import Request, StreamRequest
from emosense.worker.scheduler import FairScheduler, Turn, Wait, Waiter
from emosense.worker.usage import Account
from emosense.worker.watchdog import NO_LIMITS, ResourceLimits

MUCH_SHORTER: Final = 4.0
"""How much less others must have to do than a request has left, for it to give way to them."""

LEAST_LOST_SECONDS: Final = 10.0
"""What a request that begins again is said to lose at least: its process starts anew too."""

ResultT = TypeVar("ResultT")
UpdateT = TypeVar("UpdateT")


@dataclass(frozen=True)
class LaneChoice:
    """The lane of a request, and what it may take there.

    Attributes:
        lane: name of the lane.
        seconds: estimated duration of the request in seconds; None if it is unknown.
        limits: what the request may take.
        warm_up: request that makes the process load what it keeps, sent once to each process.
        max_seconds: working time in seconds after which a long request gives its process up if
            another user waits for one; it begins again as ``then``.
        then: the second choice; None lets it keep its process.
        yields: whether a long request gives its process up to much shorter ones of other users, and
            begins again.
        lost: work in seconds that it has lost so.

    >>> LaneChoice("ordinary", 0.4).lane
    'ordinary'
    """

    lane: str
    seconds: float | None = None
    limits: ResourceLimits = NO_LIMITS
    warm_up: Request[Any] | None = None
    max_seconds: float = 0.0
    then: LaneChoice | None = None
    yields: bool = False
    lost: float = 0.0

    def gives_way_to(self, worked: float, waiting: Mapping[str, float | None]) -> LaneChoice | None:
        """Return how a request begins again that gives its process up now; None if it keeps it.

        It does so if it has worked for longer than it may, or if others wait that have much less to
        do than it has left (shortest remaining processing time, Schrage 1968). Its work is lost then:
        the others must be spared a wait as long as all that it has lost. So shorter ones that come
        and come delay it by as long as it takes, at most, and do not starve it.

        Args:
            worked: how long it has worked, in seconds.
            waiting: estimate in seconds of the shortest waiting request of each other user.

        >>> choice = LaneChoice("short", 100, yields=True)
        >>> again = choice.gives_way_to(30, {"bob": 5.0})
        >>> again.lost
        30.0
        >>> again.gives_way_to(30, {"cid": 5.0}).lost
        60.0
        >>> again.gives_way_to(40, {"cid": 5.0})
        >>> choice.gives_way_to(30, {"bob": 50.0})
        """
        if not waiting:
            return None
        if self.then is not None and worked > self.max_seconds:
            return self.then
        if not self.yields or self.seconds is None:
            return None
        left = self.seconds - worked
        spared = [
            left - estimate
            for estimate in waiting.values()
            if estimate is not None and MUCH_SHORTER * estimate <= left
        ]
        lost = self.lost + max(worked, LEAST_LOST_SECONDS)
        return replace(self, lost=lost) if spared and sum(spared) >= lost else None


class _ProcessNeeded(Exception):
    """A long request gives its process up to others, and begins again.

    Args:
        choice: how it begins again.
    """

    def __init__(self, choice: LaneChoice) -> None:
        super().__init__(choice)
        self.choice = choice


class Lane:
    """Inference processes that answer requests of one kind, each of one user at a time.

    Args:
        workers: clients of the processes, which start when they are first needed.
        scheduler: decides whose request is next; it has a turn for each process.
        idle_seconds: time after which an unused process ends; None keeps it, and a process that
            replaces another loads at once what that had loaded.
        max_swelling: memory in bytes that a process may hold after a request beyond what it had with
            its models loaded, before it is replaced; None sets no limit.

    >>> from emosense.worker.usage import Usage
    >>> lane = Lane([InferenceWorker()], FairScheduler(Usage()))
    >>> lane.scheduler.is_idle
    True
    """

    def __init__(
        self,
        workers: Sequence[InferenceWorker],
        scheduler: FairScheduler,
        idle_seconds: float | None = None,
        max_swelling: int | None = None,
    ) -> None:
        self.scheduler = scheduler
        self.workers = tuple(workers)
        self._free = list(workers)
        self._lock = threading.Lock()
        self._idle_seconds = idle_seconds
        self._max_swelling = max_swelling
        self._timers: dict[InferenceWorker, threading.Timer] = {}

    @contextmanager
    def worker(self, waiter: Waiter, seconds: float | None = None) -> Iterator[InferenceWorker]:
        """Wait for a turn and give a process for it; see :meth:`FairScheduler.turn`."""
        with self.scheduler.turn(waiter, seconds):
            with self._lock:
                worker = self._free.pop(0)
                if (timer := self._timers.pop(worker, None)) is not None:
                    timer.cancel()
            try:
                yield worker
            finally:
                if self._max_swelling is not None:
                    worker.replace_if_swollen(self._max_swelling)
                with self._lock:
                    self._free.insert(0, worker)
                    self._start_timer(worker)
                if self._idle_seconds is None and worker.has_lost_warm_ups:
                    name = "emosense-warm-up"
                    threading.Thread(target=self._repeat_warm_ups, daemon=True, name=name).start()

    def _repeat_warm_ups(self) -> None:
        with suppress(EmoSenseError), self.worker(Waiter()) as worker:
            worker.repeat_warm_ups()

    def _start_timer(self, worker: InferenceWorker) -> None:
        if self._idle_seconds is not None:
            timer = threading.Timer(self._idle_seconds, self._end_idle, [worker])
            timer.daemon = True
            self._timers[worker] = timer
            timer.start()

    def _end_idle(self, worker: InferenceWorker) -> None:
        with self._lock:
            if worker in self._free and self._timers.pop(worker, None) is not None:
                worker.close()

    def shut_down(self) -> None:
        """End all processes for good."""
        with self._lock:
            for timer in self._timers.values():
                timer.cancel()
            self._timers.clear()
        for worker in self.workers:
            worker.shut_down()


class InferencePool:
    """Several lanes, and who may use them when.

    Args:
        lanes: lanes by name.
        choose: returns the lane of a request.
        sharing: scheduler of the turns that long requests share, in whatever lane they are; None
            lets all lanes compute at the same time.

    >>> from emosense.worker.usage import Usage
    >>> lane = Lane([InferenceWorker()], FairScheduler(Usage()))
    >>> pool = InferencePool({"all": lane}, lambda request: LaneChoice("all"))
    >>> pool.shut_down()
    """

    def __init__(
        self,
        lanes: Mapping[str, Lane],
        choose: Callable[[Any], LaneChoice],
        sharing: FairScheduler | None = None,
    ) -> None:
        self.lanes = dict(lanes)
        self._choose = choose
        self._sharing = sharing

    def client(
        self,
        account: Account | None = None,
        is_cancelled: Callable[[], bool] | None = None,
        on_wait: Callable[[Wait | None], None] | None = None,
    ) -> PoolClient:
        """Return a client that makes requests for an account.

        Args:
            account: who asks; None is the user without a name.
            is_cancelled: called twice a second while a request waits; True ends the wait.
            on_wait: called while a request waits, and with None once it has its turn.
        """
        return PoolClient(self, account or Account(), is_cancelled, on_wait)

    def shut_down(self) -> None:
        """End all processes for good."""
        for lane in self.lanes.values():
            lane.shut_down()


class PoolClient:
    """Makes requests to an :class:`InferencePool` for one account, as an InferenceWorker takes them.

    >>> PoolClient.__name__
    'PoolClient'
    """

    def __init__(
        self,
        pool: InferencePool,
        account: Account,
        is_cancelled: Callable[[], bool] | None,
        on_wait: Callable[[Wait | None], None] | None,
    ) -> None:
        self._pool = pool
        self.account = account
        self._is_cancelled = is_cancelled or (lambda: False)
        self._on_wait = on_wait or (lambda wait: None)
        self._waiter = Waiter(account, self._is_cancelled, self._on_wait)

    def reporting(self, on_wait: Callable[[Wait | None], None]) -> PoolClient:
        """Return a client of the same account that reports its waits here."""
        return PoolClient(self._pool, self.account, self._is_cancelled, on_wait)

    def warm_up(self, request: Request[Any]) -> None:
        """Make a process load what it keeps; see :meth:`InferenceWorker.warm_up`."""
        with self._worker(replace(self._pool._choose(request), warm_up=request)):
            pass

    def request(self, request: Request[ResultT]) -> ResultT:
        """Wait for a turn, send a request and return its answer.

        Raises:
            ServerBusy: too many requests of the account wait.
            Cancelled: the request was cancelled while it waited.
            EmoSenseError: see :meth:`InferenceWorker.request`.
        """
        choice = self._pool._choose(request)
        with self._worker(choice) as (worker, _):
            return worker.request(request, self._charge(choice), choice.limits)

    def stream(
        self,
        request: StreamRequest[UpdateT, ResultT],
        on_update: Callable[[UpdateT], None],
        is_cancelled: Callable[[], bool],
        on_restart: Callable[[], None] | None = None,
    ) -> ResultT:
        """Wait for a turn, send a long request, pass on its updates and return its answer.

        It gives way between updates to users who have used less.

        Args:
            request: the request.
            on_update: called with each update.
            is_cancelled: called after each update; True ends the request soon.
            on_restart: called when the request has given its process up to others, as it took longer
                than was foreseen or they have much less to do, and begins again; its updates then
                come from the first one on.

        Raises:
            ServerBusy: too many requests of the account wait.
            Cancelled: the request was cancelled while it waited for its first turn.
            EmoSenseError: see :meth:`InferenceWorker.stream`.
        """
        choice = self._pool._choose(request)
        while True:
            try:
                return self._stream(choice, request, on_update, is_cancelled)
            except _ProcessNeeded as needed:
                choice = needed.choice
                if on_restart is not None:
                    on_restart()

    def _stream(
        self,
        choice: LaneChoice,
        request: StreamRequest[UpdateT, ResultT],
        on_update: Callable[[UpdateT], None],
        is_cancelled: Callable[[], bool],
    ) -> ResultT:
        lane = self._pool.lanes[choice.lane]
        with self._worker(choice) as (worker, turn):
            worked, resumed = 0.0, time.monotonic()

            def pass_on(update: UpdateT) -> None:
                nonlocal worked, resumed
                on_update(update)
                worked += time.monotonic() - resumed
                waiting = lane.scheduler.shortest_waiting(self.account.user)
                again = choice.gives_way_to(worked, waiting)
                if again is not None and not is_cancelled():
                    raise _ProcessNeeded(again)
                if turn is not None:
                    turn.give_way()
                    self._on_wait(None)
                resumed = time.monotonic()

            charge = self._charge(choice)
            return worker.stream(request, pass_on, is_cancelled, charge, choice.limits)

    def _charge(self, choice: LaneChoice) -> Callable[[float], None]:
        usage = self._pool.lanes[choice.lane].scheduler.usage
        return lambda seconds: usage.charge(self.account, seconds)

    @contextmanager
    def _worker(self, choice: LaneChoice) -> Iterator[tuple[InferenceWorker, Turn | None]]:
        lane = self._pool.lanes[choice.lane]
        with lane.worker(self._waiter, choice.seconds) as worker, self._share(lane) as turn:
            self._on_wait(None)
            if choice.warm_up is not None:
                worker.warm_up(choice.warm_up)  # at nobody's charge
            yield worker, turn

    @contextmanager
    def _share(self, lane: Lane) -> Iterator[Turn | None]:
        if self._pool._sharing is None:
            yield None
            return
        # While others wait for its process, it computes in their place.
        behalf = lane.scheduler
        with self._pool._sharing.turn(self._waiter, on_behalf_of=lambda: behalf.waiting) as turn:
            yield turn
