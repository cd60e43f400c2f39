"""Fair scheduling: the user, then the session, with the least recent usage goes next."""

import threading

import pytest
from support.waiting import wait_until

from emosense.errors import Cancelled, ServerBusy
from emosense.worker import scheduler as module
from emosense.worker.scheduler import FairScheduler, Wait, Waiter
from emosense.worker.usage import Account, Usage

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
        with scheduler.turn(Waiter(account)):
            order.append(account)

    with scheduler.turn(Waiter(Account("running"))):
        for number, account in enumerate(accounts, 1):
            threads.append(threading.Thread(target=take, args=[account]))
            threads[-1].start()
            wait_until(lambda number=number: len(scheduler.waiting) == number, "it does not wait")
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
    assert usage.now()(ANN) == (8, 8)
    usage.clock.now = 100
    assert usage.now()(ANN) == (4, 4)
    usage.charge(ANN2, 1)
    assert usage.now()(ANN) == (5, 4)
    assert usage.now()(ANN2) == (5, 1)
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
    with pytest.raises(KeyError), scheduler.turn(Waiter(ANN)):
        raise KeyError
    assert scheduler.is_idle


def test_several_slots_run_side_by_side(usage):
    scheduler = FairScheduler(usage, slots=2)
    third = scheduler.turn(Waiter(ANN2, is_cancelled=lambda: True))
    ann, bob = (scheduler.turn(Waiter(account)) for account in (ANN, BOB))
    with ann, bob, pytest.raises(Cancelled):
        third.__enter__()
    assert scheduler.is_idle


def test_waiting_requests_are_bounded_per_session_and_user(usage):
    scheduler = FairScheduler(usage, max_session=1, max_user=2)
    stop = threading.Event()
    threads = []

    def wait(account):
        waiter = Waiter(account, is_cancelled=stop.is_set)
        with pytest.raises(Cancelled), scheduler.turn(waiter):
            pass

    with scheduler.turn(Waiter(BOB)):
        for number, account in enumerate((ANN, ANN2), 1):
            threads.append(threading.Thread(target=wait, args=[account]))
            threads[-1].start()
            wait_until(lambda number=number: len(scheduler.waiting) == number, "it does not wait")
        with pytest.raises(ServerBusy, match="1 waiting requests of one page"):
            scheduler.turn(Waiter(ANN)).__enter__()
        with pytest.raises(ServerBusy, match="2 waiting requests of one user"):
            scheduler.turn(Waiter(Account("ann", "3"))).__enter__()
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

    with scheduler.turn(Waiter(BOB), estimate=3):
        with pytest.raises(Enough), scheduler.turn(Waiter(ANN, on_wait=on_wait)):
            pass
        usage.charge(ANN, 1)
        thread = threading.Thread(target=lambda: scheduler.turn(Waiter(ANN2), 4).__enter__())
        thread.start()
        wait_until(lambda: len(scheduler.waiting) == 1, "it does not wait")
        usage.charge(ANN, 1)
        with pytest.raises(Enough), scheduler.turn(Waiter(ANN, on_wait=on_wait)):
            pass
    thread.join()
    assert waits == [Wait(1, 1, 3.0), Wait(2, 1, 7.0)]


def test_nothing_is_promised_when_an_estimate_was_wrong(usage, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    scheduler, waits = FairScheduler(usage), []
    with scheduler.turn(Waiter(BOB), estimate=1):
        now[0] = 5.0
        with (
            pytest.raises(Cancelled),
            scheduler.turn(Waiter(ANN, lambda: bool(waits), waits.append)),
        ):
            pass
    assert waits == [Wait(1, 1, None)]


def test_a_long_turn_gives_way_and_comes_back(usage):
    scheduler, order = FairScheduler(usage, slice_seconds=-1), []

    def short():
        with scheduler.turn(Waiter(BOB)):
            order.append("short")

    with scheduler.turn(Waiter(ANN)) as turn:
        turn.give_way()  # nobody waits
        thread = threading.Thread(target=short)
        thread.start()
        wait_until(lambda: len(scheduler.waiting) == 1, "it does not wait")
        turn.give_way()  # both have used nothing
        order.append("long")
        usage.charge(ANN, 1)
        turn.give_way()
        order.append("long again")
    thread.join()
    assert order == ["long", "short", "long again"]
    assert scheduler.is_idle


def test_a_cancelled_long_turn_does_not_wait_to_come_back(usage):
    scheduler = FairScheduler(usage, slice_seconds=-1)
    release, cancelled = threading.Event(), threading.Event()

    def other():
        with scheduler.turn(Waiter(BOB)):
            cancelled.set()
            release.wait()

    usage.charge(ANN, 1)
    with scheduler.turn(Waiter(ANN, is_cancelled=cancelled.is_set)) as turn:
        thread = threading.Thread(target=other)
        thread.start()
        wait_until(lambda: len(scheduler.waiting) == 1, "it does not wait")
        turn.give_way()  # returns although the other has the turn
        assert not release.is_set()
    release.set()
    thread.join()
    assert scheduler.is_idle


def test_accounts_are_compared_at_one_moment():
    """Usage decays while it is read: that must not put the session that is read last first."""
    ticking = iter(range(1000))
    usage = Usage(half_life=100, clock=lambda: next(ticking))
    usage.charge(ANN, 1)
    usage.charge(ANN2, 50)
    assert order_of(FairScheduler(usage), ANN, ANN2, ANN2, ANN) == [ANN, ANN, ANN2, ANN2]


def test_a_turn_does_not_give_way_to_its_own_session():
    ticking = iter(range(1000))
    usage = Usage(half_life=100, clock=lambda: next(ticking))
    usage.charge(ANN, 50)
    scheduler = FairScheduler(usage, slice_seconds=-1)
    stop = threading.Event()

    def wait():
        with pytest.raises(Cancelled), scheduler.turn(Waiter(ANN, is_cancelled=stop.is_set)):
            pass

    thread = threading.Thread(target=wait)
    with scheduler.turn(Waiter(ANN)) as turn:
        thread.start()
        wait_until(lambda: scheduler.waiting == [ANN], "it does not wait")
        turn.give_way()
        assert scheduler.waiting == [ANN]
        stop.set()
        thread.join()


@pytest.mark.parametrize("failing", ["is_cancelled", "on_wait"])
def test_a_callback_that_fails_while_a_turn_gives_way_leaves_no_ticket(usage, failing):
    """Otherwise the ticket would get a turn that nobody gives back."""
    scheduler = FairScheduler(usage, slice_seconds=-1)
    release = threading.Event()

    def fail(*_):
        raise KeyError(failing)

    def other():
        with scheduler.turn(Waiter(BOB)):
            release.wait()

    usage.charge(ANN, 1)
    thread = threading.Thread(target=other)
    with pytest.raises(KeyError), scheduler.turn(Waiter(ANN, **{failing: fail})) as turn:
        thread.start()
        wait_until(lambda: scheduler.waiting == [BOB], "it does not wait")
        turn.give_way()
    release.set()
    thread.join()
    assert scheduler.is_idle
    with scheduler.turn(Waiter(ANN)):
        pass


def test_a_user_has_only_so_many_turns_at_a_time(usage):
    scheduler = FairScheduler(usage, slots=2, max_running_user=1)
    waits, stop = [], threading.Event()
    waiter = Waiter(ANN2, stop.is_set, waits.append)

    def wait():
        with pytest.raises(Cancelled), scheduler.turn(waiter):
            pass

    thread = threading.Thread(target=wait)
    with scheduler.turn(Waiter(ANN)):
        thread.start()
        wait_until(lambda: waits, "it does not wait")
        with scheduler.turn(Waiter(BOB)):  # the second place is free for others
            assert scheduler.waiting == [ANN2]
        stop.set()
        thread.join()
    assert set(waits) == {Wait(ahead=1, ahead_of_others=0, seconds=None)}
    assert scheduler.is_idle


def test_who_holds_what_others_wait_for_goes_first_in_their_place(usage):
    usage.charge(ANN, 9)
    usage.charge(BOB, 5)
    scheduler, order, threads = FairScheduler(usage), [], []

    def take(account, accounts):
        with scheduler.turn(Waiter(account), on_behalf_of=lambda: accounts):
            order.append(account)

    with scheduler.turn(Waiter(Account("running"))):
        for account, accounts in ((BOB, []), (ANN, [BOB, Account("cid")])):
            threads.append(threading.Thread(target=take, args=[account, accounts]))
            threads[-1].start()
        wait_until(lambda: len(scheduler.waiting) == 2, "they do not wait")
    for thread in threads:
        thread.join()
    assert order == [ANN, BOB]


def test_the_wait_for_a_slice_is_foretold_only_if_the_turn_gives_way(usage, monkeypatch):
    monkeypatch.setattr(module.time, "monotonic", lambda: 10.0)
    scheduler, waits = FairScheduler(usage, slice_seconds=2), []
    waiter = Waiter(BOB, lambda: True, waits.append)
    with scheduler.turn(Waiter(ANN)):
        with pytest.raises(Cancelled), scheduler.turn(waiter, estimate=9):
            pass
        usage.charge(ANN, 1)
        with pytest.raises(Cancelled), scheduler.turn(waiter, estimate=9):
            pass
    assert waits == [Wait(1, 1, None), Wait(1, 1, 2.0)]


@pytest.mark.parametrize(("shares_processor", "seconds"), [(False, 3 + 4), (True, 2 * 3 + 2 * 4)])
def test_the_wait_for_one_of_several_turns(usage, monkeypatch, shares_processor, seconds):
    """Turns of 3 and 9 s run; one of 4 s waits first, so that the next is free at 3 + 4 s."""
    monkeypatch.setattr(module.time, "monotonic", lambda: 0.0)
    scheduler = FairScheduler(usage, slots=2, shares_processor=shares_processor)
    waits, stop = [], threading.Event()

    def wait():
        first = Waiter(Account("cid"), stop.is_set)
        with pytest.raises(Cancelled), scheduler.turn(first, estimate=4):
            pass

    thread = threading.Thread(target=wait)
    with scheduler.turn(Waiter(ANN), estimate=3), scheduler.turn(Waiter(BOB), estimate=9):
        thread.start()
        wait_until(lambda: scheduler.waiting, "it does not wait")
        last = Waiter(Account("dan"), lambda: True, waits.append)
        with pytest.raises(Cancelled), scheduler.turn(last):
            pass
        stop.set()
        thread.join()
    assert waits == [Wait(3, 3, seconds)]


def test_the_shortest_request_of_each_other_user(usage):
    scheduler, threads = FairScheduler(usage), []
    stop = threading.Event()

    def wait(account, estimate):
        waiter = Waiter(account, is_cancelled=stop.is_set)
        with pytest.raises(Cancelled), scheduler.turn(waiter, estimate):
            pass

    requests = ((ANN, 1.0), (BOB, 5.0), (BOB, None), (BOB, 3.0), (Account("cid", "1"), None))
    with scheduler.turn(Waiter(ANN2)):
        for number, request in enumerate(requests, 1):
            threads.append(threading.Thread(target=wait, args=request))
            threads[-1].start()
            wait_until(lambda number=number: len(scheduler.waiting) == number, "it does not wait")
        assert scheduler.shortest_waiting("ann") == {"bob": 3.0, "cid": None}
        stop.set()
        for thread in threads:
            thread.join()
