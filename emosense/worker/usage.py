"""Processor time that users and their sessions have taken lately."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

HALF_LIFE_SECONDS: Final = 180.0
_FORGET_BELOW: Final = 0.01


@dataclass(frozen=True)
class Account:
    """Who makes a request.

    Attributes:
        user: name of the user, e.g. a login or an address.
        session: id of his browser session, or of another holder.
        noun: what messages call such a session.

    >>> Account("ann", "tab 1").user
    'ann'
    """

    user: str = ""
    session: str = ""
    noun: str = field(default="page", compare=False)


class Usage:
    """Processor time of users and sessions, halved every few minutes. Thread-safe.

    Args:
        half_life: time in seconds after which a use counts half.
        clock: returns the time in seconds.

    >>> usage = Usage(half_life=100, clock=iter([0, 100]).__next__)
    >>> usage.charge(Account("ann", "tab 1"), 8)
    >>> usage.now()(Account("ann", "tab 2"))
    (4.0, 0.0)
    """

    def __init__(
        self,
        half_life: float = HALF_LIFE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._half_life = half_life
        self._clock = clock
        self._lock = threading.Lock()
        self._seconds: dict[tuple[str, ...], tuple[float, float]] = {}

    def charge(self, account: Account, seconds: float) -> None:
        """Charge processor time to a user and his session."""
        with self._lock:
            now = self._clock()
            for key in ((account.user,), (account.user, account.session)):
                self._seconds[key] = (self._decayed(key, now) + seconds, now)
            if len(self._seconds) > 1000:
                self._seconds = {
                    key: (value, now)
                    for key in self._seconds
                    if (value := self._decayed(key, now)) > _FORGET_BELOW
                }

    def now(self) -> Callable[[Account], tuple[float, float]]:
        """Return a function that gives the usage of a user, and that of his session, in seconds.

        All its answers are of this moment, so that accounts can be compared: a moment later each
        has decayed a little, and of two sessions of one user the one asked for last would be before
        the other.
        """
        now = self._clock()

        def usage_of(account: Account) -> tuple[float, float]:
            with self._lock:
                return (
                    self._decayed((account.user,), now),
                    self._decayed((account.user, account.session), now),
                )

        return usage_of

    def _decayed(self, key: tuple[str, ...], now: float) -> float:
        value, since = self._seconds.get(key, (0.0, now))
        return float(value * 0.5 ** ((now - since) / self._half_life))
