"""Room for what pages keep in the server's memory: results, pictures, videos and downloads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from emosense.asgi.budget import Holding
from emosense.services import services
from emosense.ui import streamlit_internals
from emosense.worker.usage import Account


def _media_bytes() -> dict[str, int]:
    return {session: sum(sizes) for session, sizes in streamlit_internals.media_sizes().items()}


memory: Final = services().memory
"""The memory for what pages keep: what Streamlit stores, results, and files that are being made."""

services().held_elsewhere = _media_bytes

_download = threading.local()


@contextmanager
def room(account: Account, size: int = 0, *, shown: bool = False) -> Iterator[Holding]:
    """Reserve memory for a file of a session while it is made, and until it is stored.

    Args:
        account: session and its user.
        size: size of the file in bytes; a file that grows resizes the holding first.
        shown: whether the page shows the same file; see :meth:`~emosense.asgi.budget.Budget.hold`.

    Returns:
        The holding.

    Raises:
        NoRoom: there is no room.

    >>> with room(Account("ann", "tab 1"), 300 * 2**20):
    ...     memory.hold(Account("ann", "tab 1"), 1)
    Traceback (most recent call last):
    ...
    emosense.errors.NoRoom: Expected at most 300 MB of results and downloads in memory of one \
page. Received: 300 MB. Remove results of this page that you need no longer.
    """
    holding = memory.hold(account, size, shown=shown)
    stored: ExitStack | None = getattr(_download, "stored", None)
    if stored is None:
        with holding:
            yield holding
    else:
        stored.enter_context(holding)
        yield holding


@contextmanager
def until_stored() -> Iterator[None]:
    """Hold the room of the files that are made in this thread until the block ends.

    Streamlit stores a file only after the function that makes it has returned.
    """
    with ExitStack() as stored:
        _download.stored = stored
        try:
            yield
        finally:
            _download.stored = None


def within_room(account: Account, size: int, make: Callable[[], bytes]) -> Callable[[], bytes]:
    """Return a function that makes a file for a download, if there is room for it.

    Args:
        account: session and its user.
        size: memory in bytes that is needed while the file is made.
        make: makes the file.
    """

    def made() -> bytes:
        with room(account, size) as holding:
            file = make()
            holding.resize(len(file))
            return file

    return made
