"""Quality of the picture, the figures of its line, and a picture of it as a file."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import expect

from tests.browser.served import ALICE, DESKTOP, NOBODY, PATTERN
from tests.browser.visitor import show_toolbar, viewer, wait_for_screen
from tests.browser.visits import Visits

A_NUMBER = re.compile(r"^\d[\d.,]*$")
UNKNOWN = "\N{EN DASH}"
MORE_THAN_NOTHING = re.compile(r"^[1-9]")


def test_the_figures_are_those_of_the_line(visit: Visits) -> None:
    alice = visit(ALICE)
    alice.connect(DESKTOP, "800x600")
    page = alice.page
    show_toolbar(page)

    page.locator("summary", has_text="View").click()
    expect(page.locator("[data-figure=roundtrip]")).to_have_text(A_NUMBER)
    expect(page.locator("[data-figure=updates]")).to_have_text(A_NUMBER)
    expect(page.locator("[data-figure=rate]")).to_have_text(A_NUMBER)


def test_what_is_not_known_is_not_made_up(visit: Visits) -> None:
    alice = visit(ALICE)
    alice.connect(PATTERN)  # moves all the time, and knows no fences
    page = alice.page
    show_toolbar(page)

    page.locator("summary", has_text="View").click()
    expect(page.locator("[data-figure=updates]")).to_have_text(MORE_THAN_NOTHING)
    expect(page.locator("[data-figure=rate]")).to_have_text(MORE_THAN_NOTHING)
    expect(page.locator("[data-figure=roundtrip]")).to_have_text(UNKNOWN)


def test_the_quality_is_remembered_by_the_browser(visit: Visits) -> None:
    alice = visit(NOBODY)
    alice.log_in(ALICE)
    alice.connect(PATTERN)
    page = alice.page
    levels = ("rfb.qualityLevel", "rfb.compressionLevel")
    assert [viewer(page, level) for level in levels] == [6, 2]

    page.locator("summary", has_text="View").click()
    page.get_by_label("For a slow line").check()
    assert [viewer(page, level) for level in levels] == [1, 6]
    page.get_by_label("Best").check()
    assert [viewer(page, level) for level in levels] == [9, 2]
    page.reload()
    wait_for_screen(page)
    assert [viewer(page, level) for level in levels] == [9, 2]


def test_the_screen_can_be_saved_as_a_picture(visit: Visits) -> None:
    alice = visit(ALICE)
    alice.connect(PATTERN, "640x480")
    page = alice.page
    show_toolbar(page)

    with page.expect_download() as saving:
        page.get_by_role("button", name="Save picture").click()

    saved = saving.value
    assert re.fullmatch(r"Pattern-\d{8}-\d{6}\.png", saved.suggested_filename)
    expect(page.get_by_text(f"Saved as {saved.suggested_filename}.")).to_be_visible()
    with Image.open(BytesIO(Path(saved.path()).read_bytes())) as image:
        assert (image.format, image.size) == ("PNG", (640, 480))
        assert len(image.convert("RGB").getcolors(1 << 20) or []) > 1
