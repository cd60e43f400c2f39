"""The frame of every page: menu, titles, history, announcements, saved charts."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def phone(chromium):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.set_default_timeout(120_000)
    yield page
    context.close()


@pytest.fixture
def dark_page(chromium):
    context = chromium.new_context(
        viewport={"width": 1280, "height": 900}, color_scheme="dark", accept_downloads=True
    )
    page = context.new_page()
    page.set_default_timeout(120_000)
    yield page
    context.close()


def shown_menu(page):
    """Only a menu that is open has links within the page's width."""
    return page.wait_for_function(
        "() => document.querySelector('[data-testid=stSidebar]').getBoundingClientRect().right > 100"
    )


def hidden_menu(page):
    return page.wait_for_function(
        "() => document.querySelector('[data-testid=stSidebar]').getBoundingClientRect().right <= 0"
    )


def test_the_menu_closes_on_phones(server, phone):
    phone.goto(server)
    expect(phone.get_by_text("Drop one or many photos above")).to_be_visible()
    opener = phone.get_by_test_id("stExpandSidebarButton")
    opener.tap()
    shown_menu(phone)
    phone.get_by_test_id("stSidebarNavLink").filter(has_text="Models").tap()
    expect(phone.get_by_text("How to reproduce")).to_be_visible()
    hidden_menu(phone)
    opener.tap()
    shown_menu(phone)
    phone.reload()
    expect(phone.get_by_text("How to reproduce")).to_be_visible()
    hidden_menu(phone)
    opener.tap()
    shown_menu(phone)
    phone.keyboard.press("Escape")
    hidden_menu(phone)


def test_back_and_forward_restore_widget_values(server, page):
    page.goto(f"{server}/models")
    rows = page.get_by_text("Rows are the true classes")
    calibration = page.get_by_text("Calibration: does 70 % mean 70 %?")
    page.get_by_role("radio", name="Confusion matrix").click()
    expect(rows).to_be_visible()
    page.get_by_role("radio", name="images", exact=True).click()
    expect(page).to_have_url(re.compile("scale=counts"))
    page.get_by_role("radio", name="Calibration").click()
    expect(calibration).to_be_visible()
    page.go_back()
    expect(rows).to_be_visible()
    expect(page.get_by_role("radio", name="images", exact=True)).to_be_checked()
    page.go_back()
    expect(page.get_by_role("radio", name="% of the true class")).to_be_checked()
    page.go_back()
    expect(page.get_by_text("Headline metrics")).to_be_visible()
    page.go_forward()
    expect(rows).to_be_visible()
    expect(page).to_have_title("Confusion matrix · Models · EmoSense")


def test_model_and_options_are_one_choice_for_all_pages(server, page):
    page.goto(f"{server}/?model=emosense-s&strict=1&smallest=31")
    expect(page.get_by_role("combobox", name="Model")).to_have_value(re.compile("EmoSense S"))
    expect(page).to_have_title("Photo · EmoSense")
    page.get_by_role("link", name="Batch").click()
    expect(page.get_by_text("Drop a few hundred photos")).to_be_visible()
    page.get_by_role("button", name="Try a sample").click()
    expect(page.get_by_role("button", name="Analyse 8 photos")).to_be_visible()
    expect(page).to_have_url(re.compile(r"batch\?.*model=emosense-s"))
    expect(page).to_have_url(re.compile(r"strict=1"))
    expect(page).to_have_url(re.compile(r"smallest=31"))


def test_results_are_announced(server, page):
    page.goto(server)
    live_region = page.locator("[role=status].emosense-unseen")
    expect(live_region).to_have_text("")
    page.get_by_role("button", name="Try a sample").click()
    expect(live_region).to_have_text(re.compile(r"Analysed 1 photo\. astronaut\.png: happy \d\d %"))


@pytest.mark.parametrize("view", ["overview", "confusion"])
def test_charts_are_saved_light_from_a_dark_page(server, dark_page, view):
    dark_page.goto(f"{server}/models?view={view}&model=cnn8")
    chart = dark_page.get_by_test_id("stPlotlyChart").first
    expect(chart.locator(".main-svg").first).to_be_visible()
    chart.hover()
    with dark_page.expect_download() as info:
        chart.get_by_label("Download plot as SVG").click()
    svg = Path(info.value.path()).read_text()
    assert svg.startswith("<svg")
    background = re.search(r"<rect[^>]*fill: rgb\((\d+), (\d+), (\d+)\)", svg)  # the first one
    assert background.groups() == ("255", "255", "255")
    texts = re.findall(r"<text[^>]*fill: rgb\((\d+), (\d+), (\d+)\)", svg)
    assert texts
    assert all(sum(map(int, colour)) < 300 for colour in texts)


def test_headings_are_in_order(server, page):
    for address, text in (
        ("models", "Speed on this machine"),
        ("responsible", "Error rates: how often"),
    ):
        page.goto(f"{server}/{address}")
        expect(page.get_by_text(text).first).to_be_visible()
        levels = page.evaluate(
            "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => Number(h.tagName[1]))"
        )
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))
