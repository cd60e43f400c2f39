"""All uploads that the server holds in memory: of the uploaders, and what sessions keep of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from emosense.ui.session.cleanup import held_buffers
from emosense.ui.streamlit_internals import UploadedFiles


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
        unique: dict[str, dict[int, int]] = {}
        for source in (self.buffers(), self._kept()):
            for session, buffers in source.items():
                sizes = unique.setdefault(session, {})
                sizes.update((id(buffer), len(buffer)) for buffer in buffers)
        return {session: sum(sizes.values()) for session, sizes in unique.items()}
