"""Which uploads no uploader of a page can hold any more."""

import pytest

from emosense.ui.session.uploads import ServerUploads, Uploaders


class Page:
    """A page that has run once, with an uploader that holds nothing."""

    def __init__(self):
        self.uploaders = Uploaders()
        assert self.ran({"first": set()}, {}) == set()

    def ran(self, held, stored):
        self.uploaders.run_began({file for files in held.values() for file in files})
        return self.uploaders.run_ended(held, stored)


@pytest.fixture
def page():
    return Page()


def test_a_file_stays_while_its_uploader_holds_it(page):
    assert page.ran({"first": {"a"}}, {"a": 0}) == set()
    assert page.ran({"first": {"a"}}, {"a": 0}) == set()
    assert page.ran({"first": set()}, {"a": 0}) == {"a"}


def test_a_file_on_its_way_stays_until_its_uploader_goes(page):
    for _ in range(3):  # its drop has more files yet
        assert page.ran({"first": set()}, {"a": 0}) == set()
    assert page.ran({"first": set(), "second": set()}, {"a": 0}) == set()
    assert page.ran({"second": set()}, {"a": 0}) == {"a"}


def test_a_file_of_the_next_uploader_is_no_file_of_the_last(page):
    page.uploaders.run_began([])
    # The browser shows the next uploader while the run that shows it goes on, or is broken off.
    number = page.uploaders.run
    page.uploaders.run_began([])
    assert page.uploaders.run_ended({"second": set()}, {"old": 0, "new": number}) == {"old"}
    assert page.ran({"second": set()}, {"new": number, "late": 0}) == {"late"}
    assert page.ran({"second": {"new"}}, {"new": number}) == set()


def test_a_file_is_left_even_if_no_run_came_to_its_end_while_it_was_held(page):
    """Who is quick drops a file, and presses a button, while the page still runs."""
    page.uploaders.run_began([])
    number = page.uploaders.run  # of the id of the file
    page.uploaders.run_began(["a"])
    page.uploaders.run_began(["a"])  # the button, which empties the uploader by a new key
    assert page.uploaders.run_ended({"second": set()}, {"a": number}) == {"a"}


def test_a_page_without_uploaders_holds_nothing(page):
    assert page.ran({}, {"a": 0}) == {"a"}
    assert not page.uploaders.may_be_held(0)


@pytest.mark.parametrize("run", [0, 9, 300])
def test_an_id_tells_its_run(run):
    uploads = ServerUploads()
    uploads._uploaders["tab 1"] = Uploaders()
    uploads._uploaders["tab 1"].run = run

    class Url:
        file_id = upload_url = delete_url = "0"

    marked = uploads._mark("tab 1", Url)
    assert uploads.run_of(marked.file_id) == run
    assert len(marked.file_id) <= 37
