"""Files that may be removed between the moment that they are asked for and that in which they are sent."""

from __future__ import annotations

from starlette.responses import FileResponse
from starlette.types import Receive, Scope, Send

from emosense.asgi.refusal import Refusal


class RemovableFileResponse(FileResponse):
    """A file as a response, or 404 if it is gone by the time that it is opened.

    Starlette announces a file before it opens it; the policy holds that back until the first part.

    >>> RemovableFileResponse("clip.mp4").media_type
    'video/mp4'
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file.

        Raises:
            Refusal: it was removed.
        """
        try:
            await super().__call__(scope, receive, send)
        except FileNotFoundError:
            raise Refusal(404, "It was removed.") from None
