"""Make the screenshots in docs/screenshots from the real product, served on a state directory that is thrown away.

    .venv/bin/python -m tools.make_screenshots [--into DIR]

Run it after the pages have changed, and look at what it made. It needs what the browser tests need: the packages of
tests/requirements.txt, Debian's chromium, TigerVNC, openbox and xterm.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, StorageState, ViewportSize, sync_playwright

from benchmarks.product import ADMIN, Product, running

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "screenshots"
SESSIONS = ROOT / "sessions_config" / "sessions.json"

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""It talks to nobody but the pages that it is sent to, and also runs as root."""

DESK: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
MOST_BYTES = 200_000
"""Of one picture: readers of the README load them all."""

STILL = 700
"""Milliseconds in which nothing may change on a screen before its picture is taken."""
PATIENCE = 30.0
"""Seconds that a screen may take until it is still."""

_SHELL_LINES = (
    " PS1='\\w\\$ '; clear",
    " echo 'A desktop of your own, in a tab of your browser.'; echo; ls --color /usr",
    " xterm -geometry 58x15-48-56 -fa Monospace -fs 11 -bg '#fbfbf7' -fg '#1d2430' -e python3 -q &",
)
"""What is typed into the terminal; a blank in front keeps it out of the shell's history."""
_PYTHON_LINES = ("import math", "[round(math.sin(x / 4), 2) for x in range(12)]", "'a desktop in the browser'.title()")


class ScreenshotError(Exception):
    """A picture cannot be used. The text says which, why and what to do."""


def shrink(png: bytes) -> bytes:
    """The same picture in as few bytes as PNG needs for it, without the browser's channel of transparency.

    Args:
        png: a PNG file's content.

    Raises:
        PIL.UnidentifiedImageError: it is none.
    """
    output = BytesIO()
    with Image.open(BytesIO(png)) as image:
        image.convert("RGB").save(output, "PNG", optimize=True)
    return output.getvalue()


def check_size(name: str, png: bytes) -> None:
    """Refuses a picture that is too large to be shown in a README.

    Raises:
        ScreenshotError: names it, its size and the most.
    """
    if len(png) > MOST_BYTES:
        raise ScreenshotError(f"{name} has {len(png)} bytes; expected at most {MOST_BYTES}. Show less on it.")


def write(folder: Path, name: str, png: bytes) -> None:
    """Shrinks a picture and writes it.

    Raises:
        ScreenshotError: it is too large; nothing was written.
    """
    small = shrink(png)
    check_size(name, small)
    (folder / name).write_bytes(small)
    print(f"{name}: {len(small)} bytes", flush=True)


def take_all(browser: Browser, product: Product, folder: Path) -> None:
    """Takes every picture: a desktop with something in it, on a large and a small screen, and the first page."""
    context = browser.new_context(base_url=f"http://127.0.0.1:{product.port}", viewport=DESK)
    page = context.new_page()
    log_in(page, product.password)
    start(page, "Test pattern", "1280x800")
    desktop = context.new_page()
    start(desktop, "Desktop", "1280x800")
    fill_screen(desktop)
    work_in(desktop)
    write(folder, "viewer.png", desktop.screenshot())
    write(folder, "viewer-phone.png", on_phone(browser, product, context.storage_state(), desktop.url))
    picker = context.new_page()
    picker.goto("/")
    for name, scheme in (("picker.png", "light"), ("picker-dark.png", "dark")):
        picker.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        write(folder, name, picker.screenshot(animations="disabled"))
    context.close()


def log_in(page: Page, password: str) -> None:
    """Logs in as the first admin."""
    page.goto("/login/")
    page.get_by_label("Username").fill(ADMIN)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Start a session").wait_for()


def start(page: Page, type_name: str, size: str) -> None:
    """Starts a session and waits until its screen is there."""
    page.goto("/")
    form = page.get_by_role("form", name=type_name, exact=True)
    form.get_by_label("Size").select_option(size)
    form.get_by_role("button", name="Start").click()
    page.locator("body[data-viewer-state=connected]").wait_for()


def fill_screen(page: Page) -> None:
    """Has the session's screen resized to the window."""
    page.locator("summary", has_text="View").click()
    page.get_by_label("Resize the session's screen").check()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Enter session").click()


def work_in(page: Page) -> None:
    """Types into the terminal, and into a Python beside it."""
    wait_until_still(page)
    for line in _SHELL_LINES:
        page.keyboard.type(f"{line}\n")
        wait_until_still(page)
    for line in _PYTHON_LINES:
        page.keyboard.type(f"{line}\n")
    page.mouse.move(DESK["width"] - 20, DESK["height"] - 20)
    wait_until_still(page)


def on_phone(browser: Browser, product: Product, login: StorageState, url: str) -> bytes:
    """The picture of a session that is looked at from a phone."""
    context = browser.new_context(
        viewport=PHONE,
        device_scale_factor=2,
        is_mobile=True,
        has_touch=True,
        # Without what the large window remembers of its view.
        storage_state={"cookies": login["cookies"], "origins": []},
    )
    page = context.new_page()
    page.goto(url)
    page.locator("body[data-viewer-state=connected]").wait_for()
    wait_until_still(page)
    png = page.screenshot()
    context.close()
    return png


def wait_until_still(page: Page) -> None:
    """Waits until nothing has changed on the session's screen for a while.

    Raises:
        ScreenshotError: it went on changing.
    """
    deadline = time.monotonic() + PATIENCE
    before = ""
    while (shown := _content(page)) != before:
        if time.monotonic() > deadline:
            raise ScreenshotError(
                f"the screen at {page.url} still changed after {PATIENCE:g} s; expected it to come to rest. "
                "See whether something on it moves by itself."
            )
        before = shown
        page.wait_for_timeout(STILL)


def _content(page: Page) -> str:
    return str(page.evaluate("document.querySelector('#screen canvas').toDataURL()"))


def main(arguments: Sequence[str]) -> int:
    """Makes all screenshots; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.make_screenshots", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--into", type=Path, default=FOLDER, metavar="DIR", help="where to put them (default: docs)")
    folder: Path = parser.parse_args(arguments).into
    folder.mkdir(parents=True, exist_ok=True)
    with running(json.loads(SESSIONS.read_text())) as product, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        try:
            take_all(browser, product, folder)
        except ScreenshotError as error:
            print(f"No screenshot: {error}", file=sys.stderr)
            return 1
        finally:
            browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
