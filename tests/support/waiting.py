"""Tests wait for states, never for times."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T],
    message: str | Callable[[], object] = "what was waited for did not happen",
    timeout: float = 60,
    pause: float = 0.02,
) -> T:
    """Ask until ``condition`` returns something true, and return that.

    Args:
        condition: what is waited for; what it raises ends the wait.
        message: of the failure; a function is called for it then, to tell what was seen instead.
        timeout: seconds after which to give up: a bound for tests that fail, never a measure.
        pause: seconds between two questions; longer where a question costs something.

    Raises:
        AssertionError: it did not happen.
    """
    end = time.monotonic() + timeout
    while not (found := condition()):
        if time.monotonic() > end:
            told = message() if callable(message) else message
            raise AssertionError(f"waited {timeout:.0f} seconds: {told}")
        time.sleep(pause)
    return found
