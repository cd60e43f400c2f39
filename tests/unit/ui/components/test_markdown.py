"""Escaping of foreign text, and that all foreign text on pages is escaped."""

import ast
import re

import pytest
from support.foreign_text import ADDRESSES, NAMES

from emosense.settings import bundled_models_dir
from emosense.ui.components.markdown import code_span, escape_markdown

ROOT = bundled_models_dir().parent
FILES = sorted([*(ROOT / "emosense" / "ui").rglob("*.py"), *(ROOT / "pages").glob("*.py")])

MARKDOWN = {
    *("markdown", "caption", "title", "header", "subheader", "error", "warning", "info", "success"),
    *(
        "toast",
        "metric",
        "progress",
        "expander",
        "button",
        "page_link",
        "pills",
        "spinner",
        "badge",
    ),
    *("segmented_control", "radio", "toggle", "checkbox", "slider", "text_input", "file_uploader"),
    *("download_button", "popover", "tabs", "selectbox", "multiselect", "number_input", "status"),
    *(
        "link_button",
        "text_area",
        "select_slider",
        "camera_input",
        "chat_input",
        "collapsed_expander",
    ),
    *("query_segments", "query_selectbox", "image"),
}
"""Functions that read a text as Markdown, all but some of their arguments."""

PLAIN_ARGUMENTS = {
    *("key", "icon", "file_name", "mime", "alt", "data", "picture", "on_click", "type", "value"),
    *("width", "height", "min_value", "max_value", "step", "image", "args", "kwargs", "delta"),
    "query_params",
}

SAFE_CALLS = {
    "escape_markdown",
    "code_span",
    "pluralize",
    "percent",
    "probability_percent",
    "join",
    "confidence_note",
}
"""Functions whose texts are numbers, or escaped."""

FOREIGN = re.compile(
    r"(^|[._])(error|message|problem|notes?|names?|title|label|summary|input|licence|hardware|backend"
    r"|versions?|command|source|detector|model|strerror|filename|codec|invalid)$"
)
"""Ends of expressions that stand for texts of files, models and errors."""

REVIEWED = {
    "emosense/ui/navigation.py": {"title"},  # of our pages
    "emosense/ui/components/job_list.py": {
        "label",
        "title",
    },  # of our buttons; escaped by whoever shows the list
    "emosense/ui/components/upload_kinds.py": {"names", "title"},  # escaped just before; our pages
    "emosense/ui/models/comparison.py": {"label"},  # of our metrics
    "emosense/ui/models/components.py": {"label"},
    "emosense/ui/models/leaderboard.py": {"names"},  # escaped just before
    "emosense/ui/models/image_detail.py": {"label", "explanation.summary"},  # an emotion; our words
    "emosense/ui/models/images.py": {"label"},  # of our buttons
    "emosense/ui/models/own_set/input.py": {"names"},  # options, whose titles are escaped
    "emosense/ui/models/own_set/view.py": {"label", "title"},  # of our buttons; names of splits
    "emosense/ui/models/selection.py": {"names", "images"},  # escaped just before; our words
    "emosense/ui/models/slices.py": {"measure.title"},  # our words
    "emosense/ui/session/query_params.py": {"label"},
    "emosense/ui/batch/view.py": {"name", "note", "label"},  # of an emotion; our words
    "emosense/ui/video/input.py": {"label", "name"},  # of our widgets; escaped just before
    "emosense/ui/video/view.py": {"note", "label", "export.label"},
    "emosense/ui/photo/view.py": {"detection_note"},
    "emosense/ui/photo/explanation_view.py": {"explanation.summary"},  # our words
}
"""What else such expressions are, each looked at."""


def test_what_is_no_markup_stays_as_it_is():
    for text in ("plain.jpg", "20.png", "my-holiday (2).jpg", "Received: 5.", "EMOSENSE_MAX_MB: 3"):
        assert escape_markdown(text) == text


@pytest.mark.parametrize("name", [*NAMES, *ADDRESSES])
def test_nothing_is_lost(name):
    """A reader who knows backslashes and empty directives finds the name."""
    read = re.sub(r"\\(.)", r"\1", escape_markdown(name).replace(":small[]", ""))
    if ":small[]" in name:
        return
    expected = " ".join(name.replace("\u202e", "\ufffd").split())
    assert " ".join(read.split()) == expected


@pytest.mark.parametrize(
    ("name", "torn"),
    [
        ("www.evil.com", r"www\."),
        ("WwW.evil.com", r"WwW\."),
        ("http://evil.com", "http:/"),
        ("foo@evil.com", "@e"),
        (":smile:", ":smile"),
        (":material/face:", ":material"),
        ("->", "->"),
        (":red[x]", r":red"),
    ],
)
def test_what_a_second_search_would_find_is_split(name, torn):
    texts = re.sub(r"\\(.)", r"\1", escape_markdown(name)).split(":small[]")
    assert "".join(texts) == name
    assert not any(re.search(torn, text) for text in texts)


def test_code_spans_hold_any_text():
    assert code_span("a") == "`a`"
    assert code_span("a\n\n# b") == "`a  # b`"
    assert code_span("``a`") == "``` ``a` ```"


def foreign_parts(node):
    """The expressions within a text that are neither constant, nor a number, nor escaped."""
    if isinstance(node, ast.Constant):
        return
    if isinstance(node, ast.JoinedStr):
        for value in node.values:
            if isinstance(value, ast.FormattedValue) and not is_number(value):
                yield from foreign_parts(value.value)
    elif isinstance(node, ast.BinOp | ast.BoolOp):
        children = [node.left, node.right] if isinstance(node, ast.BinOp) else node.values
        for child in children:
            yield from foreign_parts(child)
    elif isinstance(node, ast.IfExp):
        yield from foreign_parts(node.body)
        yield from foreign_parts(node.orelse)
    elif isinstance(node, ast.Call) and name_of(node.func) in SAFE_CALLS:
        if name_of(node.func) == "join":
            yield from foreign_parts(node.args[0])
    elif isinstance(node, ast.GeneratorExp | ast.ListComp):
        yield from foreign_parts(node.elt)
    elif isinstance(node, ast.Dict | ast.List | ast.Tuple):
        for child in node.values if isinstance(node, ast.Dict) else node.elts:
            yield from foreign_parts(child)
    elif isinstance(node, ast.Lambda):
        yield from foreign_parts(node.body)
    else:
        yield ast.unparse(node)


def is_number(value):
    spec = ast.unparse(value.format_spec) if value.format_spec else ""
    return bool(re.search(r"[,dfge%]'?$", spec.strip("f'\"")))


def name_of(function):
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def texts_read_as_markdown(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and name_of(node.func) in MARKDOWN:
            plain = PLAIN_ARGUMENTS | (
                {"format_func"} if name_of(node.func) == "selectbox" else set()
            )
            named = [k.value for k in node.keywords if k.arg not in plain]
            first = [] if name_of(node.func) == "image" else node.args[:1]
            yield from (text for text in [*first, *named])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_escaped_texts_are_read_as_markdown(path):
    name = str(path.relative_to(ROOT))
    found = {
        part
        for text in texts_read_as_markdown(ast.parse(path.read_text("utf-8")))
        for part in foreign_parts(text)
    }
    foreign = {part for part in found if FOREIGN.search(re.sub(r"\bstr\(|\)|\[.*\]", "", part))}
    assert foreign - REVIEWED.get(name, set()) == set()


def test_the_search_finds_foreign_text():
    source = 'st.error(f"{escape_markdown(a)} {count:,} {name}", icon=b); st.caption(c or "x")'
    parts = [p for text in texts_read_as_markdown(ast.parse(source)) for p in foreign_parts(text)]
    assert parts == ["name", "c"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_tables_are_shown_by_one_function(path):
    """And nothing by st.write, which shows anything as it likes."""
    if path.name == "tables.py":
        return
    used = {
        n.attr for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Attribute)
    }
    assert not used & {"dataframe", "data_editor", "table", "write", "json", "column_config"} - (
        {"column_config"} if path.name in ("components.py", "error_rates.py") else set()
    )
