"""Choices, address and session, without a browser."""

import pytest
from streamlit.testing.v1 import AppTest


def script():
    import streamlit as st

    from emosense.ui.session.query_params import PAGE, query_choice, query_flag, query_number

    page = st.selectbox("Page", ["one", "two"], key="go")
    st.session_state[PAGE] = page
    colours = ["red", "green", "blue"]
    colour = query_choice(
        "colour", colours, "green", lambda key: st.selectbox("c", colours, key=key)
    )
    bright = query_flag("bright", False, lambda key: st.toggle("b", key=key))
    size = query_number("size", 10, 200, 16, lambda key: st.slider("s", 10, 200, key=key))
    st.write(f"{colour} {bright} {size}")


def opened(**parameters):
    app = AppTest.from_function(script)
    for name, value in parameters.items():
        app.query_params[name] = value
    return app.run()


def said(app):
    assert not app.exception
    return app.markdown[0].value


def test_without_parameters_there_are_defaults_and_a_short_address():
    app = opened()
    assert said(app) == "green False 16"
    assert app.query_params == {}


def test_the_address_counts():
    app = opened(colour="blue", bright="1", size="31")
    assert said(app) == "blue True 31"
    assert not app.warning


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        (
            "colour",
            "mauve",
            "The link asks for colour 'mauve', which is not among red, green, blue.",
        ),
        ("bright", "yes", "The link asks for bright 'yes', which is not among 0 and 1."),
        ("size", "9", "which is not among the whole numbers from 10 to 200."),
        ("size", "1e2", "which is not among the whole numbers"),
        ("size", "٣٣", "which is not among the whole numbers"),
        ("size", "9" * 5000, "which is not among the whole numbers"),
    ],
)
def test_what_cannot_be_chosen_is_told_and_leaves_the_address(name, value, told):
    app = opened(**{name: value})
    assert said(app) == "green False 16"
    assert told in app.warning[0].value
    assert len(app.warning[0].value) < 300
    assert app.query_params == {}


def test_a_choice_is_written_and_its_default_is_not():
    app = opened()
    app.selectbox(key="linked_colour").set_value("red").run()
    app.toggle(key="linked_bright").set_value(True).run()
    assert said(app) == "red True 16"
    assert app.query_params == {"colour": "red", "bright": "1"}
    app.selectbox(key="linked_colour").set_value("green").run()
    assert app.query_params == {"bright": "1"}


def test_back_takes_a_choice_back():
    """Back changes the address alone; the browser still sends the widget's value."""
    app = opened()
    app.selectbox(key="linked_colour").set_value("red").run()
    app.query_params.clear()
    app.run()
    assert said(app) == "green False 16"
    app.query_params["colour"] = "blue"
    app.run()
    assert said(app) == "blue False 16"


def test_another_page_has_the_same_choice_and_shows_it_in_its_address():
    app = opened(colour="red", size="40")
    app.query_params.clear()  # as a click in the menu does
    app.selectbox(key="go").set_value("two").run()
    assert said(app) == "red False 40"
    assert app.query_params == {"colour": "red", "size": "40"}
