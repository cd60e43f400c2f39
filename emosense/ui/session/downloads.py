"""Room for what pages keep ready in the server's memory: pictures, videos and downloads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from emosense import settings
from emosense.asgi.fair_share import has_room
from emosense.errors import ServerBusy
from emosense.ui import streamlit_internals

_MB = 2**20
_SMALL_BYTES = 16 * _MB


def check_room(session: str, size: int, held: Mapping[str, Sequence[int]] | None = None) -> None:
    """Check that there is room for one more file of a session.

    The memory is shared as that for uploads; see :func:`emosense.asgi.fair_share.has_room`.

    Args:
        session: id of the session.
        size: size of the file in bytes.
        held: sizes of the files of each session, in bytes; None asks the server.

    Raises:
        ServerBusy: there is no room.

    >>> check_room("a", 400 * 2**20, {"b": [300 * 2**20]})
    Traceback (most recent call last):
    ...
    emosense.errors.ServerBusy: The file has 400 MB, and the server has no room for it in memory. ...
    """
    files = streamlit_internals.media_sizes() if held is None else held
    own = files.get(session, ())
    if size in own:  # the page that shows it runs again
        return
    total = sum(sum(sizes) for sizes in files.values())
    capacity = settings.MAX_SERVER_DOWNLOAD_MB.whole() * _MB
    if not has_room(sum(own) + size, total + size, capacity, _SMALL_BYTES):
        raise ServerBusy(
            f"The file has {size / _MB:.0f} MB, and the server has no room for it in memory. Close "
            "other results, or try again in a while."
        )
