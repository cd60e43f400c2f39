"""What a player does when the server or the network fails for a while, and when others edit its clip too."""

import pytest
from playwright.sync_api import expect
from support.player_page import PlayerPage
from support.waiting import wait_until

from emosense.ui.player.clips import clips
from emosense.video.edits import Edits, Merge, Split

pytestmark = pytest.mark.browser

FAILURES = {
    "network": lambda route: route.abort("connectionreset"),
    "restart": lambda route: route.fulfill(status=503, body="Restarting."),
    "too many requests": lambda route: route.fulfill(status=429, headers={"retry-after": "1"}),
}
FOLLOWS = "The edits were changed on another page: this one follows."
AGAIN = "The edits were changed on another page: yours was made again on top of them."


@pytest.fixture
def player(page, players, path):
    return PlayerPage(page, players, path)


class Failing:
    """Requests of a method to addresses that end with ``path`` fail until they are told to succeed."""

    def __init__(self, page, path, fail=FAILURES["network"], method="GET"):
        self.fails, self.fail, self.method, self.failed = True, fail, method, 0
        page.route(lambda url: url.split("?")[0].endswith(path), self._answer)

    def _answer(self, route):
        if self.fails and self.method in (route.request.method, "*"):
            self.failed += 1
            self.fail(route)
        else:
            route.continue_()

    def end(self):
        self.fails = False


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("part", ["/frames", "/edits", "/key-moments"])
def test_what_was_not_answered_is_asked_again(part, failure, player):
    failing = Failing(player.page, part, FAILURES[failure])
    player.show()
    trouble = player.page.get_by_role("alert")
    expect(trouble).to_contain_text("it is asked again.")
    failing.end()
    player.wait_until_complete()
    expect(trouble).to_be_hidden()
    expect(player.page.locator(".person")).to_have_count(4)


def test_frames_come_after_a_failure_half_way(player):
    player.known = 10
    player.show()
    expect(player.page.locator(".person")).to_have_count(1)
    failing = Failing(player.page, "/frames")
    expect(player.page.get_by_role("alert")).to_be_visible()
    player.known = 40
    failing.end()
    player.wait_until_complete()
    expect(player.page.locator("details.exports a").first).to_be_attached()


def test_a_clip_that_is_gone_is_told(player):
    player.known = 10
    player.show()
    expect(player.page.locator(".person")).to_have_count(1)
    clips.remove(player.address)
    expect(player.page.get_by_role("alert")).to_have_text("This clip is no longer here.")
    expect(player.page.locator("details.exports .note")).to_have_text(
        "This clip is no longer here."
    )


@pytest.mark.parametrize("failure", FAILURES)
def test_nothing_is_edited_before_the_edits_are_there(failure, player):
    """A change of edits that were not loaded would replace them."""
    page = player.page
    player.edits = Edits(names={1: "Ann"})
    failing = Failing(page, "/edits", FAILURES[failure])
    player.show()
    wait_until(lambda: page.evaluate("() => window.player?.data.name") and failing.failed)
    page.evaluate("() => window.player.edits.change({ names: { 2: 'Bob' } })")
    failing.end()
    player.wait_until_complete()
    player.rename("Person 2", 2, "Bob")
    player.wait_until_saved()
    assert player.edits.names == {1: "Ann", 2: "Bob"}


@pytest.mark.parametrize("failure", FAILURES)
def test_edits_that_did_not_arrive_are_sent_again(failure, player):
    player.open()
    failing = Failing(player.page, "/edits", FAILURES[failure], method="PUT")
    player.rename("Person 2", 2, "Bob")
    expect(player.page.get_by_role("alert")).to_be_visible()
    player.rename("Person 1", 1, "Ann")
    failing.end()
    player.wait_until_saved()
    assert player.edits.names == {1: "Ann", 2: "Bob"}
    expect(player.page.get_by_role("alert")).to_be_hidden()


def test_edits_whose_answer_was_lost_are_no_conflict(player):
    """They are there, so that their entity tag is not the one that they were made upon."""
    player.open()

    def lose(route):
        route.fetch()
        route.abort()

    failing = Failing(player.page, "/edits", lose, method="PUT")
    player.rename("Person 2", 2, "Bob")
    expect(player.page.get_by_role("alert")).to_be_visible()
    failing.end()
    player.wait_until_saved()
    assert player.edits.names == {2: "Bob"}
    expect(player.page.get_by_role("status")).to_be_empty()


def test_edits_that_are_refused_are_taken_back(player):
    player.open()
    player.page.evaluate("() => window.player.edits.change({ min_seconds: 100 })")
    expect(player.page.get_by_role("status")).to_contain_text("The change was not saved. Expected")
    expect(player.page.locator(".person")).to_have_count(4)
    player.rename("Person 2", 2, "Bob")
    player.wait_until_saved()
    assert player.edits == Edits(names={2: "Bob"})


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ({"status": 404}, "This clip is no longer here."),
        ({"status": 200, "body": "?", "content_type": "video/mp4"}, "cannot play this file"),
        ({"status": 503}, "it is asked for again"),
    ],
    ids=["gone", "unknown format", "restart"],
)
def test_why_there_is_no_picture_is_told(answer, text, player):
    failing = Failing(player.page, "/video", lambda route: route.fulfill(**answer), method="*")
    player.show()
    expect(player.page.locator(".problem")).to_contain_text(text)
    assert failing.failed


def test_a_clip_that_was_not_loaded_is_asked_for_again(player):
    failing = Failing(player.page, "/video", method="*")
    player.show()
    problem = player.page.locator(".problem")
    expect(problem).to_have_text("The clip could not be loaded: it is asked for again.")
    player.wait_until_complete()
    failing.end()
    player.page.wait_for_function("() => document.querySelector('video').readyState >= 2")
    expect(problem).to_be_hidden()
    player.go_to(17)


def test_changes_of_others_are_kept_and_told(player):
    """Another browser: it changes the edits that this page has loaded."""
    page = player.open().page
    player.edits = Edits(names={1: "Ann"}, hidden=[3])
    player.rename("Person 2", 2, "Bob")
    expect(page.get_by_role("status")).to_have_text(AGAIN)
    player.wait_until_saved()
    assert player.edits == Edits(names={1: "Ann", 2: "Bob"}, hidden=[3])
    expect(page.locator(".person .name").get_by_text("Ann")).to_be_visible()
    expect(player.button("Show Person 3")).to_be_visible()
    # What is taken back is this page's change alone, also after more of the others'.
    player.edits = Edits(names={1: "Ann", 2: "Bob"}, hidden=[3, 4])
    player.button("Undo").click()
    expect(player.button("Show Person 4")).to_be_visible()
    player.wait_until_saved()
    assert player.edits == Edits(names={1: "Ann"}, hidden=[3, 4])


def test_a_change_without_a_place_is_told(player):
    """Both have merged the same."""
    page = player.open().page
    player.edits = Edits(people=[Merge(person=1, into=2), Merge(person=2, into=4)])
    page.get_by_label("Merge Person 1 into").select_option("2")
    expect(page.get_by_role("status")).to_contain_text("your change has no place in them.")
    player.wait_until_saved()
    assert player.edits.people == (Merge(person=1, into=2), Merge(person=2, into=4))


def test_two_pages_of_a_browser_follow_each_other(player):
    page = player.open().page
    other = page.context.new_page()
    player.show(other)
    expect(other.locator(".person")).to_have_count(4)
    player.rename("Person 1", 1, "Ann")
    expect(other.locator(".person .name").get_by_text("Ann")).to_be_visible()
    expect(other.get_by_role("status")).to_have_text(FOLLOWS)
    other.get_by_label("Hide Person 4").click()
    expect(player.button("Show Person 4")).to_be_visible()
    assert player.edits == Edits(names={1: "Ann"}, hidden=[4])


def test_a_file_holds_what_is_on_the_screen_after_changes_of_others(player):
    player.open()
    player.edits = Edits(names={1: "Ann"})
    _, text = player.exported("csv")
    assert "Ann" in text
    expect(player.page.locator(".person .name").get_by_text("Ann")).to_be_visible()


def test_a_project_replaces_the_changes_of_others(player, tmp_path):
    player.open().rename("Person 1", 1, "Ann")
    _, text = player.exported("project")
    (tmp_path / "a.json").write_text(text)
    player.edits = Edits(hidden=[4])
    player.page.locator(".exports input[type=file]").set_input_files(tmp_path / "a.json")
    wait_until(lambda: player.edits == Edits(names={1: "Ann"}))
    player.button("Undo").click()
    expect(player.button("Show Person 4")).to_be_visible()


EMPTY = Edits().model_dump(mode="json")
MERGED = {"people": [Merge(person=1, into=2).model_dump()]}
SPLIT = Split(person=1, time=0.2, new=5).model_dump()
ONE, TWO = {"start": 0, "end": 1}, {"start": 1, "end": 2}


def named(stretch, name):
    return {**stretch, "name": name}


@pytest.mark.parametrize(
    ("base", "mine", "theirs", "expected"),
    [
        pytest.param({}, MERGED, {}, MERGED, id="nobody else"),
        pytest.param(
            {},
            {"people": [Merge(person=1, into=3).model_dump()], "names": {3: "Cy"}},
            MERGED,
            {
                "people": [*MERGED["people"], Merge(person=2, into=3).model_dump()],
                "names": {"3": "Cy"},
            },
            id="who is merged elsewhere is merged from there",
        ),
        pytest.param(
            {},
            {"people": [{**SPLIT, "person": 4}], "names": {5: "Eve"}, "hidden": [5]},
            {"people": [SPLIT]},
            {
                "people": [SPLIT, {**SPLIT, "person": 4, "new": 6}],
                "names": {"6": "Eve"},
                "hidden": [6],
            },
            id="two splits make two people",
        ),
        pytest.param(
            {"people": [SPLIT]},
            {},
            {"people": [SPLIT, *MERGED["people"]], "min_seconds": 0.5},
            {**MERGED, "min_seconds": 0.5},
            id="a split is taken back",
        ),
        pytest.param(
            {}, {"hidden": [1]}, MERGED, MERGED, id="who is merged elsewhere is not there to hide"
        ),
        pytest.param(
            {"segments": [named(ONE, "a"), named(ONE, "b")], "excluded": [ONE]},
            {"segments": [named(ONE, "b"), named(TWO, "c")]},
            {"segments": [named(ONE, "a"), named(ONE, "b"), named(TWO, "d")], "excluded": [ONE]},
            {"segments": [named(ONE, "b"), named(TWO, "c")], "excluded": []},
            id="segments are known by their times",
        ),
    ],
)
def test_changes_are_made_again_on_top_of_those_of_others(
    base, mine, theirs, expected, page, players
):
    page.goto(f"{players}/player/assets/rebase.js")
    rebased = page.evaluate(
        "async (states) => (await import('/player/assets/rebase.js')).rebased(...states, [1, 2, 3, 4])",
        [{**EMPTY, **state} for state in (base, mine, theirs)],
    )
    assert rebased == {**EMPTY, **expected}
