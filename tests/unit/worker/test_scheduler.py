"""Fair scheduling: the user, then the session, with the least recent usage goes next."""

import threading

import pytest
from support.waiting import wait_until

from emosense.errors import Cancelled, ServerBusy
from emosense.worker import scheduler as module
from emosense.worker.scheduler import Account, FairScheduler, Usage, Wait

ANN, ANN2, BOB = Account("ann", "1"), Account("ann", "2"), Account("bob", "1")


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def usage():
    usage = Usage(half_life=100, clock=Clock())
    usage.clock = usage._clock
    return usage


def order_of(scheduler, *accounts):
    """Let accounts wait behind a running turn, in this order; return the order of their turns."""
    order, threads = [], []

    def take(account):
        with scheduler.turn(account):
            order.append(account)

    with scheduler.turn(Account("running")):
        for number, account in enumerate(accounts, 1):
            threads.append(threading.Thread(target=take, args=[account]))
            threads[-1].start()
            wait_until(lambda number=number: scheduler.waiting == number, "it does not wait")
    for thread in threads:
        thread.join()
    assert scheduler.is_idle
    return order


def test_whoever_has_used_least_goes_next(usage):
    usage.charge(ANN, 5)
    usage.charge(BOB, 3)
    new = Account("cid", "1")
    assert order_of(FairScheduler(usage), ANN, BOB, new) == [new, BOB, ANN]


def test_many_sessions_do_not_help_a_user(usage):
    usage.charge(ANN, 5)
    usage.charge(BOB, 3)
    fresh = [Account("ann", f"new {number}") for number in range(3)]
    assert order_of(FairScheduler(usage), *fresh, BOB) == [BOB, *fresh]


def test_sessions_of_a_user_are_served_fairly_too(usage):
    usage.charge(ANN, 5)
    usage.charge(ANN2, 1)
    assert order_of(FairScheduler(usage), ANN, ANN2) == [ANN2, ANN]


def test_equals_are_served_in_their_order(usage):
    accounts = [Account("ann", "1")] * 3 + [Account("bob", "1")] * 2
    assert order_of(FairScheduler(usage), *accounts) == accounts


def test_usage_decays(usage):
    usage.charge(ANN, 8)
    assert usage.of(ANN) == (8, 8)
    usage.clock.now = 100
    assert usage.of(ANN) == (4, 4)
    usage.charge(ANN2, 1)
    assert usage.of(ANN) == (5, 4)
    assert usage.of(ANN2) == (5, 1)
    usage.clock.now = 10_000
    usage.charge(BOB, 1)
    assert order_of(FairScheduler(usage), BOB, ANN) == [ANN, BOB]


def test_forgotten_users_take_no_memory(usage):
    for number in range(2000):
        usage.clock.now += 1000
        usage.charge(Account(str(number), ""), 1)
    assert len(usage._seconds) < 1010


def test_turns_end_with_errors(usage):
    scheduler = FairScheduler(usage)
    with pytest.raises(KeyError), scheduler.turn(ANN):
        raise KeyError
    assert scheduler.is_idle


def test_several_slots_run_side_by_side(usage):
    scheduler = FairScheduler(usage, slots=2)
    third = scheduler.turn(ANN2, is_cancelled=lambda: True)
    with scheduler.turn(ANN), scheduler.turn(BOB), pytest.raises(Cancelled):
        third.__enter__()
    assert scheduler.is_idle


def test_waiting_requests_are_bounded_per_session_and_user(usage):
    scheduler = FairScheduler(usage, max_session=1, max_user=2)
    stop = threading.Event()
    threads = []

    def wait(account):
        with pytest.raises(Cancelled), scheduler.turn(account, is_cancelled=stop.is_set):
            pass

    with scheduler.turn(BOB):
        for number, account in enumerate((ANN, ANN2), 1):
            threads.append(threading.Thread(target=wait, args=[account]))
            threads[-1].start()
            wait_until(lambda number=number: scheduler.waiting == number, "it does not wait")
        with pytest.raises(ServerBusy, match="1 waiting requests of one page"):
            scheduler.turn(ANN).__enter__()
        with pytest.raises(ServerBusy, match="2 waiting requests of one user"):
            scheduler.turn(Account("ann", "3")).__enter__()
        stop.set()
        for thread in threads:
            thread.join()
    assert scheduler.is_idle


def test_who_waits_learns_why_and_for_how_long(usage, monkeypatch):
    monkeypatch.setattr(module.time, "monotonic", lambda: 0.0)
    scheduler, waits = FairScheduler(usage), []

    class Enough(BaseException):
        """As Streamlit raises it to stop a script."""

    def on_wait(wait):
        waits.append(wait)
        raise Enough

    with scheduler.turn(BOB, estimate=3):
        with pytest.raises(Enough), scheduler.turn(ANN, on_wait=on_wait):
            pass
        usage.charge(ANN, 1)
        thread = threading.Thread(target=lambda: scheduler.turn(ANN2, 4).__enter__())
        thread.start()
        wait_until(lambda: scheduler.waiting == 1, "it does not wait")
        usage.charge(ANN, 1)
        with pytest.raises(Enough), scheduler.turn(ANN, on_wait=on_wait):
            pass
    thread.join()
    assert waits == [Wait(1, 1, 3.0), Wait(2, 1, 7.0)]


def test_nothing_is_promised_when_an_estimate_was_wrong(usage, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    scheduler, waits = FairScheduler(usage), []
    with scheduler.turn(BOB, estimate=1):
        now[0] = 5.0
        with (
            pytest.raises(Cancelled),
            scheduler.turn(ANN, on_wait=waits.append, is_cancelled=lambda: bool(waits)),
        ):
            pass
    assert waits == [Wait(1, 1, None)]


def test_a_long_turn_gives_way_and_comes_back(usage, monkeypatch):
    monkeypatch.setattr(module, "SLICE_SECONDS", -1)
    scheduler, order = FairScheduler(usage), []

    def short():
        with scheduler.turn(BOB):
            order.append("short")

    with scheduler.turn(ANN) as turn:
        turn.give_way()  # nobody waits
        thread = threading.Thread(target=short)
        thread.start()
        wait_until(lambda: scheduler.waiting == 1, "it does not wait")
        turn.give_way()  # both have used nothing
        order.append("long")
        usage.charge(ANN, 1)
        turn.give_way()
        order.append("long again")
    thread.join()
    assert order == ["long", "short", "long again"]
    assert scheduler.is_idle


def test_a_cancelled_long_turn_does_not_wait_to_come_back(usage, monkeypatch):
    monkeypatch.setattr(module, "SLICE_SECONDS", -1)
    scheduler = FairScheduler(usage)
    release, cancelled = threading.Event(), threading.Event()

    def other():
        with scheduler.turn(BOB):
            cancelled.set()
            release.wait()

    usage.charge(ANN, 1)
    with scheduler.turn(ANN, is_cancelled=cancelled.is_set) as turn:
        thread = threading.Thread(target=other)
        thread.start()
        wait_until(lambda: scheduler.waiting == 1, "it does not wait")
        turn.give_way()  # returns although the other has the turn
        assert not release.is_set()
    release.set()
    thread.join()
    assert scheduler.is_idle
