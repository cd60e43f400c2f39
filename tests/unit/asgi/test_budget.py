"""Shared memory and disks: limits per session, shares of users, reservations."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from emosense.asgi.budget import Budget
from emosense.errors import NoRoom
from emosense.worker.usage import Account

ANN, ANN_2, BOB = Account("ann", "tab 1"), Account("ann", "tab 2"), Account("bob", "tab 3")


def make_budget(capacity=1000, max_session=300, small=10, elsewhere=dict):
    return Budget("files", lambda: capacity, lambda: max_session, small=small, elsewhere=elsewhere)


def test_what_is_reserved_counts_before_it_is_stored():
    budget, granted = make_budget(), []
    for _ in range(6):
        try:
            granted.append(budget.hold(ANN, 280))
        except NoRoom as error:
            assert "at most 0.0 MB of files of one page" in str(error)
    assert [holding.size for holding in granted] == [280]


def test_of_threads_that_fit_only_alone_one_is_served():
    budget, interval = make_budget(), sys.getswitchinterval()

    def hold(_):
        try:
            return budget.hold(ANN, 280).size
        except NoRoom:
            return 0

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(16) as threads:
            assert sum(threads.map(hold, range(200))) == 280
    finally:
        sys.setswitchinterval(interval)


def test_all_pages_of_a_user_share_his_room():
    budget = make_budget()
    budget.hold(ANN, 200)
    with pytest.raises(NoRoom, match="of them yours"):
        budget.hold(ANN_2, 101)
    budget.hold(ANN_2, 100)
    budget.hold(BOB, 150)  # half of the rest
    with pytest.raises(NoRoom):
        budget.hold(BOB, 1)


def test_those_who_hold_little_find_room_beside_greedy_ones():
    budget = make_budget()
    for number in range(50):
        account = Account(f"user {number}", f"tab {number}")
        while size := budget.room(account):
            budget.hold(account, size)
    assert budget.held() <= 1000
    assert make_budget(elsewhere=lambda: {"x": 990}).hold(BOB, 10).size == 10


@pytest.mark.parametrize("held", [0, 5, 100, 250, 299])
@pytest.mark.parametrize("of_others", [0, 300, 595, 985, 2000])
def test_room_is_the_most_that_is_granted(held, of_others):
    budget = make_budget(elsewhere=lambda: {"tab 1": held, "other": of_others})
    room = budget.room(ANN)
    with pytest.raises(NoRoom):
        budget.hold(ANN, room + 1)
    assert budget.share(ANN) == held + room
    assert budget.hold(ANN, room).size == room


def test_what_is_held_elsewhere_counts():
    elsewhere = {"tab 1": 200, "unknown": 50}
    budget = make_budget(capacity=2000, elsewhere=lambda: elsewhere)
    with pytest.raises(NoRoom):
        budget.hold(ANN, 101)
    holding = budget.hold(ANN, 100)
    assert budget.held() == 350
    elsewhere["tab 1"] = 0
    holding.add(150)
    assert holding.size == 250


def test_a_holding_that_grows_is_refused_and_stays_as_it_was():
    budget = make_budget()
    with budget.hold(ANN, 100) as holding:
        with pytest.raises(NoRoom):
            holding.add(201)
        assert holding.size == budget.held() == 100
        holding.add(-40)
        assert budget.held() == 60
    assert budget.held() == 0


def test_what_is_shown_already_is_bounded_by_the_capacity_alone():
    budget = make_budget()
    budget.hold(ANN, 300)
    assert budget.hold(ANN, 300, shown=True).size == 300
    with pytest.raises(NoRoom):
        budget.hold(ANN, 401, shown=True)


def test_nothing_is_held_after_a_release():
    budget = make_budget()
    holding = budget.hold(ANN, 100)
    holding.release()
    holding.release()
    assert budget.held() == 0
    with pytest.raises(NoRoom, match="were removed"):
        holding.add(1)
    holding.add(-1)
    assert budget.held() == 0
