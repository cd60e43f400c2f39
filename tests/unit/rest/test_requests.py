"""What the routes of the REST API share."""

import asyncio

import pytest
from starlette.requests import Request

from emosense import errors
from emosense.errors import EmoSenseError
from emosense.rest.errors import status_of
from emosense.rest.requests import check_model, hang_up


def test_who_hangs_up_is_noticed_while_his_photos_wait():
    async def run():
        messages: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        async with hang_up(Request({"type": "http"}, messages.get)) as left:
            await messages.put({"type": "http.request"})
            while not messages.empty():
                await asyncio.sleep(0)
            assert not left.is_set()
            await messages.put({"type": "http.disconnect"})
            while not left.is_set():
                await asyncio.sleep(0)

    asyncio.run(run())


def test_the_watch_ends_with_the_answer():
    async def run():
        before = asyncio.all_tasks()
        async with hang_up(Request({"type": "http"}, asyncio.Event().wait)):
            await asyncio.sleep(0)
            assert len(asyncio.all_tasks()) == len(before) + 1
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == before

    asyncio.run(run())


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.MediaTooLarge, 413),
        (errors.UnsupportedMedia, 415),
        (errors.DamagedMedia, 422),
        (errors.WorkerLimitExceeded, 422),
        (errors.WorkerTimeout, 422),
        (errors.NoRoom, 429),
        (errors.ServerBusy, 429),
        (errors.ModelDamaged, 500),
        (errors.WorkerDied, 500),
        (errors.WorkerError, 500),
        (errors.DetectorError, 500),
        (errors.EmoSenseError, 422),
    ],
)
def test_each_error_has_a_status(error, status):
    assert status_of(error("It is so.")) == status


def test_the_default_network_needs_no_name(monkeypatch):
    monkeypatch.setenv("EMOSENSE_MODEL", "emosense-s")
    assert check_model("") == "emosense-s"
    with pytest.raises(EmoSenseError, match=r"expected one of cnn4, .* Received: 'x+'") as error:
        check_model("x" * 1000)
    assert len(str(error.value)) < 300
