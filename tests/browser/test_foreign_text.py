"""Names of files, texts of models and addresses are shown as they are, and do nothing."""

import csv
import io
import zipfile
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import expect
from support.app_server import running_server
from support.foreign_text import ADDRESSES, NAMES, TEXT, shown, write_hostile_model
from support.waiting import wait_until

pytestmark = pytest.mark.browser

MARKUP = ", ".join(
    [
        *("a[href]", "img", "code", "em", "del", "math", ".katex", "[role=img]", "input", "hr"),
        *("ul", "ol", "blockquote", "table", "h1", "h2", "h3", "[class*=stMarkdown][style]"),
    ]
)
"""What no text of a message holds by itself."""

FOREIGN = ", ".join(
    [
        *(
            "a[href*=evil]:not([href^='#'])",
            "[src*=evil]",
            "svg a",
            ".katex",
            "[aria-label='face icon']",
        ),
        ".stMarkdownColoredText",
    ]
)
"""What no page holds anywhere."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    models = write_hostile_model(tmp_path_factory.mktemp("models"))
    with running_server(EMOSENSE_MODELS=str(models)) as url:
        yield url


def upload(page, *files):
    page.locator("input[type=file]").set_input_files(
        [{"name": n, "mimeType": "application/octet-stream", "buffer": b} for n, b in files]
    )


def check(page):
    assert page.locator(FOREIGN).evaluate_all("all => all.map(e => e.outerHTML)") == []
    assert "\U0001f604" not in page.locator("body").inner_text()  # :smile:


def readings(alerts):
    return alerts.evaluate_all(
        f"all => all.map(e => [e.textContent, [...e.querySelectorAll({MARKUP!r})].map(m => m.outerHTML)])"
    )


def test_names_of_photos_in_messages(server, page):
    """Each name twice: in bold before a message, and within a text."""
    for start in range(0, len(NAMES), 45):
        names = NAMES[start : start + 45]
        page.goto(server)
        expect(page.get_by_text("Drop one or many photos above")).to_be_visible()
        upload(page, *((name, b"no photo") for name in names))
        alerts = page.locator("[data-testid=stAlertContainer] [data-testid=stMarkdownContainer]")
        alerts = alerts.filter(has_text="Expected a photo")
        expect(alerts).to_have_count(len(names))
        for name, (text, markup) in zip(names, readings(alerts), strict=True):
            assert shown(text).startswith(f"{shown(name)}: Expected a photo"), name
            assert markup == [], name
        check(page)


def test_names_of_photos_beside_results(server, page, astronaut_png):
    page.goto(server)
    expect(page.get_by_text("Drop one or many photos above")).to_be_visible()
    names = ("www.evil.com.png", "foo@evil.com.png", ":smile:.png", "=1+1.png", "$x$ a -- b.png")
    upload(page, *((name, astronaut_png + bytes(i)) for i, name in enumerate(names)))
    labels = page.locator("[data-testid=stExpander] summary [data-testid=stMarkdownContainer]")
    expect(labels).to_have_count(len(names))
    for name, (text, markup) in zip(names, readings(labels), strict=True):
        assert shown(text).startswith(f"{name}: happy")
        assert markup == []
    check(page)
    page.goto(server)
    upload(page, (names[0], astronaut_png))
    expect(page.locator("[data-testid=stCaptionContainer]", has_text=names[0])).to_be_visible()
    check(page)


def zipped(photos):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in photos:
            archive.writestr(name, data)
    return buffer.getvalue()


def test_names_in_zip_archives(server, page, astronaut_png):
    page.goto(f"{server}/batch")
    photos = [(f"{name}.png", astronaut_png) for name in ADDRESSES]
    archive = "www.evil.com [x](https:evil.com).zip"
    upload(page, (archive, zipped([*photos, ("notes.txt", b"x"), ("=1.png", b"no photo")])))
    left_out = page.locator("[data-testid=stCaptionContainer]", has_text=f"{archive}: ")
    expect(left_out).to_contain_text("left out.")
    check(page)
    page.get_by_role("button", name="Analyse", exact=False).click()
    expect(page.get_by_role("heading", name=archive)).to_be_visible()
    expect(page.get_by_text("could not be analysed")).to_be_visible()
    check(page)


def test_names_of_videos(server, page, astronaut_png):
    page.goto(f"{server}/video")
    for name in ("www.evil.com.mp4", "[x](https:evil.com) foo@evil.com :smile:.mp4"):
        upload(page, (name, b"\x00\x00\x00\x20ftypisom" + bytes(99)))
        alert = page.locator("[data-testid=stAlertContainer] [data-testid=stMarkdownContainer]")
        expect(alert.filter(has_text=name)).to_be_visible()
        check(page)
    upload(page, (name, astronaut_png))  # belongs on another page, and says so
    expect(alert.filter(has_text=f"{name} is a photo")).to_be_visible()
    check(page)


def show_all_charts(page):
    """Scroll to each place whose chart is drawn once it is reached."""
    waiting = page.locator(".emosense-deferred")
    while count := waiting.count():
        waiting.evaluate_all("all => all[0]?.scrollIntoView({ block: 'center' })")
        expect(waiting).not_to_have_count(count)


VIEWS = ("overview", "confusion", "classes", "training", "trust", "architecture", "compare")


@pytest.mark.parametrize("view", VIEWS)
def test_texts_of_models(server, page, view):
    name = quote("www.evil.com [x](http:evil.com) `c`")
    page.goto(f"{server}/models?view={view}&model=cnn8&model={name}&first={name}&second=cnn8")
    texts = page.locator("[data-testid=stMarkdownContainer], [data-testid=stHeading]")
    expect(texts.filter(has_text=TEXT).first).to_be_visible()
    page.get_by_text("How to reproduce").click()
    expect(page.get_by_text("Metrics and charts are computed when")).to_be_visible()
    if view in ("overview", "classes", "trust"):
        show_all_charts(page)
        expect(page.locator(".legendtext").filter(has_text=TEXT).first).to_be_visible()
    check(page)


@pytest.mark.parametrize("path", ["", "about", "responsible"])
def test_models_on_other_pages(server, page, path):
    name = quote("www.evil.com [x](http:evil.com) `c`")
    page.goto(f"{server}/{path}?model={name}")
    expect(page.get_by_text("broken www.evil.com").first).to_be_visible()
    if path == "":
        page.get_by_role("button", name="Try a sample").click()
        expect(page.get_by_text(f"validation faces of {TEXT.partition(' (')[0]}")).to_be_visible()
    check(page)


def test_values_in_addresses(server, page):
    value = "[x](http://evil.com) www.evil.com :smile:"
    page.goto(f"{server}/models?view={quote(value)}")
    expect(page.get_by_text(f"The link asks for view '{value}'")).to_be_visible()
    check(page)


def test_a_tables_own_csv_and_clipboard_hold_no_formula(server, page, astronaut_png):
    # Without the browser's dialogue for saving, which nobody could answer here.
    page.add_init_script("delete window.showSaveFilePicker")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(server)
    expect(page.get_by_text("Drop one or many photos above")).to_be_visible()
    formulas = ("=1+1.png", "+1.png", "@sum.png", "-1+2.png", "\uff1d1+1.png", " =1+1.png")
    upload(page, *((name, astronaut_png + bytes(i)) for i, name in enumerate(formulas)))
    table = page.get_by_test_id("stDataFrame")
    expect(page.get_by_text(f"faces in {len(formulas)} photos")).to_be_visible()
    # Its cells are painted; the first row's picture is here.
    table.locator(".dvn-scroller").click(position={"x": 20, "y": 60})
    expect(page.locator("#glide-cell-0-0")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowRight")  # and its name
    expect(page.locator("#glide-cell-1-0")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ControlOrMeta+c")
    copied = wait_until(lambda: page.evaluate("navigator.clipboard.readText()"), "nothing copied")
    assert copied.strip('"') == f"'{formulas[0]}"
    table.hover()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV").first.click()
    text = Path(download.value.path()).read_text("utf-8-sig")
    assert [row["photo"] for row in csv.DictReader(io.StringIO(text))] == [
        f"'{name}" for name in formulas
    ]
