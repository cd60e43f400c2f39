"""Files for downloads are made some at a time; who waits holds no thread."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from emosense.errors import Cancelled, ServerBusy
from emosense.ui.session.download_queue import (
    MAX_SESSION_RUNNING,
    MAX_SESSION_UNFINISHED,
    MAX_USER_RUNNING,
    DownloadQueue,
)
from emosense.worker.usage import Account


class Files:
    """Files that are made once they are let go."""

    def __init__(self, pages=20):
        self.queue = DownloadQueue(pages)
        self.running = 0
        self.most = 0
        self.let_go = threading.Event()
        self._lock = threading.Lock()

    def _make(self):
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        assert self.let_go.wait(60)
        with self._lock:
            self.running -= 1
        return "file"

    def ask(self, user, page, has_left=lambda: False):
        return asyncio.ensure_future(self.queue.run(Account(user, page), has_left, self._make))

    async def until_running(self, count):
        async with asyncio.timeout(60):
            while self.running < count:
                await asyncio.sleep(0.01)


def run(scenario):
    # In a separate thread: browser tests leave the main thread with a running event loop.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(scenario)).result()


def test_a_page_has_some_at_a_time_and_the_others_follow():
    async def scenario():
        files = Files()
        asked = [files.ask("ann", "tab") for _ in range(MAX_SESSION_UNFINISHED)]
        await files.until_running(MAX_SESSION_RUNNING)
        files.let_go.set()
        assert await asyncio.gather(*asked) == ["file"] * MAX_SESSION_UNFINISHED
        assert files.most == MAX_SESSION_RUNNING
        assert not files.queue._unfinished
        assert not files.queue._turns

    run(scenario())


def test_a_user_with_many_pages_holds_few_threads_and_a_stranger_does_not_wait():
    async def scenario():
        files = Files()
        asked = [files.ask("greedy", f"tab {number % 19}") for number in range(19 * 5)]
        await files.until_running(MAX_USER_RUNNING)
        stranger = files.ask("ann", "tab")
        await files.until_running(MAX_USER_RUNNING + 1)
        files.let_go.set()
        assert await stranger == "file"
        await asyncio.gather(*asked)
        assert files.most <= MAX_USER_RUNNING + 1

    run(scenario())


def test_too_many_of_a_page_are_refused_in_words():
    async def scenario():
        files = Files()
        asked = [files.ask("ann", "tab") for _ in range(MAX_SESSION_UNFINISHED)]
        await files.until_running(MAX_SESSION_RUNNING)
        with pytest.raises(ServerBusy, match=f"at most {MAX_SESSION_UNFINISHED} downloads"):
            await files.ask("ann", "tab")
        files.let_go.set()
        await asyncio.gather(*asked)
        assert await files.ask("ann", "tab") == "file"

    run(scenario())


def test_a_page_that_was_closed_while_it_waited_gets_nothing():
    async def scenario():
        files = Files()
        left = []
        first = [files.ask("ann", "tab") for _ in range(MAX_SESSION_RUNNING)]
        await files.until_running(MAX_SESSION_RUNNING)
        waiting = files.ask("ann", "tab", lambda: bool(left))
        left.append("gone")
        files.let_go.set()
        await asyncio.gather(*first)
        with pytest.raises(Cancelled):
            await waiting

    run(scenario())
