"""What a page says while a request waits for its turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from emosense.formatting import pluralize
from emosense.worker.scheduler import Wait


def describe_wait(wait: Wait, noun: str) -> str:
    """Say why a request waits, and for about how long.

    Args:
        wait: what is before it.
        noun: what others wait for, in the singular: "photo".

    >>> describe_wait(Wait(ahead=2, ahead_of_others=2, seconds=7.6), "photo")
    'Waiting: 2 photos of others are before yours; about 8 s'
    >>> describe_wait(Wait(ahead=3, ahead_of_others=0, seconds=None), "video")
    'Waiting: 3 videos of yours are before this one'
    """
    if wait.ahead == 0:
        text = "Waiting for the analysis to begin"
    elif wait.ahead_of_others == 0:
        verb = "is" if wait.ahead == 1 else "are"
        text = f"Waiting: {pluralize(wait.ahead, noun)} of yours {verb} before this one"
    else:
        verb = "is" if wait.ahead == 1 else "are"
        whose = "of others" if wait.ahead == wait.ahead_of_others else "of yours and others"
        text = f"Waiting: {pluralize(wait.ahead, noun)} {whose} {verb} before yours"
    if wait.seconds is None:
        return text
    seconds = max(1, round(wait.seconds))
    return f"{text}; about {f'{seconds} s' if seconds < 120 else f'{round(seconds / 60)} min'}"


@contextmanager
def show_waits(noun: str) -> Iterator[Callable[[Wait | None], None]]:
    """Show why a request waits, below what the page says about it, until the block ends.

    Args:
        noun: see :func:`describe_wait`.

    Returns:
        The function to call with each wait, and with None once it is over.
    """
    placeholder = st.empty()

    def show(wait: Wait | None) -> None:
        if wait is None:
            placeholder.empty()
        else:
            placeholder.caption(describe_wait(wait, noun))

    try:
        yield show
    finally:
        placeholder.empty()
