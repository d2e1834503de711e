"""From the wish for a desktop to its first frame, without a browser.

What:  reserve by `GET /v1/reserve`, open the websocket, take in the first whole frame of a 1600x1200 desktop
       (`example_scripts/desktop_session.py`: TigerVNC, window manager and terminal).
Peer:  Xtigervnc started directly with the same arguments, to its banner and to its first whole frame.
Bar:   at most 300 ms over the peer (the same bar as in the browser, where `launch_browser` measures it).
Run:   python -m benchmarks.launch [--rounds 10]

Both take turns, so that whatever else the machine does hits both.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from websockets.sync.client import connect

from benchmarks import vnc_server
from benchmarks.figures import Figures, bar, compared
from benchmarks.first_frame import WebSocketStream, watch
from benchmarks.product import Product, running

SIZE = "1600x1200"
TYPE = "Desktop"
MOST_OVER = 300.0
"""Milliseconds over the VNC server's own time."""
SESSIONS = {TYPE: {"script": "desktop_session.py", "count": 2, "options": {"sizes": [SIZE]}}}


def launch(product: Product) -> tuple[float, float, float, float]:
    """One launch through the product.

    Returns:
        Milliseconds from the wish to: slot reserved, websocket open, banner, whole frame.
    """
    began = time.monotonic()
    reservation = product.reserve(TYPE)
    reserved = time.monotonic()
    address = f"ws://127.0.0.1:{product.port}{reservation['websocket']}"
    with connect(address, max_size=None, compression=None) as websocket:
        opened = time.monotonic()
        seen = watch(WebSocketStream(websocket))
    product.release(reservation["token"])
    moments = (reserved, opened, seen.banner, seen.frame)
    first, second, third, fourth = ((moment - began) * 1000 for moment in moments)
    return first, second, third, fourth


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.launch", description="Launch to first frame.")
    parser.add_argument("--rounds", type=int, default=10, help="launches each (default %(default)s)")
    rounds = parser.parse_args(arguments).rounds
    with running(SESSIONS) as product:
        # What is measured is a server that has been used: the very first launch fills the disk cache.
        vnc_server.launch(SIZE)
        launch(product)
        pairs = [(vnc_server.launch(SIZE), launch(product)) for _ in range(rounds)]
    peers = [peer for peer, _ in pairs]
    ours = [our for _, our in pairs]
    peer_frame = Figures.of("Xtigervnc alone: exec to whole frame", "ms", [peer[1] for peer in peers])
    frame = Figures.of("product: wish to whole frame", "ms", [our[3] for our in ours])
    print(Figures.of("Xtigervnc alone: exec to banner", "ms", [peer[0] for peer in peers]))
    print(peer_frame)
    print(Figures.of("product: wish to slot reserved", "ms", [our[0] for our in ours]))
    print(Figures.of("product: wish to websocket open", "ms", [our[1] for our in ours]))
    print(Figures.of("product: wish to banner", "ms", [our[2] for our in ours]))
    print(frame)
    print(compared(frame, peer_frame))
    print(bar("over the VNC server's own time", frame.median - peer_frame.median, "ms", at_most=MOST_OVER))


if __name__ == "__main__":
    main()
