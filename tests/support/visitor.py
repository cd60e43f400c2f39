"""A visitor who uses every page that takes uploads, and leaves."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

from support.streamlit_client import BrowserSession


@dataclass(frozen=True)
class Visitor:
    """Uploads a photo, a damaged one, a zip and a clip.

    Attributes:
        url: of the server.
        photo: encoded, with one happy face.
        clip: a video with the same face.
    """

    url: str
    photo: bytes
    clip: bytes

    def visit(self) -> None:
        """Come, use the Photo, Batch, Video and Models pages, check the answers, leave."""
        with BrowserSession(self.url) as session:
            session.upload(
                ("good.png", self.photo, "image/png"),
                ("cut.png", self.photo[: len(self.photo) // 2], "image/png"),
            )
            assert "**1. happy**" in session.text
            assert len(session.alerts) == 1
            assert not session.faults
        with BrowserSession(self.url, "batch") as session:
            session.upload(("album.zip", self._album(), "application/zip"))
            session.click("Analyse 5 photos")
            session.wait("5 faces in 5 photos")
            assert not session.faults
        with BrowserSession(self.url, "video") as session:
            session.upload(("clip.mp4", self.clip, "video/mp4"))
            session.click("Analyse")
            session.wait("frames analysed of")
            assert not session.faults
        with BrowserSession(self.url, "models") as session:
            assert not session.faults

    def _album(self) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for number in range(5):
                archive.writestr(f"{number}.png", self.photo)
        return buffer.getvalue()
