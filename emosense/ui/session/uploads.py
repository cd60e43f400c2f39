"""All uploads that the server holds in memory: of the uploaders, and what sessions keep of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from emosense.ui.session.cleanup import held_buffers
from emosense.ui.streamlit_internals import UploadedFiles

_FILE_OVERHEAD: Final = 2048
"""Bytes that are counted for a file of an uploader beside its content: empty ones take memory, too."""


class ServerUploads(UploadedFiles):
    """The server's uploads, for :class:`emosense.asgi.uploads.UploadBudget`.

    A buffer that is both in an uploader and kept by a page counts once; a copy counts for itself.

    Args:
        kept: returns the uploads that sessions keep beside their uploaders, by session id.

    >>> ServerUploads(lambda: {"session": [b"123"]}).sizes()
    {'session': 3}
    """

    def __init__(self, kept: Callable[[], Mapping[str, list[bytes]]] = held_buffers) -> None:
        super().__init__()
        self._kept = kept

    def sizes(self) -> dict[str, int]:
        """Return the bytes that each session holds, by session id."""
        uploaded = self.buffers()
        unique: dict[str, dict[int, int]] = {}
        for source in (uploaded, self._kept()):
            for session, buffers in source.items():
                sizes = unique.setdefault(session, {})
                sizes.update((id(buffer), len(buffer)) for buffer in buffers)
        return {
            session: sum(sizes.values()) + _FILE_OVERHEAD * len(uploaded.get(session, ()))
            for session, sizes in unique.items()
        }
