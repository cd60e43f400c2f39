"""Widgets bound to query parameters and session state, without a browser."""

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


def first_markdown(app):
    assert not app.exception
    return app.markdown[0].value


def test_without_parameters_widgets_have_defaults_and_the_url_is_short():
    app = opened()
    assert first_markdown(app) == "green False 16"
    assert app.query_params == {}


def test_query_parameters_set_the_widgets():
    app = opened(colour="blue", bright="1", size="31")
    assert first_markdown(app) == "blue True 31"
    assert not app.warning


@pytest.mark.parametrize(
    ("name", "value", "warning"),
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
def test_invalid_values_are_reported_and_removed_from_the_url(name, value, warning):
    app = opened(**{name: value})
    assert first_markdown(app) == "green False 16"
    assert warning in app.warning[0].value
    assert len(app.warning[0].value) < 300
    assert app.query_params == {}


def test_a_value_is_written_into_the_url_and_a_default_is_not():
    app = opened()
    app.selectbox(key="linked_colour").set_value("red").run()
    app.toggle(key="linked_bright").set_value(True).run()
    assert first_markdown(app) == "red True 16"
    assert app.query_params == {"colour": "red", "bright": "1"}
    app.selectbox(key="linked_colour").set_value("green").run()
    assert app.query_params == {"bright": "1"}


def test_back_restores_the_previous_value():
    """Back changes only the URL; the browser still sends the widget's value."""
    app = opened()
    app.selectbox(key="linked_colour").set_value("red").run()
    app.query_params.clear()
    app.run()
    assert first_markdown(app) == "green False 16"
    app.query_params["colour"] = "blue"
    app.run()
    assert first_markdown(app) == "blue False 16"


def test_another_page_has_the_same_value_and_writes_it_into_its_url():
    app = opened(colour="red", size="40")
    app.query_params.clear()  # as a click in the menu does
    app.selectbox(key="go").set_value("two").run()
    assert first_markdown(app) == "red False 40"
    assert app.query_params == {"colour": "red", "size": "40"}
