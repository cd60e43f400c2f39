"""Lanes of inference processes: requests of one kind, each lane with processes of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from emosense.errors import WorkerError
from emosense.worker.client import InferenceWorker
from emosense.worker.protocol import Request, StreamRequest
from emosense.worker.scheduler import Account, FairScheduler, Turn, Usage, Wait

ResultT = TypeVar("ResultT")
UpdateT = TypeVar("UpdateT")


@dataclass(frozen=True)
class LaneChoice:
    """The lane of a request.

    Attributes:
        lane: name of the lane.
        seconds: estimated duration of the request in seconds; None if it is unknown.

    >>> LaneChoice("ordinary", 0.4).lane
    'ordinary'
    """

    lane: str
    seconds: float | None = None


class Lane:
    """Inference processes that answer requests of one kind, each of one user at a time.

    Args:
        workers: clients of the processes, which start when they are first needed.
        usage: usage of all users.
        idle_seconds: time after which an unused process ends; None keeps it.
        max_rest_bytes: resident memory beyond which a process is replaced after a request; None
            keeps it.

    >>> lane = Lane([InferenceWorker()], Usage())
    >>> lane.scheduler.is_idle
    True
    """

    def __init__(
        self,
        workers: Sequence[InferenceWorker],
        usage: Usage,
        idle_seconds: float | None = None,
        max_rest_bytes: int | None = None,
    ) -> None:
        self.scheduler = FairScheduler(usage, slots=len(workers))
        self.workers = tuple(workers)
        self._free = list(workers)
        self._lock = threading.Lock()
        self._idle_seconds = idle_seconds
        self._max_rest_bytes = max_rest_bytes
        self._timers: dict[InferenceWorker, threading.Timer] = {}

    @contextmanager
    def worker(
        self,
        account: Account,
        seconds: float | None = None,
        is_cancelled: Callable[[], bool] | None = None,
        on_wait: Callable[[Wait], None] | None = None,
    ) -> Iterator[InferenceWorker]:
        """Wait for a turn and give a process for it; see :meth:`FairScheduler.turn`."""
        with self.scheduler.turn(account, seconds, is_cancelled, on_wait):
            with self._lock:
                worker = self._free.pop(0)
                if (timer := self._timers.pop(worker, None)) is not None:
                    timer.cancel()
            try:
                yield worker
            finally:
                if self._max_rest_bytes is not None:
                    worker.replace_if_larger(self._max_rest_bytes)
                with self._lock:
                    self._free.insert(0, worker)
                    self._start_timer(worker)

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

    >>> usage = Usage()
    >>> pool = InferencePool({"all": Lane([InferenceWorker()], usage)}, lambda _: LaneChoice("all"))
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
        self._is_cancelled = is_cancelled
        self._on_wait = on_wait

    def request(self, request: Request[ResultT]) -> ResultT:
        """Wait for a turn, send a request and return its answer.

        Raises:
            ServerBusy: too many requests of the account wait.
            Cancelled: the request was cancelled while it waited.
            EmoSenseError: see :meth:`InferenceWorker.request`.
        """
        with self._worker(request) as (worker, charge, _):
            return worker.request(request, charge)

    def stream(
        self,
        request: StreamRequest[UpdateT, ResultT],
        on_update: Callable[[UpdateT], None],
        is_cancelled: Callable[[], bool],
    ) -> ResultT:
        """Wait for a turn, send a long request, pass on its updates and return its answer.

        It gives way between updates to users who have used less.

        Raises:
            ServerBusy: too many requests of the account wait.
            Cancelled: the request was cancelled while it waited for its first turn.
            EmoSenseError: see :meth:`InferenceWorker.stream`.
        """
        with self._worker(request) as (worker, charge, turn):

            def on_cpu_seconds(seconds: float) -> None:
                charge(seconds)
                if turn is not None:
                    turn.give_way()
                    self._report(None)

            return worker.stream(request, on_update, is_cancelled, on_cpu_seconds)

    @contextmanager
    def _worker(
        self, request: object
    ) -> Iterator[tuple[InferenceWorker, Callable[[float], None], Turn | None]]:
        choice = self._pool._choose(request)
        lane, sharing = self._pool.lanes[choice.lane], self._pool._sharing
        usage = lane.scheduler.usage
        wait = (self.account, choice.seconds, self._is_cancelled, self._on_wait)
        with lane.worker(*wait) as worker, self._share(sharing, choice.seconds) as turn:
            self._report(None)
            started = time.monotonic()
            try:
                yield worker, lambda seconds: usage.charge(self.account, seconds), turn
            except WorkerError:
                # Its process was killed with the count of its processor time.
                usage.charge(self.account, time.monotonic() - started)
                raise

    @contextmanager
    def _share(self, sharing: FairScheduler | None, seconds: float | None) -> Iterator[Turn | None]:
        if sharing is None:
            yield None
            return
        turn = sharing.turn(self.account, seconds, self._is_cancelled, self._on_wait)
        with turn as shared:
            yield shared

    def _report(self, wait: Wait | None) -> None:
        if self._on_wait is not None:
            self._on_wait(wait)
