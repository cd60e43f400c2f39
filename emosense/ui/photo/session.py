"""The photos of a browser session, which stay while other pages are visited."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from emosense.ui.session.cleanup import SessionResource, session_resource


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


def session_photos() -> SessionPhotos:
    """Return this browser session's photos."""
    return session_resource(SessionPhotos)
