"""Make the screenshots in docs/screenshots from the real product, served on a state directory that is thrown away.

    .venv/bin/python -m tools.make_screenshots [--into DIR] [--only NAME ...]

Every page, light and dark, on a wide and on a narrow window. Run it after the pages have changed, and look at what it
made. It needs what the browser tests need: the packages of tests/requirements.txt, Chromium, TigerVNC,
openbox and xterm.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Sequence
from io import BytesIO
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from benchmarks.product import Product, running
from tools.chromium import FLAGS, PROGRAM
from tools.screenshot_pages import PAGES
from tools.screenshot_tour import ROOT, SCRIPTS, NotThereError, ScreenshotError, Tour, sessions_file

FOLDER = ROOT / "docs" / "screenshots"

WINDOWS: dict[int, ViewportSize] = {1280: {"width": 1280, "height": 800}, 360: {"width": 360, "height": 780}}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
MOST_BYTES = 150_000
"""Of one picture: readers of the README load them."""
MOST_HEIGHT = {1280: 1440, 360: 2400}
"""Pixels of a page that are shown, by its width."""
COLOURS = 256
SETTLED = 600
"""Milliseconds after which a page has come to rest in a window of another size."""


def picture_name(page: str, theme: str, width: int) -> str:
    """What a picture's file is called."""
    return f"{page}-{theme}-{width}.png"


def shrink(png: bytes) -> bytes:
    """The same picture in as few bytes as PNG needs for it with a palette, without the browser's transparency.

    A picture with more colours than a palette holds gets the nearest ones.

    Args:
        png: a PNG file's content.

    Raises:
        PIL.UnidentifiedImageError: it is none.
    """
    output = BytesIO()
    with Image.open(BytesIO(png)) as image:
        plain = image.convert("RGB")
        few = plain.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        few.save(output, "PNG", optimize=True)
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


def take_all(browser: Browser, product: Product, folder: Path, only: Collection[str]) -> None:
    """Takes every picture, or those of the pages in `only`; a page that the product does not have is passed over."""
    context = browser.new_context(base_url=f"http://127.0.0.1:{product.port}", viewport=WINDOWS[1280])
    tour = Tour(browser, product, context)
    tour.log_in()
    tour.prepare()
    for name, opened in PAGES.items():
        if only and name not in only:
            continue
        try:
            page = opened(tour)
        except NotThereError as missing:
            print(f"{name}: left out, {missing}", flush=True)
            continue
        take(page, name, folder)
        if page.context is not context:
            page.context.close()
        elif page.url != tour.desktop:
            page.close()
    context.close()


def take(page: Page, name: str, folder: Path) -> None:
    """Takes one page in every theme and window; all of it, unless it is very long or one that fills the window."""
    fills_window = page.locator("body.viewer-page").count() == 1
    for width, window in WINDOWS.items():
        if width == 360 and page.locator("body[data-viewer-state=connected]").count():
            # A desktop is looked at from a phone, not made as narrow as one.
            page.locator("input[name=scale][value=scale]").evaluate("(choice) => choice.click()")
        page.set_viewport_size(window)
        for theme in THEMES:
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            page.wait_for_timeout(SETTLED)
            height = window["height"]
            if not fills_window:
                height = min(MOST_HEIGHT[width], page.evaluate("document.documentElement.scrollHeight"))
            png = page.screenshot(
                animations="disabled",
                full_page=not fills_window,
                clip={"x": 0, "y": 0, "width": width, "height": height},
            )
            write(folder, picture_name(name, theme, width), png)


def main(arguments: Sequence[str]) -> int:
    """Makes all screenshots; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.make_screenshots", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--into", type=Path, default=FOLDER, metavar="DIR", help="where to put them (default: docs)")
    parser.add_argument("--only", nargs="+", default=(), choices=PAGES, metavar="NAME", help="of these pages alone")
    options = parser.parse_args(arguments)
    options.into.mkdir(parents=True, exist_ok=True)
    environment = {"REMOTE_SERVICE_SCRIPT_DIRS": ":".join(map(str, SCRIPTS))}
    with running(sessions_file(), environment) as product, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=FLAGS)
        try:
            take_all(browser, product, options.into, options.only)
        except ScreenshotError as error:
            print(f"No screenshot: {error}", file=sys.stderr)
            return 1
        finally:
            browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
