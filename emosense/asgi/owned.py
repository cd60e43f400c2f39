"""What owners have on the server, at addresses that nobody can guess."""

from __future__ import annotations

import hmac
import secrets
import threading
from typing import Generic, Protocol, TypeVar

_TOKEN_BYTES = 16


class Owned(Protocol):
    """Something that belongs to an owner: a browser (:mod:`emosense.asgi.owner`) or an API key.

    >>> class Note:
    ...     owner = "ann"
    >>> note: Owned = Note()
    """

    @property
    def owner(self) -> str:
        """Whose it is."""
        ...


ItemT = TypeVar("ItemT", bound=Owned)


class OwnedItems(Generic[ItemT]):
    """Items by address, each for its owner alone. Thread-safe.

    Addresses are 128 random bits; who knows one still has to be the owner (defence in depth: addresses
    get into logs and histories, see the W3C TAG's "Good Practices for Capability URLs").

    >>> class Note:
    ...     owner = "ann"
    >>> notes, note = OwnedItems(), Note()
    >>> address = notes.add(note)
    >>> notes.find(address, "ann") is note, notes.find(address, "bob") is None
    (True, True)
    >>> notes.remove(address) is note, notes.of_owner("ann")
    (True, [])
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, ItemT] = {}

    def add(self, item: ItemT) -> str:
        """Add an item and return its address."""
        address = secrets.token_urlsafe(_TOKEN_BYTES)
        with self._lock:
            self._items[address] = item
        return address

    def remove(self, address: str) -> ItemT | None:
        """Forget an item and return it; None if it is no longer there."""
        with self._lock:
            return self._items.pop(address, None)

    def find(self, address: str, owner: str) -> ItemT | None:
        """Return an item; None if this owner has none of that address."""
        with self._lock:
            item = self._items.get(address)
        is_own = item is not None and hmac.compare_digest(item.owner.encode(), owner.encode())
        return item if is_own else None

    def of_owner(self, owner: str) -> list[ItemT]:
        """Return what an owner has, in the order in which it was added."""
        with self._lock:
            return [item for item in self._items.values() if item.owner == owner]

    def all(self) -> list[ItemT]:
        """Return what all owners have."""
        with self._lock:
            return list(self._items.values())
