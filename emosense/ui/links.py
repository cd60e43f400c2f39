"""Choices that live in the page's address, so that a link opens what its sender saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

Chosen = TypeVar("Chosen")


def linked(
    name: str,
    options: Sequence[str],
    default: Chosen,
    wanted: Callable[[list[str]], Chosen],
    widget: Callable[[str], Chosen],
) -> Chosen:
    """Show a widget whose value is also the address's parameter ``name``.

    Args:
        name: of the parameter.
        options: values that it may have; others in the address are told and left out.
        default: value without the parameter; it is not written into the address.
        wanted: makes a value from the address's (checked, at least one) strings.
        widget: shows the widget under the key that it is given and returns its value.
    """
    key = f"linked_{name}"
    if not _fits(st.session_state.get(key), options):
        asked = st.query_params.get_all(name)
        known = [value for value in asked if value in options]
        if unknown := [value for value in asked if value not in options]:
            st.warning(
                f"The link asks for {name} {', '.join(unknown)!r}, which is not among "
                f"{', '.join(options)}.",
                icon=":material/link_off:",
            )
        st.session_state[key] = wanted(known) if known else default
    value = widget(key)
    if value == default:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = value  # type: ignore[assignment]  # a string or a list of them
    return value


def _fits(value: object, options: Sequence[str]) -> bool:
    """Tell whether a kept value is still among the options; they can change between runs."""
    if isinstance(value, list):
        return all(part in options for part in value)
    return value in options


def linked_one(
    name: str, options: Sequence[str], default: str, widget: Callable[[str], str]
) -> str:
    """Return one of the options; see :func:`linked`."""
    return linked(name, options, default, lambda known: known[0], widget)


def linked_segments(
    name: str, label: str, titles: dict[str, str], *, help: str | None = None, labelled: bool = True
) -> str:
    """Show a row of buttons of which one is chosen, at first the first; see :func:`linked`.

    Args:
        name: of the parameter.
        label: above the buttons.
        titles: what the buttons show, by value.
        help: shown on demand beside the label.
        labelled: without a label the buttons take the whole width.
    """
    return linked_one(
        name,
        list(titles),
        next(iter(titles)),
        lambda key: str(
            st.segmented_control(
                label,
                list(titles),
                format_func=titles.__getitem__,
                key=key,
                help=help,
                required=True,
                label_visibility="visible" if labelled else "collapsed",
                width="content" if labelled else "stretch",
            )
        ),
    )


def linked_many(
    name: str, options: Sequence[str], default: list[str], widget: Callable[[str], list[str]]
) -> list[str]:
    """Return some of the options; see :func:`linked`."""
    return linked(name, options, default, list, widget)
