"""The keyboard in the player: each control has its keys, and the focus is never lost."""

import pytest
from playwright.sync_api import expect
from support.player_page import PlayerPage

pytestmark = pytest.mark.browser


@pytest.fixture
def player(page, players, path):
    return PlayerPage(page, players, path).open()


@pytest.fixture
def running(page, players, path):
    """A player of an analysis that has ten frames so far."""
    player = PlayerPage(page, players, path)
    player.known = 10
    player.show()
    expect(page.locator(".person")).to_have_count(1)
    return player


def is_paused(page):
    return page.evaluate("() => document.querySelector('video').paused")


def press(button, key="Enter"):
    button.focus()
    button.page.keyboard.press(key)


def add_segment(player, first, last):
    player.go_to(first)
    press(player.page.locator("canvas.timeline"), "[")
    player.go_to(last)
    player.page.keyboard.press("]")
    press(player.button("Add segment"))


def test_a_name_is_typed_while_frames_come(running):
    page = running.page
    running.button("Rename Person 1").click()
    name = page.get_by_label("Name of person 1")
    expect(name).to_be_focused()
    page.keyboard.type("Anna")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    running.known = 28  # the row moves: others are seen for longer
    expect(page.locator(".person").nth(1)).to_have_attribute("data-person", "1")
    expect(name).to_be_focused()
    page.keyboard.type("-")
    running.known = 40
    running.wait_until_complete()
    expect(name).to_have_value("An-na")
    expect(name).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".person .name").get_by_text("An-na")).to_be_visible()


def test_a_list_stays_open_while_frames_come(running):
    """A list that is open closes when its element is replaced, or what it offers is."""
    page = running.page
    running.known = 28
    merge = page.get_by_label("Merge Person 1 into")
    expect(merge.locator("option")).to_have_count(3)  # the hint, and two others
    merge.focus()
    merge.evaluate("(list) => { window.list = [list, ...list.options] }")
    running.known = 40
    running.wait_until_complete()
    expect(page.locator(".person")).to_have_count(4)
    assert page.evaluate("() => window.list.every((part) => part.isConnected)")
    expect(merge).to_be_focused()
    merge.blur()
    expect(merge.locator("option")).to_have_count(4)
    expect(merge.locator("option").last).to_have_text("Person 3")


def test_nothing_is_drawn_anew_without_news(running):
    page = running.page
    page.evaluate(
        "() => { window.changes = 0; new MutationObserver(() => { window.changes++ }).observe("
        "document.querySelector('.people'), { childList: true, subtree: true, attributes: true }) }"
    )
    for _ in range(3):
        with page.expect_response(lambda response: "/frames" in response.url):
            pass
    assert page.evaluate("() => window.changes") == 0


def test_space_opens_and_closes_a_panel(player):
    panel = player.page.locator("details.people")
    press(panel.locator("summary"), "Space")
    expect(panel).not_to_have_attribute("open", "")
    assert is_paused(player.page)
    player.page.keyboard.press("k")  # which is the player's everywhere
    player.page.wait_for_function("() => !document.querySelector('video').paused")


def test_arrows_scroll_the_statistics(player):
    page = player.page
    page.locator(".player").evaluate("(player) => { player.style.width = '320px' }")
    add_segment(player, 12, 31)
    player.go_to(20)
    table = page.get_by_role("region", name="Statistics of the segment")
    press(table, "ArrowRight")
    page.wait_for_function("() => document.querySelector('.table').scrollLeft > 0")
    press(table, "End")
    expect(page.locator("canvas.overlay")).to_have_attribute("data-frame", "20")


def test_statistics_are_opened_and_closed_by_keyboard(player):
    add_segment(player, 1, 5)
    add_segment(player, 12, 31)
    button = player.button("Statistics").nth(1)
    expect(button).to_have_attribute("aria-expanded", "true")
    press(button)
    for state in ("false", "true", "false"):
        expect(button).to_have_attribute("aria-expanded", state)
        expect(button).to_be_focused()
        player.page.keyboard.press("Enter")


@pytest.mark.parametrize("key", ["Enter", "Escape"])
def test_the_focus_is_where_it_was_after_a_name(key, player):
    page = player.page
    press(player.button("Rename Person 2"))
    expect(page.get_by_label("Name of person 2")).to_be_focused()
    page.keyboard.type("Bob")
    page.keyboard.press(key)
    name = "Bob" if key == "Enter" else "Person 2"
    expect(player.button(f"Rename {name}")).to_be_focused()
    expect(page.get_by_label("Name of person 2")).to_have_count(0)


def test_tab_leaves_a_name_for_what_follows(player):
    page = player.page
    press(player.button("Rename Person 2"))
    page.keyboard.type("Bob")
    page.keyboard.press("Tab")
    expect(player.button("Rename Bob")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Merge Bob into")).to_be_focused()


def test_a_click_beside_a_name_is_a_click(player):
    press(player.button("Rename Person 2"))
    player.page.keyboard.type("Bob")
    player.button("Hide Person 3").click()
    expect(player.button("Show Person 3")).to_be_visible()
    player.wait_until_saved()
    assert (player.edits.names, player.edits.hidden) == ({2: "Bob"}, {3})


def test_an_unfinished_character_does_not_end_a_name(player):
    """Enter chooses one while a name is composed, e.g. in Japanese (UI Events, section 5)."""
    press(player.button("Rename Person 2"))
    name = player.page.get_by_label("Name of person 2")
    name.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    expect(name).to_be_focused()


def test_the_focus_goes_to_what_takes_the_place(player):
    page = player.page
    press(page.get_by_label("Hide Person 4"))
    expect(page.get_by_label("Hide Person 1")).to_be_focused()
    add_segment(player, 1, 5)
    add_segment(player, 12, 31)
    press(player.button("Remove Segment 1"))
    expect(player.button("Remove Segment 2")).to_be_focused()
    player.page.keyboard.press("Enter")
    expect(page.locator("details.segments").locator(":focus")).to_have_count(1)


def test_buttons_that_have_done_all_keep_the_focus(player):
    page = player.page
    add_segment(player, 1, 5)
    expect(page.get_by_label("Name of the segment")).to_be_focused()
    press(page.locator("canvas.timeline"), "[")
    page.keyboard.press("]")
    press(player.button("Exclude", exact=True))
    expect(player.button("Exclude", exact=True)).to_be_focused()
    expect(player.button("Exclude", exact=True)).to_be_disabled()
    undo = player.button("Undo")
    for _ in range(2):
        press(undo)
    expect(undo).to_be_disabled()
    expect(undo).to_be_focused()
    player.go_to(30)
    split = player.button("Split Person 2 here")
    page.locator(".person .name").get_by_text("Person 2").click()
    player.go_to(20)
    press(split)
    expect(player.button("Hide Person 5")).to_be_visible()
    player.go_to(1)
    expect(split).to_be_disabled()
    expect(split).to_be_focused()


def test_key_moments_keep_the_focus(player):
    page = player.page
    page.evaluate(
        "() => { const { player } = window; player.moments = ["
        "[2, 'sad', 0.5, 0.6, 'data:,'], [2, 'happy', 0.4, 0.7, 'data:,']];"
        " player.shownMoments = undefined; player.choosePerson(2, 0.6) }"
    )
    moment = page.get_by_role("button", name="sad 50 %")
    moment.focus()
    page.evaluate("() => window.player.edits.change({ names: { 2: 'Bob' } })")
    expect(moment.get_by_alt_text("Bob, sad")).to_be_attached()
    expect(moment).to_be_focused()


def test_a_change_is_taken_back_from_where_it_was_made(player):
    page = player.page
    short = page.get_by_label("Leave out people seen for less")
    press(short, "Space")
    expect(page.locator(".person")).to_have_count(1)
    page.keyboard.press("Control+z")
    expect(page.locator(".person")).to_have_count(4)
    expect(short).to_be_focused()


def test_brackets_are_marks_also_where_they_take_two_keys(player):
    """AltGr and 8 on a German keyboard: Windows reports Control and Alt with it."""
    player.go_to(10)
    player.page.locator("canvas.timeline").evaluate(
        "(canvas) => canvas.dispatchEvent(new KeyboardEvent('keydown', { key: '[', bubbles: true,"
        " ctrlKey: true, altKey: true, modifierAltGraph: true }))"
    )
    expect(player.page.locator("[data-role=selection]")).to_have_text("Selected: from 0:00.4")
