"""Who the visitor of a page is, for the fair distribution of processor time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from emosense.asgi.addresses import user_of_address
from emosense.ui import streamlit_internals
from emosense.ui.access import user_name
from emosense.worker.lanes import InferencePool, PoolClient
from emosense.worker.scheduler import Wait
from emosense.worker.usage import Account


def session_account() -> Account:
    """Return the account of this browser session: its login, else its address."""
    # The address is None on the server's own machine.
    user = user_name(dict(st.user)) or user_of_address(st.context.ip_address or "localhost")
    return Account(user, streamlit_internals.session_id())


def account_of(session: str) -> Account:
    """Return the account of a browser session by its id, outside of its script."""
    info, address = streamlit_internals.session_visitor(session)
    return Account(user_name(info) or user_of_address(address or "localhost"), session)


def session_client(
    pool: InferencePool,
    on_wait: Callable[[Wait | None], None] | None = None,
    account: Account | None = None,
) -> PoolClient:
    """Return a client for requests of this browser session, which do not wait once it is closed.

    Args:
        pool: inference processes.
        on_wait: called while a request waits, and with None once it has its turn.
        account: who is charged; None charges the session.
    """
    session = streamlit_internals.session_id()
    has_left = partial(streamlit_internals.has_left, session)
    return pool.client(account or session_account(), has_left, on_wait)
