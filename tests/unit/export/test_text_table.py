"""Tables as Markdown and HTML, read again by other parsers."""

import re
from xml.etree import ElementTree as ET

import pytest
from support.foreign_text import NAMES

from emosense.export.text_table import best_cells, format_cell, html_table, markdown_table

ROWS = [
    {"model": "a", "accuracy": 61.26, "ECE": 0.0312, "parameters": 4232199, "note": None},
    {"model": "b", "accuracy": 70.0, "ECE": float("nan"), "parameters": None, "note": "x"},
]
FORMATS = {"accuracy": "%.1f %%", "ECE": "%.3f", "parameters": "localized"}
CELLS = [["a", "61.3 %", "0.031", "4,232,199", ""], ["b", "70.0 %", "", "", "x"]]


def test_html_holds_the_cells():
    html = html_table(ROWS, FORMATS, {(1, "accuracy")})
    table = ET.fromstring(html)
    assert ["".join(cell.itertext()) for cell in table.iter("th")] == list(ROWS[0])
    assert [["".join(td.itertext()) for td in tr] for tr in table.iterfind("tbody/tr")] == CELLS
    assert html.count("<strong>") == 1
    assert "<strong>70.0 %</strong>" in html


def test_markdown_holds_the_cells():
    head, rule, *lines = markdown_table(ROWS, FORMATS, {(1, "accuracy")}).splitlines()
    assert head == f"| {' | '.join(ROWS[0])} |"
    assert rule == "|---|---:|---:|---:|---|"
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert cells == [CELLS[0], ["b", "**70.0 %**", *CELLS[1][2:]]]


@pytest.mark.parametrize("name", NAMES)
def test_foreign_text_does_nothing(name):
    rows = [{name: name}]
    html = html_table(rows, {})
    assert html.count("<") == html_table([{"a": "b"}], {}).count("<")
    lines = markdown_table(rows, {}).splitlines()
    assert len(lines) == 3
    for line in lines[::2]:
        assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == 2


def test_the_best_are_marked_where_there_is_a_choice():
    assert best_cells(ROWS, {"accuracy": True}) == {(1, "accuracy")}
    assert best_cells(ROWS, {"accuracy": False}) == {(0, "accuracy")}
    assert best_cells(ROWS, {"ECE": False, "missing": True}) == set()  # of one network only
    assert best_cells([ROWS[0]] * 2, {"ECE": True}) == {(0, "ECE"), (1, "ECE")}


def test_p_values_and_plain_cells():
    assert format_cell(3e-320, "p-value") == "< 0.0001"
    assert format_cell(0.0421, "p-value") == "0.042"
    assert format_cell("61 %", "%.1f") == "61 %"
    assert format_cell(7) == "7"
