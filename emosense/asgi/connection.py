"""What the application must know about the connection that an answer goes out on."""

from __future__ import annotations

from typing import Final, Protocol

CONNECTION: Final = "emosense.connection"
"""Key of the :class:`Connection` in a request's scope, where the server's kind is known."""


class Connection(Protocol):
    """The network connection of a request.

    >>> class Ideal:
    ...     async def drained(self): ...
    ...     def abort(self): ...
    >>> connection: Connection = Ideal()
    """

    async def drained(self) -> None:
        """Wait until the operating system has taken all that was sent, or the client has gone."""
        ...

    def abort(self) -> None:
        """End the connection at once, and drop what waits to be sent."""
        ...
