"""Who a session's requests are charged to, and that a closed session no longer waits."""

import pytest
from support.pools import pool_of

from emosense.asgi.addresses import user_of_address
from emosense.errors import Cancelled
from emosense.ui import streamlit_internals
from emosense.ui.session import user
from emosense.worker.client import InferenceWorker
from emosense.worker.messages import Preload
from emosense.worker.scheduler import Waiter
from emosense.worker.usage import Account


class Context:
    ip_address = None


@pytest.mark.parametrize(
    ("claims", "address", "name"),
    [
        ({}, None, "localhost"),
        ({}, "203.0.113.7", "203.0.113.7"),
        ({}, "2001:db8:1:2:aaaa:bbbb:cccc:1", "2001:db8:1:2::/64"),
        ({"is_logged_in": True, "iss": "https://a", "sub": "17"}, "203.0.113.7", "https://a 17"),
    ],
)
def test_the_account_is_the_login_or_the_address(monkeypatch, claims, address, name):
    monkeypatch.setattr(user.st, "user", claims)
    monkeypatch.setattr(user.st, "context", Context())
    monkeypatch.setattr(Context, "ip_address", address)
    monkeypatch.setattr(streamlit_internals, "session_id", lambda: "tab 1")
    assert user.session_account() == Account(name, "tab 1")


def test_the_addresses_of_one_ipv6_network_are_one_user():
    addresses = [f"2001:db8:1:2:{number:x}::1" for number in range(9)]
    assert len(set(map(user_of_address, addresses))) == 1
    assert user_of_address("2001:db8:1:3::1") not in map(user_of_address, addresses)


def test_a_closed_session_does_not_wait(monkeypatch):
    left = []
    monkeypatch.setattr(user, "session_account", lambda: Account("ann", "tab 1"))
    monkeypatch.setattr(streamlit_internals, "session_id", lambda: "tab 1")
    monkeypatch.setattr(streamlit_internals, "has_left", lambda session: session in left)
    pool = pool_of(InferenceWorker())
    client = user.session_client(pool, lambda wait: left.append("tab 1"))
    with pool.lanes["all"].scheduler.turn(Waiter(Account("bob"))), pytest.raises(Cancelled):
        client.request(Preload(model="cnn8"))
    assert not pool.lanes["all"].scheduler.waiting
