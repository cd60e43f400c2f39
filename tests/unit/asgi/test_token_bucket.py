"""Bursts pass, and a rate on average."""

import pytest

from emosense.asgi import token_bucket
from emosense.asgi.token_bucket import TokenBucket


@pytest.fixture
def clock(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(token_bucket.time, "monotonic", lambda: clock[0])
    return clock


def test_a_full_bucket_gives_all_at_once_and_then_waits(clock):
    bucket = TokenBucket(burst=10, per_second=2)
    assert [bucket.take(5) for _ in range(4)] == [0, 0, 2.5, 5]


def test_it_fills_again_but_never_beyond_its_size(clock):
    bucket = TokenBucket(burst=10, per_second=2)
    bucket.take(10)
    clock[0] = 2.0
    assert bucket.take(4) == 0
    clock[0] = 1000.0
    assert bucket.take(11) == 0.5
