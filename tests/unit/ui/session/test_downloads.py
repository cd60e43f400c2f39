"""Room for what pages keep ready in memory."""

import pytest

from emosense.errors import ServerBusy
from emosense.ui.session.downloads import check_room

MB = 2**20


def test_one_page_may_hold_a_third():
    check_room("a", 300 * MB, {})
    with pytest.raises(ServerBusy, match="The file has 301 MB"):
        check_room("a", 301 * MB, {})
    with pytest.raises(ServerBusy):
        check_room("a", 201 * MB, {"a": [200 * MB]})


def test_a_page_that_runs_again_keeps_its_file():
    check_room("a", 500 * MB, {"a": [500 * MB, 7]})


def test_greedy_pages_leave_room_for_others(monkeypatch):
    held = {}
    for page in range(20):
        held[str(page)] = []
        with pytest.raises(ServerBusy):
            for number in range(2000):
                check_room(str(page), MB + number, held)
                held[str(page)].append(MB + number)
    check_room("new", 15 * MB, held)


def test_the_room_is_a_setting(monkeypatch):
    monkeypatch.setenv("EMOSENSE_MAX_SERVER_DOWNLOAD_MB", "200")
    check_room("a", 60 * MB, {})
    with pytest.raises(ServerBusy):
        check_room("a", 61 * MB, {})
