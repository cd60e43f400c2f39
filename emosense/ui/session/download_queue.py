"""Files that are made when a download button is pressed: some at a time, and nobody waits for others."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar
from weakref import WeakValueDictionary

from emosense.errors import Cancelled, ServerBusy
from emosense.worker.usage import Account

MAX_SESSION_RUNNING: Final = 2
MAX_USER_RUNNING: Final = 8
MAX_SESSION_UNFINISHED: Final = 10

T = TypeVar("T")


class DownloadQueue:
    """Makes files in threads, which mostly wait for a process.

    Of a page :data:`MAX_SESSION_RUNNING` are made at a time, of a user :data:`MAX_USER_RUNNING`; further
    ones wait without a thread.

    Args:
        max_pages: maximum number of open pages. There is a thread for all that they may have at a time,
            so that no page waits for one; threads start when they are needed.

    >>> queue = DownloadQueue(max_pages=1)
    >>> asyncio.run(queue.run(Account("ann", "tab 1"), lambda: False, lambda: "file"))
    'file'
    >>> queue.close()
    """

    def __init__(self, max_pages: int) -> None:
        self._threads = ThreadPoolExecutor(MAX_SESSION_RUNNING * max_pages, "emosense-download")
        self._unfinished: Counter[str] = Counter()
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Semaphore] = WeakValueDictionary()

    async def run(self, account: Account, has_left: Callable[[], bool], make: Callable[[], T]) -> T:
        """Wait for a turn, call a function in a thread and return what it returns.

        Args:
            account: who presses the button.
            has_left: returns whether the page was closed meanwhile.
            make: makes the file.

        Raises:
            ServerBusy: too many files of the page are unfinished.
            Cancelled: the page was closed.
        """
        if self._unfinished[account.session] >= MAX_SESSION_UNFINISHED:
            raise ServerBusy(
                f"Expected at most {MAX_SESSION_UNFINISHED} downloads of one page at a time. Wait for "
                "the others first."
            )
        self._unfinished[account.session] += 1
        try:
            of_session = self._turn("session", account.session, MAX_SESSION_RUNNING)
            of_user = self._turn("user", account.user, MAX_USER_RUNNING)
            async with of_session, of_user:
                if has_left():
                    raise Cancelled("The page was closed before its download began.")
                return await asyncio.get_running_loop().run_in_executor(self._threads, make)
        finally:
            self._unfinished[account.session] -= 1
            if not self._unfinished[account.session]:
                del self._unfinished[account.session]

    def _turn(self, kind: str, name: str, count: int) -> asyncio.Semaphore:
        # It lives as long as somebody waits for it or has a turn.
        return self._turns.setdefault((kind, name), asyncio.Semaphore(count))

    def close(self) -> None:
        """Begin no more; those that run go on."""
        self._threads.shutdown(wait=False, cancel_futures=True)
