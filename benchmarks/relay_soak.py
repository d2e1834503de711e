"""Many viewers for a long time, in parts and chunks of any size, with pauses, stalls and goodbyes; every byte compared.

What:  the product with sessions of raw bytes; this process plays all viewers and all endpoints. Each stream carries
       chunks of any size both ways at once, the viewer's messages in random fragments; now and then an end pauses, or
       reads nothing for a second or two; after some seconds all that was sent must have been heard, and the viewer
       comes anew. With --bare it is the relay without a site around it (`tests.integration.bare_relay`).
Peer:  none; it is right or wrong.
Bars:  no stream that differs, and none that stands still for half a minute though both of its ends read; the server
       grows by no more than 1 MiB a stream, with TLS by 8 MB (those buffers of the kernel are not counted).
Run:   python -m benchmarks.relay_soak [--seconds 600] [--streams 200] [--sessions 20]
       python -m benchmarks.relay_soak --bare [--tier takeover] [--loop uvloop] [--tls]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import ssl
import time
from collections.abc import Callable, Sequence

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from benchmarks.figures import bar
from benchmarks.relays import allow_many_files, bare_relay
from benchmarks.soak_sessions import played, rss, sessions
from benchmarks.soak_streams import PATIENCE, Stream, Wrong

CUT = 0.2
"""How many of a viewer's messages are fragmented."""
EPISODE = (2.0, 12.0)
"""Seconds that a viewer stays, at least and at most."""
REPORT = 60.0
"""Seconds between two lines of how it goes."""
MOST_GROWTH = 1.05
"""MB (of 1 000 000 bytes) a stream: 1 MiB."""
MOST_GROWTH_TLS = 8.0
"""The same with TLS, whose buffers glibc keeps when they are free: of 5.4 MB that were seen 0.9 were in use."""
FIRST = asyncio.FIRST_COMPLETED


class Soak:
    """All streams, and what became of them."""

    def __init__(self, addresses: Sequence[str], context: ssl.SSLContext | None, seed: int) -> None:
        """`addresses` are of websockets; the streams share them out."""
        self._addresses = addresses
        self._context = context
        self._chance = random.Random(seed)
        self._streams: dict[int, Stream] = {}
        self.episodes = 0
        self.bytes = 0
        self.wrong: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Plays an endpoint; the first four bytes say which."""

        async def send(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        talking: asyncio.Task[None] | None = None
        try:
            stream = self._streams[int.from_bytes(await reader.readexactly(4), "big")]
            stream.met.set()
            async with asyncio.TaskGroup() as both:
                talking = both.create_task(stream.talk(stream.down, send))
                await stream.listen(stream.up, lambda: reader.read(1 << 18))
                talking.cancel()
        except* (ConnectionError, asyncio.IncompleteReadError):
            pass
        except* Wrong as group:
            self.wrong += [f"viewer to endpoint: {error}" for error in group.exceptions]
        finally:
            writer.transport.abort()

    async def viewer(self, number: int, until: float) -> None:
        """Comes again and again until the time is over, or something went wrong."""
        while time.monotonic() < until and not self.wrong:
            stream = self._streams[number] = Stream(number, random.Random(self._chance.random()))
            try:
                async with connect(
                    self._addresses[number % len(self._addresses)], ssl=self._context, compression=None,
                    max_size=None, proxy=None, ping_interval=None, open_timeout=PATIENCE, close_timeout=1,
                ) as websocket:  # fmt: skip
                    await self._episode(stream, websocket)
            except Wrong as error:
                self.wrong.append(f"endpoint to viewer: {error}")
            except TimeoutError:
                self.wrong.append(
                    f"stream {number} stood still: {stream.up.heard} of {stream.up.sent} bytes up, "
                    f"{stream.down.heard} of {stream.down.sent} bytes down"
                )
            except (OSError, WebSocketException) as error:
                self.wrong.append(f"stream {number} lost its line: {error}")
            self.episodes += 1
            self.bytes += stream.up.heard + stream.down.heard

    async def _episode(self, stream: Stream, websocket: ClientConnection) -> None:
        async def receive() -> bytes:
            message = await websocket.recv()
            assert isinstance(message, bytes)
            return message

        async def send(data: bytes) -> None:
            await websocket.send(stream.parts(data) if stream.chance.random() < CUT else data)

        await websocket.send(stream.number.to_bytes(4, "big"))
        loop = asyncio.get_running_loop()
        listening = loop.create_task(stream.listen(stream.down, receive))
        talking = loop.create_task(stream.talk(stream.up, send))
        tasks = {listening, talking}
        try:
            await asyncio.wait({listening, talking}, timeout=stream.chance.uniform(*EPISODE), return_when=FIRST)
            stream.talking = False
            async with asyncio.timeout(PATIENCE):
                await stream.met.wait()
            tasks |= {loop.create_task(stream.heard_all(talking))}
            done, _ = await asyncio.wait(tasks - {talking}, return_when=FIRST)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if stream.chance.random() < 0.3:
            websocket.transport.abort()


async def soak_relay(options: argparse.Namespace) -> int:
    """Soaks the relay without a site."""
    with bare_relay(tier=options.tier, loop=options.loop, tls=options.tls) as (process, port, endpoint):
        context = None
        if options.tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        run = Soak([f"{'wss' if options.tls else 'ws'}://127.0.0.1:{port}/websockify"], context, options.seed)
        async with await asyncio.start_server(run.serve, "127.0.0.1", endpoint, backlog=1000):
            growth = await watched(run, options, lambda: process.memory_info().rss)
    return judged(run, options, growth)


async def soak_product(options: argparse.Namespace) -> int:
    """Soaks the product."""
    with sessions(min(options.sessions, options.streams)) as served:
        run = Soak(served.addresses, None, options.seed)
        async with played(served.taker, run.serve):
            growth = await watched(run, options, lambda: rss(served.server))
    return judged(run, options, growth)


async def watched(run: Soak, options: argparse.Namespace, memory: Callable[[], int]) -> int:
    """Has all viewers come; returns by how many bytes the server's memory grew at most, and says so now and then."""
    began = time.monotonic()
    before = most = memory()
    said = began
    viewers = [
        asyncio.get_running_loop().create_task(run.viewer(number, began + options.seconds))
        for number in range(options.streams)
    ]
    while (await asyncio.wait(viewers, timeout=0.5))[1]:
        now = memory()
        most = max(most, now)
        if time.monotonic() - said > REPORT:
            said += REPORT
            print(
                f"after {said - began:.0f} s: {run.episodes} viewers, {run.bytes / 1e9:.2f} GB, "
                f"server {now / 1e6:.0f} MB, at first {before / 1e6:.0f} MB",
                flush=True,
            )
    for viewer in viewers:
        viewer.result()
    return most - before


def judged(run: Soak, options: argparse.Namespace, growth: int) -> int:
    """Prints what was found; returns the exit status."""
    print(f"{run.episodes} viewers of {options.streams} streams, {run.bytes / 1e9:.2f} GB, seed {options.seed}")
    for sentence in run.wrong:
        print(sentence)
    print(bar("streams that differed or stood still", len(run.wrong), "streams", at_most=0))
    most_growth = MOST_GROWTH_TLS if options.tls else MOST_GROWTH
    print(bar("growth of the server", growth / 1e6 / options.streams, "MB/stream", at_most=most_growth))
    return 1 if run.wrong else 0


def main() -> int:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--bare", action="store_true", help="the relay without a site; the options below are for it")
    parser.add_argument("--tier", choices=("takeover", "portable"), default="takeover")
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    allow_many_files()
    return asyncio.run(soak_relay(options) if options.bare else soak_product(options))


if __name__ == "__main__":
    raise SystemExit(main())
