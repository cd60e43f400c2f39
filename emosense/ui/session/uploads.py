"""All uploads that the server holds in memory: of the uploaders, and what sessions keep of them.

Streamlit itself keeps a file until its visitor removes it or the session ends: also when its uploader
is emptied by a new key, or vanishes with its page, and nobody can remove it any more.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Final

from emosense.runtime.malloc import return_free_memory
from emosense.ui import streamlit_internals
from emosense.ui.session.cleanup import forget_uploads, held_buffers
from emosense.ui.streamlit_internals import UploadedFiles

_FILE_OVERHEAD: Final = 2048
"""Bytes that are counted for a file of an uploader beside its content: empty ones take memory, too."""

_log = logging.getLogger(__name__)


class Uploaders:
    """The uploaders of a session, and which files are none of theirs any more.

    A browser sends the files of a drop one by one, and tells only after the last one that they are in
    its uploader. So a file that was never told of may belong to each uploader that was shown when its
    id was given out.

    Attributes:
        run: number of the last run of the session's script that has begun; one that is broken off and
            the next one count as one.

    >>> uploaders = Uploaders()
    >>> uploaders.run_ended({"first": {"a"}}, {"a": 0, "on its way": 0})
    set()
    >>> uploaders.run_began(["a"])
    >>> sorted(uploaders.run_ended({"second": set()}, {"a": 0, "on its way": 0, "new": 1}))
    ['a', 'on its way']
    """

    def __init__(self) -> None:
        self.run = 0
        self._has_ended = False
        self._shown: dict[str, int] = {}
        self._told: set[str] = set()

    def may_be_held(self, run: int) -> bool:
        """Return whether an uploader was shown when an id was given out, in this run."""
        return run >= min(self._shown.values(), default=self.run)

    def run_began(self, named: Collection[str]) -> None:
        """Note that the script begins to run, and the files that the browser names.

        It may be broken off before an uploader takes them, e.g. by the button that uses them.
        """
        self.run += self._has_ended
        self._has_ended = False
        self._told |= set(named)

    def run_ended(self, held: Mapping[str, Collection[str]], stored: Mapping[str, int]) -> set[str]:
        """Note that it has run to its end, and return the stored files that no uploader can hold any more.

        Args:
            held: the ids of the files in each uploader that is shown, by the uploader's.
            stored: the runs in which the ids of the stored files were given out.
        """
        # The browser shows an uploader already while the run goes on that shows it first.
        self._shown = {name: self._shown.get(name, self.run) for name in held}
        self._has_ended = True
        now = {file for files in held.values() for file in files}
        left = {
            file
            for file, run in stored.items()
            if file not in now and (file in self._told or not self.may_be_held(run))
        }
        self._told = (self._told | now) & (stored.keys() - left)
        return left


class ServerUploads(UploadedFiles):
    """The server's uploads, for :class:`emosense.asgi.uploads.UploadBudget`.

    A buffer that is both in an uploader and kept by a page counts once; a copy counts for itself. What no
    uploader holds any more is removed at the end of a run of the page.

    Args:
        kept: returns the uploads that sessions keep beside their uploaders, by session id.

    >>> ServerUploads(lambda: {"session": [b"123"]}).sizes()
    {'session': 3}
    """

    def __init__(self, kept: Callable[[], Mapping[str, list[bytes]]] = held_buffers) -> None:
        super().__init__()
        self._kept = kept
        self._lock = threading.Lock()
        self._uploaders: dict[str, Uploaders] = {}

    def current_run(self, session: str) -> int:
        """Return the number of a session's last run that has begun, which new ids get."""
        uploaders = self._uploaders.get(session)
        return 0 if uploaders is None else uploaders.run

    def is_awaited(self, session: str, file: str) -> bool:
        """Return whether an uploader that the session's page shows may have asked for a file."""
        uploaders = self._uploaders.get(session)
        return uploaders is None or uploaders.may_be_held(self.run_of(file))

    def run_began(self, session: str, named: Collection[str]) -> None:
        """Note that a session's script begins to run, and the files that the browser names."""
        # A browser of ill will may name what it likes.
        self._of(session).run_began(set(self.stored(session)).intersection(named))

    def _of(self, session: str) -> Uploaders:
        with self._lock:
            if session not in self._uploaders:
                self._uploaders = {
                    name: uploaders
                    for name, uploaders in self._uploaders.items()
                    if streamlit_internals.is_kept(name)
                }
                self._uploaders[session] = Uploaders()
            return self._uploaders[session]

    def run_ended(self, session: str, held: Mapping[str, Collection[str]]) -> None:
        """Remove the uploads that none of the session's uploaders can hold any more."""
        uploaders = self._of(session)
        stored = {file: self.run_of(file) for file in self.stored(session)}
        if left := uploaders.run_ended(held, stored):
            self.remove(session, left)
            try:
                forget_uploads(session, left)
            except Exception:  # the page's run must come to its end
                _log.exception("what follows the removal of uploads failed")
            return_free_memory()

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
