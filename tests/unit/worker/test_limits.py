"""Deadlines and limits of an exchange with the inference process, in each of its phases."""

import os
import signal
import threading
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from support.pools import pool_of
from support.waiting import wait_until

from emosense.errors import (
    UnsupportedMedia,
    WorkerDied,
    WorkerError,
    WorkerLimitExceeded,
    WorkerTimeout,
)
from emosense.worker import client
from emosense.worker.client import InferenceWorker
from emosense.worker.lanes import InferencePool, Lane, LaneChoice
from emosense.worker.messages import AnalyzePhoto
from emosense.worker.protocol import Message, Request, StreamRequest
from emosense.worker.scheduler import FairScheduler
from emosense.worker.usage import Account, Usage
from emosense.worker.watchdog import ResourceLimits, Watchdog


class Work(Message, Request[int]):
    """What the process of these tests does."""

    data: bytes = b""
    spin: bool = False
    allocate: int = 0
    keep: int = 0
    stop: bool = False
    fault: str = ""


class Count(Message, StreamRequest[int, str]):
    """Counts in updates."""

    to: int


SERVER = """
import os, signal, struct, sys, time
from multiprocessing.connection import Connection
from worker_of_tests import Count, Work
from emosense.worker.server import Handlers, serve

kept = []

def work(request):
    if request.allocate or request.keep:
        kept.append(bytearray(request.allocate or request.keep))
        kept[-1][::4096] = b"x" * len(kept[-1][::4096])
    if request.allocate:
        time.sleep(600)
    if request.fault == "MemoryError":
        raise MemoryError
    if request.fault:
        raise RuntimeError(request.fault)
    if request.stop:  # in the middle of an answer of 1000 bytes
        os.write(int(sys.argv[1]), struct.pack("!i", 1000) + bytes(10))
        os.kill(os.getpid(), signal.SIGSTOP)
    while request.spin:
        pass
    return len(request.data)

def count(request):
    for number in range(request.to):
        if (yield number):
            return f"cancelled after {number}"
    return "done"

handlers = Handlers()
handlers.register(Work, work)
handlers.register_stream(Count, count)
serve(Connection(int(sys.argv[1])), handlers)
"""


@pytest.fixture
def make(tmp_path, monkeypatch):
    """A function that makes a client of a small process."""
    import sys

    monkeypatch.setitem(sys.modules, "worker_of_tests", sys.modules[__name__])
    for message in (Work, Count):
        monkeypatch.setattr(message, "__module__", "worker_of_tests")
    source = "\n".join(
        [
            "from emosense.worker.protocol import Message, Request, StreamRequest",
            "class Work(Message, Request[int]):",
            "    data: bytes = b''",
            "    spin: bool = False",
            "    allocate: int = 0",
            "    keep: int = 0",
            "    stop: bool = False",
            "    fault: str = ''",
            "class Count(Message, StreamRequest[int, str]):",
            "    to: int",
        ]
    )
    (tmp_path / "worker_of_tests.py").write_text(source)
    (tmp_path / "server_of_tests.py").write_text(SERVER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    made = []

    def make(**options):
        made.append(InferenceWorker("server_of_tests", **options))
        return made[-1]

    yield make
    for worker in made:
        worker.close()


@contextmanager
def patience(worker, seconds):
    """Change the time that a worker gives its process for an answer."""
    before, worker._silence_seconds = worker._silence_seconds, seconds
    yield
    worker._silence_seconds = before


def test_a_process_that_stands_still_before_the_request_is_given_up(make):
    """A large request fills the pipe: sending it blocks."""
    worker = make(timeout=100)
    assert worker.request(Work(data=b"12345")) == 5
    os.kill(worker.pid, signal.SIGSTOP)
    with patience(worker, 0.2), pytest.raises(WorkerTimeout, match="given up after 0 seconds"):
        worker.request(Work(data=bytes(5_000_000)))
    assert worker.request(Work(data=bytes(5_000_000))) == 5_000_000


def test_a_process_that_does_not_answer_is_given_up(make):
    worker = make(timeout=100)
    worker.start()
    with patience(worker, 0.2), pytest.raises(WorkerTimeout):
        worker.request(Work(spin=True))
    assert worker.request(Work(data=b"1")) == 1


def test_a_process_that_stands_still_in_its_answer_is_given_up(make, monkeypatch):
    worker, dogs, errors = make(timeout=100), [], []
    enter = Watchdog.__enter__
    monkeypatch.setattr(Watchdog, "__enter__", lambda dog: (dogs.append(dog), enter(dog))[1])

    def ask():
        with pytest.raises(WorkerTimeout) as error:
            worker.request(Work(stop=True))
        errors.append(error.value)

    thread = threading.Thread(target=ask)
    thread.start()
    wait_until(
        lambda: worker.pid and psutil.Process(worker.pid).status() == psutil.STATUS_STOPPED,
        "the process does not stop",
    )
    dogs[-1]._deadline = 0.0
    thread.join()
    assert len(errors) == 1
    assert worker.request(Work(data=b"1")) == 1


def test_a_process_that_stands_still_in_a_stream_is_given_up(make):
    worker = make(timeout=100)
    updates = []

    def on_update(number):
        updates.append(number)
        if number == 3:
            os.kill(worker.pid, signal.SIGSTOP)

    with pytest.raises(WorkerTimeout), patience_after_update(worker, 3):
        worker.stream(Count(to=100), on_update, lambda: False)
    assert updates == [0, 1, 2, 3]
    assert worker.stream(Count(to=3), updates.append, lambda: False) == "done"


@contextmanager
def patience_after_update(worker, number):
    """From this update on, wait for the next one no longer."""
    restart = Watchdog.restart
    count = iter(range(1000))

    def restarted(self):
        restart(self)
        if next(count) == number:
            self._deadline = 0.0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Watchdog, "restart", restarted)
        yield


def test_a_client_that_takes_its_time_is_no_reason_to_give_up(make, monkeypatch):
    """The process rests while the client gives way to others."""
    worker = make(timeout=100)
    deadlines = []
    pause, dogs = Watchdog.pause, []
    monkeypatch.setattr(Watchdog, "pause", lambda dog: (pause(dog), dogs.append(dog)))
    answer = worker.stream(
        Count(to=3), lambda _: deadlines.append(dogs[-1]._deadline), lambda: False
    )
    assert answer == "done"
    assert deadlines == [None] * 3


def test_a_stream_is_cancelled_between_updates(make):
    updates = []
    answer = make(timeout=60).stream(Count(to=9), updates.append, lambda: len(updates) == 2)
    assert answer == "cancelled after 1"
    assert updates == [0, 1]


def test_a_callback_that_fails_leaves_no_answer_of_this_request_to_the_next(make):
    worker = make(timeout=60)

    def fail(number):
        raise KeyError("a page was closed")

    with pytest.raises(KeyError):
        worker.stream(Count(to=9), fail, lambda: False)
    assert worker.request(Work(data=b"12")) == 2


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_a_process_that_takes_too_much_memory_is_ended(make):
    worker, limits = make(timeout=60), ResourceLimits(memory_bytes=200 * 2**20)
    worker.request(Work(), limits=limits)
    pid = worker.pid
    with pytest.raises(WorkerLimitExceeded, match=r"more than the 0\.2 GB of memory"):
        worker.request(Work(allocate=400 * 2**20), limits=limits)
    assert worker.pid != pid
    assert worker.request(Work(data=b"1")) == 1


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")
def test_a_process_that_takes_too_much_processor_time_is_ended(make):
    worker = make(timeout=100)
    with pytest.raises(WorkerLimitExceeded, match="seconds of processor time"):
        worker.request(Work(spin=True), limits=ResourceLimits(cpu_seconds=0.5))
    assert worker.request(Work(data=b"1")) == 1


@pytest.mark.parametrize(
    "fault",
    [
        "MemoryError",
        "std::bad_alloc",
        "OpenCV(4.1) error: (-4:Insufficient memory) Failed",
        "can't start new thread",
    ],
)
def test_a_failed_allocation_is_said_in_words_and_the_process_lives(make, fault):
    worker = make(timeout=60)
    worker.start()
    pid = worker.pid
    with pytest.raises(WorkerLimitExceeded, match="more memory than one file may take"):
        worker.request(Work(fault=fault))
    with pytest.raises(WorkerError, match="Unexpected fault: RuntimeError: something else"):
        worker.request(Work(fault="something else"))
    assert worker.pid == pid


def test_the_processor_time_of_requests_is_reported(make):
    worker, seconds = make(timeout=60), []
    worker.request(Work(), seconds.append)
    worker.stream(Count(to=3), lambda number: None, lambda: False, seconds.append)
    assert len(seconds) == 1 + 3 + 1
    assert all(0 <= second < 60 for second in seconds)


def test_a_worker_that_is_shut_down_stays_so(make):
    worker = make(timeout=60)
    errors = []

    def spin():
        try:
            worker.request(Work(spin=True))
        except WorkerDied as error:
            errors.append(str(error))

    thread = threading.Thread(target=spin)
    worker.start()
    thread.start()
    wait_until(worker._lock.locked, "the request has not begun")
    worker.shut_down()
    thread.join()
    assert len(errors) == 1
    assert worker.pid is None
    with pytest.raises(WorkerDied, match="shutting down"):
        worker.request(Work())


def test_an_idle_process_ends_and_a_swollen_one_is_replaced(make):
    worker = make(timeout=60)
    pool = pool_of(worker, idle_seconds=0.0)
    assert pool.client().request(Work(data=b"1")) == 1
    wait_until(lambda: worker.pid is None, "the idle process did not end")
    assert pool.client().request(Work(data=b"1")) == 1
    wait_until(lambda: worker.pid is None, "the idle process did not end")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_a_swollen_process_is_replaced_and_loads_what_it_had_loaded(make):
    """What a process had loaded before is not swelling: TensorFlow takes 900 MB."""
    worker, loading = make(timeout=60), Work(keep=400 * 2**20)
    pool = pool_of(worker, warm_up=loading, max_swelling=200 * 2**20)
    pool.client().request(Work(data=b"1"))
    pid = worker.pid
    assert worker.resident_bytes > 400 * 2**20
    pool.client().request(Work(keep=100 * 2**20))
    assert worker.pid == pid
    pool.client().request(Work(keep=200 * 2**20))
    assert worker.pid != pid
    wait_until(
        lambda: worker.resident_bytes > 400 * 2**20 and pool.lanes["all"].scheduler.is_idle,
        "the new process does not load what the old one had loaded",
    )
    pid = worker.pid
    assert pool.client().request(Work(data=b"1")) == 1
    assert worker.pid == pid


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_the_limit_of_memory_lies_above_what_a_process_has_loaded(make):
    worker, limits = make(timeout=60), ResourceLimits(memory_bytes=400 * 2**20)
    worker.warm_up(Work(keep=600 * 2**20))
    pid = worker.pid
    assert worker.request(Work(data=b"1"), limits=limits) == 1
    worker.warm_up(Work(keep=600 * 2**20))  # only once
    with pytest.raises(WorkerLimitExceeded):
        worker.request(Work(allocate=600 * 2**20), limits=limits)
    assert worker.pid != pid


def test_an_answer_at_the_moment_of_the_kill_leaves_the_next_request_a_process(make, monkeypatch):
    worker = make(timeout=60)
    leave = Watchdog.__exit__

    def kill_and_leave(self, *error):
        leave(self, *error)
        monkeypatch.setattr(Watchdog, "__exit__", leave)
        self.verdict = WorkerLimitExceeded("It needs more.")
        self._process.kill()

    monkeypatch.setattr(Watchdog, "__exit__", kill_and_leave)
    assert worker.request(Work(data=b"1")) == 1
    assert worker.request(Work(data=b"12")) == 2


def test_a_process_that_cannot_be_started_costs_the_lane_no_process(make, monkeypatch):
    worker = make(timeout=60)
    pool = pool_of(worker, max_swelling=-(2**30))  # replaced after each request
    popen = client.subprocess.Popen

    def fail(*arguments, **options):
        raise OSError(11, "Resource temporarily unavailable")

    assert pool.client().request(Work(data=b"1")) == 1
    monkeypatch.setattr(client.subprocess, "Popen", fail)
    worker.close()
    for _ in range(2):
        with pytest.raises(WorkerError, match="cannot be started: Resource temporarily"):
            pool.client().request(Work())
    monkeypatch.setattr(client.subprocess, "Popen", popen)
    assert pool.client().request(Work(data=b"1")) == 1


def test_users_are_charged_also_for_what_was_killed(make):
    pool = pool_of(make(timeout=60), limits=ResourceLimits(cpu_seconds=2))
    usage = pool.lanes["all"].scheduler.usage
    ann, bob = Account("ann", "1"), Account("bob", "1")
    pool.client(ann).request(Work(data=b"1"))
    with pytest.raises(WorkerLimitExceeded):
        pool.client(bob).request(Work(spin=True))
    usage_of = usage.now()
    assert 0 < usage_of(ann)[0] < usage_of(bob)[0]


def test_users_are_not_charged_for_waiting_nor_twice(make, monkeypatch):
    """Updates are charged as they come; a process that dies then costs only the time since."""
    worker, charged = make(timeout=60), []

    def on_update(number):
        if number == 2:
            os.kill(worker.pid, signal.SIGKILL)

    restart = Watchdog.restart
    monkeypatch.setattr(Watchdog, "seconds", property(lambda dog: dog.turns))
    monkeypatch.setattr(Watchdog, "turns", 0, raising=False)

    def count(self):
        restart(self)
        self.turns += 1

    monkeypatch.setattr(Watchdog, "restart", count)
    with pytest.raises(WorkerDied):
        worker.stream(Count(to=9), on_update, lambda: False, charged.append)
    assert len(charged) == 3 + 1
    assert charged[-1] == 3  # what the watch says since the last message, and no more


def test_a_client_that_fails_is_no_charge(make):
    worker, charged = make(timeout=60), []

    def fail(number):
        raise KeyError

    with pytest.raises(KeyError):
        worker.stream(Count(to=9), fail, lambda: False, charged.append)
    assert len(charged) == 1


def test_a_photo_over_a_limit_is_not_tried_again(worker, gates, astronaut_png):
    from emosense.jobs.photo_jobs import analyze_photo

    calls = []

    class Client:
        def request(self, request):
            calls.append(request)
            raise WorkerLimitExceeded("It needs more.")

    with pytest.raises(WorkerLimitExceeded):
        analyze_photo(Client(), AnalyzePhoto(data=b"", name="a", model="cnn8"))
    assert len(calls) == 1


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_the_true_process_refuses_memory_beyond_its_limit(astronaut_png):
    """RLIMIT_DATA holds before anybody looks: the process lives on."""
    worker = InferenceWorker(memory_bytes=int(0.5 * 2**30))
    photo = AnalyzePhoto(data=astronaut_png, name="a.png", model="cnn8")
    assert worker.request(photo).result.faces
    pid = worker.pid
    with pytest.raises(UnsupportedMedia):
        worker.request(AnalyzePhoto(data=b"no photo", name="a", model="cnn8"))
    with Path(f"/proc/{pid}/limits").open() as limits:
        (data,) = (line.split()[3] for line in limits if line.startswith("Max data size"))
    assert int(data) < 2 * 2**30
    assert worker.request(photo).result.faces
    assert worker.pid == pid
    worker.close()


def test_videos_of_two_users_take_turns_and_results_are_the_same(make):
    """Two long requests in two processes share the processor; none waits for the other's end."""
    pool = pool_of(make(timeout=60), make(timeout=60), slice_seconds=-1)
    usage = pool.lanes["all"].scheduler.usage
    order, answers, threads = [], {}, []
    started = threading.Barrier(2)

    def count(name):
        account = Account(name, "1")

        def on_update(number):
            if number == 0 and name == "ann":
                threads[1].start()
                started.wait()
                waiting = pool._sharing
                wait_until(lambda: len(waiting.waiting) == 1, "the other does not wait")
            order.append((name, number))
            usage.charge(account, 1)

        if name == "bob":
            started.wait()
        request = Count(to=4)
        answers[name] = pool.client(account).stream(request, on_update, lambda: False)

    for name in ("ann", "bob"):
        threads.append(threading.Thread(target=count, args=[name]))
    threads[0].start()
    threads[0].join()
    threads[1].join()
    assert answers == {"ann": "done", "bob": "done"}
    assert [number for name, number in order if name == "ann"] == [0, 1, 2, 3]
    assert [number for name, number in order if name == "bob"] == [0, 1, 2, 3]
    # bob's first update does not wait until ann has ended.
    assert order.index(("bob", 0)) < order.index(("ann", 2))


def moving_pool(make):
    """A pool of a short lane, which a request loses at once if others wait, and a long one."""
    usage = Usage()
    lanes = {
        name: Lane([make(timeout=60)], FairScheduler(usage, slots=1)) for name in ("short", "long")
    }
    short = LaneChoice("short", max_seconds=-1, then=LaneChoice("long"))
    return InferencePool(lanes, lambda request: short)


def test_a_long_request_gives_its_process_up_if_another_user_waits_and_begins_again(make):
    pool = moving_pool(make)
    short, restarts, updates, answers = pool.lanes["short"].scheduler, [], [], []

    def ask():
        bob = pool.client(Account("bob", "1"))
        answers.append(bob.stream(Count(to=2), lambda number: None, lambda: False))

    thread = threading.Thread(target=ask)

    def on_update(number):
        updates.append(number)
        if updates == [0, 1]:
            thread.start()
            wait_until(lambda: short.waiting, "the other does not wait")

    ann = pool.client(Account("ann", "1"))
    answer = ann.stream(Count(to=4), on_update, lambda: False, lambda: restarts.append(1))
    thread.join()
    assert answer == "done"
    assert answers == ["done"]
    assert restarts == [1]
    assert updates == [0, 1, 0, 1, 2, 3]


def test_a_long_request_keeps_its_process_if_only_its_own_user_waits(make):
    pool = moving_pool(make)
    short, updates, answers = pool.lanes["short"].scheduler, [], []

    def ask():
        other = pool.client(Account("ann", "2"))
        answers.append(other.stream(Count(to=2), lambda number: None, lambda: False))

    thread = threading.Thread(target=ask)

    def on_update(number):
        updates.append(number)
        if number == 1:
            thread.start()
            wait_until(lambda: short.waiting, "the other does not wait")

    ann = pool.client(Account("ann", "1"))
    assert ann.stream(Count(to=4), on_update, lambda: False) == "done"
    thread.join()
    assert answers == ["done"]
    assert updates == [0, 1, 2, 3]


def test_a_long_request_gives_way_to_a_much_shorter_one_of_another_user_and_begins_again(make):
    """Within a lane, the shorter one has its answer first."""
    scheduler = FairScheduler(Usage(), slots=1)

    def choose(request):
        return LaneChoice("short", 20.0 * request.to, max_seconds=1e9, yields=True)

    pool = InferencePool({"short": Lane([make(timeout=60)], scheduler)}, choose)
    ended, restarts, updates = [], [], []

    def ask(name, to):
        client = pool.client(Account(name, "1"))
        assert client.stream(Count(to=to), lambda number: None, lambda: False) == "done"
        ended.append((name, to))

    own = threading.Thread(target=ask, args=["ann", 1])
    other = threading.Thread(target=ask, args=["bob", 1])

    def on_update(number):
        updates.append(number)
        for thread, count in {0: (own, 1), 1: (other, 2)}.items() if not restarts else ():
            if number == thread:
                count[0].start()
                wait_until(lambda count=count: len(scheduler.waiting) == count[1], "it waits not")

    ann = pool.client(Account("ann", "1"))
    answer = ann.stream(Count(to=5), on_update, lambda: False, lambda: restarts.append(list(ended)))
    ended.append(("ann", 5))
    for thread in (own, other):
        thread.join()
    assert answer == "done"
    assert len(restarts) == 1
    assert updates == [0, 1, 0, 1, 2, 3, 4]  # her own shorter request was no reason
    assert ended.index(("bob", 1)) < ended.index(("ann", 5))
