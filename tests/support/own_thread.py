"""Runs a function in a thread of its own."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")


def in_own_thread(function: Callable[Arguments, Value]) -> Callable[Arguments, Value]:
    """Run a function in a thread that ends with it.

    SVT-AV1 makes the thread that encodes a real-time one (SCHED_FIFO, the highest priority) where it
    may, as root. What that thread starts later would be so too, and keep everybody else waiting.
    """

    @wraps(function)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Value:
        with ThreadPoolExecutor(1) as executor:
            return executor.submit(function, *args, **kwargs).result()

    return run


def is_real_time() -> bool:
    """Return whether the calling thread has real-time priority."""
    ordinary = (os.SCHED_OTHER, os.SCHED_BATCH, os.SCHED_IDLE)
    return hasattr(os, "sched_getscheduler") and os.sched_getscheduler(0) not in ordinary
