"""The photos of a browser session, which stay while other pages are visited."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from emosense.asgi.budget import Holding
from emosense.ui.session.cleanup import SessionResource, session_resource
from emosense.ui.session.downloads import memory
from emosense.ui.session.user import session_account


@dataclass(frozen=True)
class Photo:
    """An uploaded photo.

    Attributes:
        name: file name.
        data: the file's bytes.
        digest: hex SHA-256 of the bytes.

    >>> import hashlib
    >>> Photo("a.jpg", b"...", hashlib.sha256(b"...").hexdigest()).name
    'a.jpg'
    """

    name: str
    data: bytes
    digest: str


class SessionPhotos(SessionResource):
    """The photos that one browser session keeps.

    Attributes:
        current: photos by the id of their upload, which are in the uploader now.
        earlier: photos that were in the uploader before another page was visited.

    >>> SessionPhotos().earlier
    []
    """

    def __init__(self) -> None:
        self.current: dict[str, Photo] = {}
        self.earlier: list[Photo] = []

    @cached_property
    def analyses(self) -> Holding:
        """Room for the cached analyses."""
        return memory.hold(session_account())

    @cached_property
    def explanations(self) -> Holding:
        """Room for the cached explanations."""
        return memory.hold(session_account())

    def leave_uploader(self, limit: int) -> None:
        """Keep the uploader's photos as earlier ones, at most ``limit`` in all."""
        photos = dict.fromkeys([*self.earlier, *self.current.values()])
        self.earlier, self.current = list(photos)[:limit], {}

    def held_buffers(self) -> Iterable[bytes]:
        """Return the photos' bytes."""
        return [photo.data for photo in (*self.earlier, *self.current.values())]

    def close(self) -> None:
        """Forget all photos."""
        self.earlier, self.current = [], {}
        for name in ("analyses", "explanations"):
            if name in self.__dict__:
                getattr(self, name).release()


def session_photos() -> SessionPhotos:
    """Return this browser session's photos."""
    return session_resource(SessionPhotos)
