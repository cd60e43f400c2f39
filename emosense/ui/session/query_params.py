"""Widgets bound to query parameters (deep links) and to session state.

A link opens the page with the state that its sender saw, the browser's Back and Forward restore
widget values, and visiting another page keeps them. A query parameter takes precedence over session
state, and session state over the default. Streamlit's own ``bind="query-params"`` does not suffice in
1.67: it writes the labels of options instead of their values, and overwrites the URL that Back has
just restored (streamlit/streamlit#13853).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import streamlit as st

from emosense.ui.components.markdown import escape_markdown

Value = TypeVar("Value")

PAGE: Final = "page"
"""Session state key of the current page's URL path."""


@dataclass(frozen=True)
class Parameter(Generic[Value]):
    """A query parameter that is bound to a widget.

    Attributes:
        name: name of the query parameter.
        default: value if the URL lacks the parameter; it is not written into the URL.
        parse: function that parses one or more strings from the URL. It returns the value, None
            if no string is valid, and the list of invalid strings.
        format: function that returns the strings for the URL from a value.
        is_valid: function that returns whether a stored value is still allowed; options can change
            between script runs.
        expected: description of the allowed strings, for the warning about invalid ones.
        key: key of the widget.

    >>> parameter = Parameter(
    ...     name="smallest",
    ...     default=16,
    ...     parse=lambda texts: (int(texts[0]), []),
    ...     format=lambda value: [str(value)],
    ...     is_valid=lambda value: value > 0,
    ...     expected="whole numbers",
    ...     key="smallest",
    ... )
    >>> parameter.parse(["20"])
    (20, [])
    """

    name: str
    default: Value
    parse: Callable[[list[str]], tuple[Value | None, list[str]]]
    format: Callable[[Value], list[str]]
    is_valid: Callable[[Value], bool]
    expected: str
    key: str


def query_widget(parameter: Parameter[Value], widget: Callable[[str], Value]) -> Value:
    """Show a widget that is bound to a query parameter and return its value.

    Args:
        parameter: the query parameter.
        widget: function that shows the widget with the given key and returns its value. The widget
            must not have its own default.
    """
    name, key, state = parameter.name, parameter.key, st.session_state
    # Streamlit drops the state of widgets that another page does not show: these keys outlive it.
    value_key, url_key = f"stored_value_{key}", f"stored_url_{key}"
    state[f"default_{key}"] = parameter.default
    url_texts, page = st.query_params.get_all(name), state.get(PAGE, "")
    previous_page, previous_texts = state.get(url_key, (page, []))
    if key not in state or previous_page != page:  # first run on this page
        state[key] = (
            _parse_url(parameter, url_texts)
            if url_texts
            else state.get(value_key, parameter.default)
        )
    elif state[key] == state.get(value_key) and url_texts != previous_texts:
        # The URL was changed, not the widget: by Back, Forward or by hand.
        state[key] = _parse_url(parameter, url_texts) if url_texts else parameter.default
    if not parameter.is_valid(state[key]):
        state[key] = parameter.default
    value = widget(key)
    new_texts = [] if value == parameter.default else parameter.format(value)
    if new_texts != url_texts:
        if new_texts:
            st.query_params[name] = new_texts
        else:
            st.query_params.pop(name, None)
    state[value_key], state[url_key] = state[key], (page, new_texts)
    return value


def _parse_url(parameter: Parameter[Value], texts: list[str]) -> Value:
    """Return the value of the query parameter; invalid strings are ignored with a warning."""
    value, invalid = parameter.parse(texts)
    if invalid:
        st.warning(
            escape_markdown(
                f"The link asks for {parameter.name} {', '.join(invalid)[:80]!r}, which is not among "
                f"{parameter.expected}."
            ),
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
    """Show a widget that selects one option and return the option.

    Args:
        name: name of the query parameter.
        options: allowed values.
        default: option that is selected at first.
        widget: function that shows the widget; see :func:`query_widget`.
        key: key of the widget; None makes it from the name.
    """

    def parse(texts: list[str]) -> tuple[str | None, list[str]]:
        valid, invalid = _partition(texts, options)
        return (valid[0] if valid else None), invalid

    parameter = Parameter(
        name,
        default,
        parse,
        lambda value: [value],
        options.__contains__,
        ", ".join(options),
        key or f"linked_{name}",
    )
    return query_widget(parameter, widget)


def query_choices(
    name: str, options: Sequence[str], default: list[str], widget: Callable[[str], list[str]]
) -> list[str]:
    """Show a widget that selects several options and return them.

    Args:
        name: name of the query parameter, which the URL repeats per option.
        options: allowed values.
        default: options that are selected at first.
        widget: function that shows the widget; see :func:`query_widget`.
    """

    def parse(texts: list[str]) -> tuple[list[str] | None, list[str]]:
        valid, invalid = _partition(texts, options)
        return valid or None, invalid

    parameter: Parameter[list[str]] = Parameter(
        name,
        default,
        parse,
        list,
        lambda value: set(value) <= set(options),
        ", ".join(options),
        f"linked_{name}",
    )
    return query_widget(parameter, widget)


def set_parameters(**values: str | None) -> None:
    """Set widgets of query parameters, in a callback, as one step of the browser's history.

    Args:
        values: value by the name of the query parameter: one of its options; None for the default.
    """
    state = st.session_state
    parameters = st.query_params.to_dict()
    for name, value in values.items():
        key = f"linked_{name}"
        parameters.pop(name, None)
        if value is None or value == state.get(f"default_{key}"):
            value = state.get(f"default_{key}")
        else:
            parameters[name] = value
        if value is None:  # not shown yet: it starts with its default
            for stored in (key, f"stored_value_{key}", f"stored_url_{key}"):
                state.pop(stored, None)
        else:
            state[key] = value
    # All at once: each assignment would be an entry of the history.
    st.query_params.from_dict(parameters)


def query_flag(name: str, default: bool, widget: Callable[[str], bool]) -> bool:
    """Show a toggle, 1 or 0 in the URL, and return whether it is on; see :func:`query_widget`."""

    def parse(texts: list[str]) -> tuple[bool | None, list[str]]:
        valid, invalid = _partition(texts, ("0", "1"))
        return (valid[0] == "1" if valid else None), invalid

    parameter = Parameter(
        name,
        default,
        parse,
        lambda value: [str(int(value))],
        lambda value: isinstance(value, bool),
        "0 and 1",
        f"linked_{name}",
    )
    return query_widget(parameter, widget)


def query_number(
    name: str, minimum: int, maximum: int, default: int, widget: Callable[[str], int]
) -> int:
    """Show a widget that selects an integer in minimum..maximum and return it.

    Args:
        name: name of the query parameter.
        minimum: smallest allowed value, at least 0.
        maximum: largest allowed value.
        default: value at first.
        widget: function that shows the widget; see :func:`query_widget`.
    """

    def parse(texts: list[str]) -> tuple[int | None, list[str]]:
        valid: list[str] = []
        invalid: list[str] = []
        for text in texts:
            # Longer strings are out of range anyway, and int() of thousands of digits is slow.
            is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(maximum))
            (valid if is_number and minimum <= int(text) <= maximum else invalid).append(text)
        return (int(valid[0]) if valid else None), invalid

    parameter = Parameter(
        name,
        default,
        parse,
        lambda value: [str(value)],
        lambda value: minimum <= value <= maximum,
        f"the whole numbers from {minimum} to {maximum}",
        f"linked_{name}",
    )
    return query_widget(parameter, widget)


def query_segments(
    name: str, label: str, titles: dict[str, str], *, help: str | None = None, labelled: bool = True
) -> str:
    """Show a row of buttons, one of which is selected, and return its value.

    Args:
        name: name of the query parameter.
        label: label above the buttons.
        titles: button titles by value; the first one is the default.
        help: tooltip beside the label.
        labelled: whether the label is visible; without it the buttons take the full width.
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


def query_selectbox(name: str, label: str, titles: dict[str, str], default: str) -> str:
    """Show a list of which one value is selected, and return it.

    Args:
        name: name of the query parameter.
        label: label above the list.
        titles: titles by value.
        default: value that is selected at first.
    """
    return query_choice(
        name,
        list(titles),
        default,
        lambda key: str(st.selectbox(label, list(titles), format_func=titles.__getitem__, key=key)),
    )


def _partition(texts: list[str], options: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the strings that are options, without repetitions, and those that are not."""
    valid = list(dict.fromkeys(text for text in texts if text in options))
    return valid, [text for text in texts if text not in options]
