"""What is done with a screenshot after it was taken; that they can be taken is shown by running the tool."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, UnidentifiedImageError

from tools import make_screenshots
from tools.make_screenshots import MOST_BYTES, ScreenshotError, check_size, shrink, write


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
        assert (after.format, after.mode, after.size) == ("PNG", "RGB", (64, 40))
        assert after.tobytes() == before.convert("RGB").tobytes()


def test_what_is_no_picture_is_not_shrunk() -> None:
    with pytest.raises(UnidentifiedImageError):
        shrink(b"<!doctype html>")


def test_a_picture_may_have_as_many_bytes_as_allowed_and_no_more() -> None:
    check_size("picker.png", bytes(MOST_BYTES))
    with pytest.raises(ScreenshotError) as refused:
        check_size("picker.png", bytes(MOST_BYTES + 1))
    assert str(refused.value) == "picker.png has 200001 bytes; expected at most 200000. Show less on it."


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


def test_every_picture_of_the_readme_is_there_and_small_enough() -> None:
    for name in ("picker.png", "picker-dark.png", "viewer.png", "viewer-phone.png"):
        data = (make_screenshots.FOLDER / name).read_bytes()
        check_size(name, data)
        with Image.open(BytesIO(data)) as image:
            image.verify()
            assert image.size == ((780, 1688) if "phone" in name else (1280, 800))
