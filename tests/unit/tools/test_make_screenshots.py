"""What is done with a screenshot after it was taken; that they can be taken is shown by running the tool."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, UnidentifiedImageError

from remote_service.config.entries import check_entry
from tools import make_screenshots
from tools.make_screenshots import MOST_BYTES, THEMES, WINDOWS, check_size, picture_name, shrink, write
from tools.screenshot_pages import PAGES
from tools.screenshot_tour import ROOT, SCRIPTS, ScreenshotError, sessions_file


def png(width: int, height: int, mode: str = "RGBA") -> bytes:
    """A picture with more than one colour, stored without care."""
    output = BytesIO()
    image = Image.new(mode, (width, height), "white")
    image.paste(Image.new(mode, (width // 2, height), "#b01030"))
    image.save(output, "PNG", compress_level=0)
    return output.getvalue()


def test_a_shrunk_picture_is_smaller_and_shows_the_same() -> None:
    taken = png(64, 40)

    small = shrink(taken)

    assert len(small) < len(taken)
    with Image.open(BytesIO(taken)) as before, Image.open(BytesIO(small)) as after:
        assert (after.format, after.mode, after.size) == ("PNG", "P", (64, 40))
        assert after.convert("RGB").tobytes() == before.convert("RGB").tobytes()


def test_a_picture_with_very_many_colours_is_nearly_the_same() -> None:
    red = Image.linear_gradient("L")
    many = Image.merge("RGB", (red, red.rotate(90), Image.new("L", red.size, 128)))
    output = BytesIO()
    many.save(output, "PNG")
    with Image.open(BytesIO(shrink(output.getvalue()))) as after:
        assert max(high for _, high in ImageChops.difference(many, after.convert("RGB")).getextrema()) < 32


def test_what_is_no_picture_is_not_shrunk() -> None:
    with pytest.raises(UnidentifiedImageError):
        shrink(b"<!doctype html>")


def test_a_picture_may_have_as_many_bytes_as_allowed_and_no_more() -> None:
    check_size("picker.png", bytes(MOST_BYTES))
    with pytest.raises(ScreenshotError) as refused:
        check_size("picker.png", bytes(MOST_BYTES + 1))
    assert str(refused.value) == "picker.png has 150001 bytes; expected at most 150000. Show less on it."


def test_a_picture_is_written_shrunk_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    taken = png(64, 40)

    write(tmp_path, "picker.png", taken)

    written = (tmp_path / "picker.png").read_bytes()
    assert written == shrink(taken)
    assert capsys.readouterr().out == f"picker.png: {len(written)} bytes\n"


def test_a_picture_that_is_too_large_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_screenshots, "MOST_BYTES", 10)
    with pytest.raises(ScreenshotError, match=r"picker\.png has \d+ bytes; expected at most 10\."):
        write(tmp_path, "picker.png", png(64, 40))
    assert list(tmp_path.iterdir()) == []


def test_every_page_is_there_in_both_themes_and_widths_and_small_enough() -> None:
    expected = {picture_name(page, theme, width) for page in PAGES for theme in THEMES for width in WINDOWS}
    assert {path.name for path in make_screenshots.FOLDER.iterdir()} == expected
    for name in expected:
        data = (make_screenshots.FOLDER / name).read_bytes()
        check_size(name, data)
        with Image.open(BytesIO(data)) as image:
            image.verify()
            assert image.width == int(name.removesuffix(".png").rpartition("-")[2])


def test_the_readme_shows_four_of_them() -> None:
    shown = re.findall(r"!\[[^]]+\]\(docs/screenshots/([^)]+)\)", (ROOT / "README.md").read_text())
    assert len(set(shown)) == 4
    assert all((make_screenshots.FOLDER / name).is_file() for name in shown)


TEMPLATES = {
    "400": "bad-request",
    "403": "csrf",  # looks like it, with another sentence
    "403_csrf": "csrf",
    "404": "not-found",
    "429": "too-many-log-ins",
    "500": "server-error",
    "503": "maintenance",
    "webui/details": "details",
    "webui/launch": "launch",
    "webui/login": "login",
    "webui/password": "password",
    "webui/picker": "picker",
    "webui/session": "viewer",
    "webui/session_over": "session-over",
    "webui/share_link": "share-link",
    "webui/watch": "dashboard-watch",
    "webui/dashboard/announcements": "dashboard-announcements",
    "webui/dashboard/block": "dashboard-block",
    "webui/dashboard/catalogue": "dashboard-catalogue",
    "webui/dashboard/drain": "dashboard-drain",
    "webui/dashboard/overview": "dashboard",
    "webui/dashboard/sessions": "dashboard-sessions",
    "webui/dashboard/site": "dashboard-site",
    "webui/dashboard/slots": "dashboard-slots",
    "webui/dashboard/stop": "dashboard-stop",
    "webui/dashboard/users": "dashboard-users",
}
"""The template of each page to a picture of it."""
NO_PICTURE = {"away"}
"""Shown when a database server is away, which the pictures' site has not: tests/integration/faults opens it."""
FRAMES = {"webui/base", "webui/error", "webui/dashboard/base", "webui/dashboard/live"}


def test_there_is_a_picture_of_every_page() -> None:
    folder = ROOT / "webui" / "templates"
    found = [path for name in ("*.html", "webui/**/*.html") for path in folder.glob(name)]
    pages = {str(path.relative_to(folder).with_suffix("")) for path in found if not path.name.startswith("_")}
    assert pages - FRAMES - NO_PICTURE == set(TEMPLATES)
    assert set(TEMPLATES.values()) <= set(PAGES)


@pytest.mark.parametrize(("name", "entry"), sessions_file().items(), ids=str)
def test_the_types_on_the_pictures_are_sound(name: str, entry: dict[str, Any]) -> None:
    assert check_entry(name, entry)[1] == []
    assert any((folder / entry["script"]).is_file() for folder in SCRIPTS)
