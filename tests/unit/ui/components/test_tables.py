"""Tables are sent to the browser with cells that no spreadsheet takes for formulas."""

import io

import pyarrow as pa
from streamlit.testing.v1 import AppTest

FORMULAS = ["=1+1.jpg", "+a", "-1+1", "@a", "\t=1", " =1", "\uff1d1", "'=1", "a\tb", "plain.jpg"]


def script(rows, options):
    from emosense.ui.components.tables import show_dataframe

    show_dataframe(rows, **options)


def shown(rows, **options):
    app = AppTest.from_function(script, args=(rows, options), default_timeout=60).run()
    assert not app.exception
    return app.dataframe[0]


def test_texts_and_headers_are_safe_to_copy():
    from emosense.export.spreadsheet import escape_formula

    frame = shown(
        [{"photo": name, "=cmd|a": 1, "picture": "data:image/png;base64,="} for name in FORMULAS]
    ).value
    assert list(frame) == ["photo", "'=cmd|a", "picture"]
    assert frame["photo"].tolist() == [escape_formula(name) for name in FORMULAS]
    assert all(name.startswith("'") for name in frame["photo"][:8])
    assert frame["photo"].tolist()[-1] == "plain.jpg"
    assert frame["'=cmd|a"].tolist() == [1] * len(FORMULAS)  # numbers stay numbers


def test_columns_may_be_given_too():
    assert shown({"photo": ["=1"]}).value["photo"].tolist() == ["'=1"]


def test_empty_values_stay_empty():
    frame = shown([{"a": None, "b": 1.0}, {"a": "=1", "b": None}]).value
    assert frame["a"].isna().tolist() == [True, False]
    assert frame["b"].isna().tolist() == [False, True]


def test_probabilities_are_shown_in_percent_and_sorted_as_numbers():
    element = shown([{"p": 0.123}, {"p": 0.999}], probabilities=("p",))
    assert element.value["p"].tolist() == [0.123, 0.999]
    styled = pa.ipc.open_stream(
        io.BytesIO(element.proto.arrow_data.styler.display_values)
    ).read_all()
    assert "12 %" in str(styled)


def test_tables_of_any_size_are_shown():
    """Where pandas styles no more cells, Streamlit formats the percentages."""
    rows = {"name": ["=1"] * 140_000, "p": [0.5] * 140_000}
    frame = shown(rows, probabilities=("p",)).value
    assert len(frame) == 140_000
    assert frame["name"].iloc[-1] == "'=1"
