"""The REST API's description in a browser: it asks no other host, and its forms work."""

import json

import pytest
from support.app_server import running_server

KEY = "0123456789abcdef"


@pytest.fixture(scope="module")
def url():
    with running_server(EMOSENSE_API_KEY=KEY) as url:
        yield url


def test_a_photo_is_tried_on_the_page_of_the_description(page, url, astronaut_png):
    page.goto(f"{url}/api/v1/docs")
    page.get_by_role("button", name="Authorize").click()
    page.locator("input[type=text]").fill(KEY)
    page.get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close").click()
    operation = page.locator("#operations-photos-analyze_photos")
    operation.get_by_role("button", name="Analyse photos").first.click()
    operation.get_by_role("button", name="Try it out").click()
    operation.locator("input[type=file]").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": astronaut_png}
    )
    with page.expect_response("**/api/v1/photos") as answered:
        operation.get_by_role("button", name="Execute").click()
    assert answered.value.status == 200
    (photo,) = json.loads(answered.value.text())["photos"]
    assert photo["faces"][0]["verdict"] == "happy"
    operation.get_by_text('"verdict": "happy"').wait_for()
