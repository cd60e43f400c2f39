"""Room for what pages keep in memory."""

import pytest

from emosense.errors import NoRoom
from emosense.ui import streamlit_internals
from emosense.ui.session.downloads import room, until_stored, within_room
from emosense.worker.usage import Account

MB = 2**20
ANN, BOB = Account("ann", "tab 1"), Account("bob", "tab 2")


@pytest.fixture
def stored(memory, monkeypatch):
    """What Streamlit stores."""
    sizes = {}
    monkeypatch.setattr(streamlit_internals, "media_sizes", lambda: sizes)
    yield sizes
    assert memory.held() == sum(map(sum, sizes.values()))


def test_one_page_may_hold_so_much(stored):
    with room(ANN, 300 * MB):
        pass
    with pytest.raises(NoRoom, match="at most 300 MB of results and downloads"):
        room(ANN, 301 * MB).__enter__()
    stored["tab 1"] = [150 * MB, 50 * MB]
    with pytest.raises(NoRoom):
        room(ANN, 101 * MB).__enter__()


@pytest.mark.usefixtures("stored")
def test_the_room_is_a_setting(monkeypatch):
    monkeypatch.setenv("EMOSENSE_MAX_SERVER_DOWNLOAD_MB", "200")
    with room(ANN, 60 * MB), pytest.raises(NoRoom):
        room(ANN, MB).__enter__()
    monkeypatch.setenv("EMOSENSE_MAX_SESSION_DOWNLOAD_MB", "20")
    with pytest.raises(NoRoom, match="at most 20 MB"):
        room(ANN, 60 * MB).__enter__()


def test_downloads_hold_their_room_until_they_are_stored(stored, memory):
    make = within_room(ANN, 0, lambda: bytes(200 * MB))
    with until_stored():
        file = make()
        assert memory.held() == len(file)
        with pytest.raises(NoRoom):  # another one, made at the same time
            make()
        stored["tab 1"] = [len(file)]
    assert memory.held() == len(file)


def test_a_download_that_fails_leaves_nothing(memory):
    with pytest.raises(ZeroDivisionError), until_stored():
        within_room(ANN, MB, lambda: 1 / 0)()
    assert memory.held() == 0


@pytest.mark.usefixtures("stored")
def test_a_file_that_is_not_for_a_download_holds_its_room_while_it_is_made(memory):
    with until_stored():
        pass
    with room(BOB, MB):
        assert memory.held() == MB
    assert memory.held() == 0


@pytest.mark.usefixtures("stored")
def test_nothing_is_made_without_room():
    made = []
    with pytest.raises(NoRoom):
        within_room(ANN, 301 * MB, lambda: made.append(1))()
    assert not made
