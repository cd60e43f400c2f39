"""The owner of a page: its browser, whose video jobs outlive a reload and are the same in all tabs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import streamlit as st

from emosense.asgi.owner import owner_of
from emosense.ui import streamlit_internals
from emosense.ui.access import user_name
from emosense.ui.session.cleanup import OwnerResource, owners
from emosense.ui.session.user import session_account
from emosense.worker.usage import Account

ResourceT = TypeVar("ResourceT", bound=OwnerResource)

_OWNER: Final = "owner"


def session_owner() -> str:
    """Return the owner of this browser session, which it keeps; its own id without a cookie."""
    if _OWNER not in st.session_state:
        owner = owner_of(st.context.cookies.to_dict(), user_name(dict(st.user)))
        st.session_state[_OWNER] = owner or f"session {streamlit_internals.session_id()}"
    return str(st.session_state[_OWNER])


def join_owner() -> None:
    """Count this browser session as a page of its owner, whose last one ends what he has."""
    owners.join(session_owner(), streamlit_internals.session_id())


def owner_resource(make: Callable[[], ResourceT]) -> ResourceT:
    """Return this owner's instance of a resource, created on first use; all his pages share it.

    Args:
        make: class of the resource.
    """
    return owners.resource(session_owner(), streamlit_internals.session_id(), make)


def count_running() -> int:
    """Return how many jobs of this page's owner wait or run."""
    return owners.running(session_owner())


def owner_account() -> Account:
    """Return the account of this page's owner: many tabs of a browser get no more than one."""
    return Account(session_account().user, session_owner())
