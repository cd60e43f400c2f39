"""Widgets bound to query parameters and to the session (deep links).

A link opens what its sender saw, the browser's Back and Forward take choices back, and a look at
another page loses none. Where they differ, the address counts before the session, and that before
the default. Streamlit's own ``bind="query-params"`` does less in 1.67: it writes the titles of
options instead of their names, and writes the address over that Back has just restored
(streamlit/streamlit#13853).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import streamlit as st

Chosen = TypeVar("Chosen")

PAGE: Final = "page"
"""Key of the session: address of the page that is shown."""


@dataclass(frozen=True)
class Parameter(Generic[Chosen]):
    """A query parameter.

    Attributes:
        name: name of the query parameter.
        default: value without the parameter; it is not written into the address.
        read: makes a value from the address's strings, at least one; None if none of them can be
            used. Returns it with the strings that cannot.
        write: makes the address's strings from a value.
        fits: whether a kept value may still be chosen; options can change between runs.
        expected: what the address may say, in words.
        key: key of the widget.

    >>> parameter = Parameter(
    ...     name="smallest",
    ...     default=16,
    ...     read=lambda texts: (int(texts[0]), []),
    ...     write=lambda value: [str(value)],
    ...     fits=lambda value: value > 0,
    ...     expected="whole numbers",
    ...     key="smallest",
    ... )
    >>> parameter.read(["20"])
    (20, [])
    """

    name: str
    default: Chosen
    read: Callable[[list[str]], tuple[Chosen | None, list[str]]]
    write: Callable[[Chosen], list[str]]
    fits: Callable[[Chosen], bool]
    expected: str
    key: str


def query_widget(parameter: Parameter[Chosen], widget: Callable[[str], Chosen]) -> Chosen:
    """Show a widget whose value is also a query parameter.

    Args:
        parameter: the query parameter.
        widget: shows the widget under the key that it is given and returns its value. It must not
            have a default of its own.
    """
    name, key, state = parameter.name, parameter.key, st.session_state
    stored_key, seen = f"kept_{key}", f"address_{key}"
    texts, page = st.query_params.get_all(name), state.get(PAGE, "")
    if key not in state or state.get(seen, (page, []))[0] != page:  # first time on this page
        state[key] = (
            _from_address(parameter, texts) if texts else state.get(stored_key, parameter.default)
        )
    elif state[key] == state.get(stored_key) and texts != state.get(seen, (page, []))[1]:
        # Not the widget was changed but the address: by Back, Forward or by hand.
        state[key] = _from_address(parameter, texts) if texts else parameter.default
    if not parameter.fits(state[key]):
        state[key] = parameter.default
    value = widget(key)
    written = [] if value == parameter.default else parameter.write(value)
    if written != texts:
        if written:
            st.query_params[name] = written
        else:
            st.query_params.pop(name, None)
    state[stored_key], state[seen] = state[key], (page, written)
    return value


def _from_address(parameter: Parameter[Chosen], texts: list[str]) -> Chosen:
    """Return the value of the query parameter; unusable ones are reported and left out."""
    value, unusable = parameter.read(texts)
    if unusable:
        st.warning(
            f"The link asks for {parameter.name} {', '.join(unusable)[:80]!r}, which is not among "
            f"{parameter.expected}.",
            icon=":material/link_off:",
        )
    return parameter.default if value is None else value


def query_choice(
    name: str,
    options: Sequence[str],
    default: str,
    widget: Callable[[str], str],
    key: str | None = None,
) -> str:
    """Return one of the options; see :func:`query_widget`."""

    def read(asked: list[str]) -> tuple[str | None, list[str]]:
        known, unknown = _divided(asked, options)
        return (known[0] if known else None), unknown

    parameter = Parameter(
        name,
        default,
        read,
        lambda value: [value],
        options.__contains__,
        ", ".join(options),
        key or f"linked_{name}",
    )
    return query_widget(parameter, widget)


def query_choices(
    name: str, options: Sequence[str], default: list[str], widget: Callable[[str], list[str]]
) -> list[str]:
    """Return some of the options; see :func:`query_widget`."""

    def read(asked: list[str]) -> tuple[list[str] | None, list[str]]:
        known, unknown = _divided(asked, options)
        return known or None, unknown

    many: Parameter[list[str]] = Parameter(
        name,
        default,
        read,
        list,
        lambda value: set(value) <= set(options),
        ", ".join(options),
        f"linked_{name}",
    )
    return query_widget(many, widget)


def query_flag(name: str, default: bool, widget: Callable[[str], bool]) -> bool:
    """Return whether a switch is on, 1 or 0 in the address; see :func:`query_widget`."""

    def read(asked: list[str]) -> tuple[bool | None, list[str]]:
        known, unknown = _divided(asked, ("0", "1"))
        return (known[0] == "1" if known else None), unknown

    switch = Parameter(
        name,
        default,
        read,
        lambda value: [str(int(value))],
        lambda value: isinstance(value, bool),
        "0 and 1",
        f"linked_{name}",
    )
    return query_widget(switch, widget)


def query_number(
    name: str, least: int, most: int, default: int, widget: Callable[[str], int]
) -> int:
    """Return a whole number of a range; see :func:`query_widget`."""

    def read(asked: list[str]) -> tuple[int | None, list[str]]:
        # No number has more digits than the range: int() of thousands of them is slow.
        known: list[str] = []
        unknown: list[str] = []
        for text in asked:
            short = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
            (known if short and least <= int(text) <= most else unknown).append(text)
        return (int(known[0]) if known else None), unknown

    number = Parameter(
        name,
        default,
        read,
        lambda value: [str(value)],
        lambda value: least <= value <= most,
        f"the whole numbers from {least} to {most}",
        f"linked_{name}",
    )
    return query_widget(number, widget)


def query_segments(
    name: str, label: str, titles: dict[str, str], *, help: str | None = None, labelled: bool = True
) -> str:
    """Show a row of buttons of which one is chosen, at first the first; see :func:`query_widget`.

    Args:
        name: name of the query parameter.
        label: above the buttons.
        titles: what the buttons show, by value.
        help: shown on demand beside the label.
        labelled: without a label the buttons take the whole width.
    """
    return query_choice(
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


def _divided(texts: list[str], options: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return what is among the options, once each, and what is not."""
    known = list(dict.fromkeys(value for value in texts if value in options))
    return known, [value for value in texts if value not in options]
