"""Many viewers of one relay for a long time, with pauses, stalls and goodbyes, and every byte compared.

What:  the relay without a site around it (`tests.integration.bare_relay`); this process plays all viewers and all
       endpoints. Each stream carries chunks of any size both ways at once; now and then an end pauses, or reads nothing
       for a second or two; after some seconds all that was sent must have been heard, and the viewer comes anew.
Peer:  none; it is right or wrong.
Bars:  no stream that differs, and none that stands still for half a minute though both of its ends read; the relay
       grows by no more than 1 MiB a stream, with TLS by 8 MB (those buffers of the kernel are not counted).
Run:   python -m benchmarks.relay_soak [--seconds 600] [--streams 200] [--tier takeover] [--loop uvloop] [--tls]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.figures import bar
from benchmarks.product import PROJECT
from tests.integration.certificates import self_signed

PATTERN = random.Random(7).randbytes(1 << 20)
"""What every stream carries, again and again: a byte that is lost, doubled or moved differs."""
SIZES = (1, 6, 125, 126, 1000, 16 * 1024, 65535, 65536, 200_000)
EPISODE = (2.0, 12.0)
"""Seconds that a viewer stays, at least and at most."""
PATIENCE = 30.0
"""Seconds until all that was sent has to be heard, once both ends read."""
MOST_GROWTH = 1.05
"""MB (of 1 000 000 bytes) a stream: 1 MiB."""
MOST_GROWTH_TLS = 8.0
"""The same with TLS, whose buffers glibc keeps when they are free: of 5.4 MB that were seen 0.9 were in use."""


class Wrong(Exception):
    """What was heard is not what was sent."""


@dataclass
class Direction:
    """One direction of a stream: what was sent, and how much of it was heard."""

    sent: int = 0
    heard: int = 0

    def next(self, size: int) -> bytes:
        """The next bytes to send."""
        data = cut(self.sent, size)
        self.sent += size
        return data

    def hear(self, data: bytes) -> None:
        """Compares what came.

        Raises:
            Wrong: it is something else.
        """
        if data != cut(self.heard, len(data)):
            raise Wrong(f"bytes {self.heard} to {self.heard + len(data)} differ")
        self.heard += len(data)


def cut(at: int, size: int) -> bytes:
    """So many bytes of what streams carry, from there on."""
    at %= len(PATTERN)
    return (
        (PATTERN[at:] + PATTERN * (1 + size // len(PATTERN)))[:size]
        if at + size > len(PATTERN)
        else PATTERN[at : at + size]
    )


@dataclass
class Stream:
    """A viewer and its endpoint."""

    number: int
    chance: random.Random
    up: Direction = field(default_factory=Direction)
    down: Direction = field(default_factory=Direction)
    talking: bool = True
    met: asyncio.Event = field(default_factory=asyncio.Event)
    """The endpoint has been connected to."""

    async def talk(self, direction: Direction, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Sends until the episode is over."""
        while self.talking:
            await send(direction.next(self.chance.choice(SIZES)))
            await asyncio.sleep(self.chance.choice((0, 0.001, 0.05, 0.2)))

    async def listen(self, direction: Direction, receive: Callable[[], Awaitable[bytes]]) -> None:
        """Hears until the other side hangs up; now and then it reads nothing for a while."""
        while data := await receive():
            direction.hear(data)
            if self.talking and self.chance.random() < 0.01:
                await asyncio.sleep(self.chance.uniform(0.5, 2.0))

    async def heard_all(self) -> None:
        """Returns when all has arrived."""
        while self.up.heard < self.up.sent or self.down.heard < self.down.sent:
            await asyncio.sleep(0.02)


class Soak:
    """All streams, and what became of them."""

    def __init__(self, address: str, context: ssl.SSLContext | None, seed: int) -> None:
        self._address = address
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
                    self._address, ssl=self._context, compression=None, max_size=None, proxy=None,
                    ping_interval=None, open_timeout=PATIENCE, close_timeout=1,
                ) as websocket:  # fmt: skip
                    await self._episode(stream, websocket)
            except Wrong as error:
                self.wrong.append(f"endpoint to viewer: {error}")
            except TimeoutError:
                self.wrong.append(
                    f"stream {number} stood still: {stream.up.heard} of {stream.up.sent} bytes up, "
                    f"{stream.down.heard} of {stream.down.sent} bytes down"
                )
            self.episodes += 1
            self.bytes += stream.up.heard + stream.down.heard

    async def _episode(self, stream: Stream, websocket: ClientConnection) -> None:
        async def receive() -> bytes:
            message = await websocket.recv()
            assert isinstance(message, bytes)
            return message

        await websocket.send(stream.number.to_bytes(4, "big"))
        listening = asyncio.get_running_loop().create_task(stream.listen(stream.down, receive))
        talking = asyncio.get_running_loop().create_task(stream.talk(stream.up, websocket.send))
        try:
            await asyncio.wait({listening, talking}, timeout=stream.chance.uniform(*EPISODE))
            stream.talking = False
            async with asyncio.timeout(PATIENCE):
                await talking
                await stream.met.wait()
                await stream.heard_all()
        finally:
            for task in (listening, talking):
                task.cancel()
            ended = await asyncio.gather(listening, talking, return_exceptions=True)
        for error in ended:
            if isinstance(error, Wrong):
                raise error
        if stream.chance.random() < 0.3:
            websocket.transport.abort()


@contextmanager
def relay(tier: str, loop: str, tls: bool) -> Iterator[tuple[psutil.Process, int, int]]:
    """A relay's process, its port, and the port of its only endpoint."""
    ports = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            ports.append(int(probe.getsockname()[1]))
    with tempfile.TemporaryDirectory() as folder:
        options: dict[str, object] = {"port": ports[0], "endpoint": ports[1], "tier": tier, "loop": loop}
        if tls:
            options["cert"], options["key"] = map(str, self_signed(Path(folder)))
        environment = {
            **os.environ, "DJANGO_SETTINGS_MODULE": "sessions_config.settings", "REMOTE_SERVICE_STATE_DIR": folder,
        }  # fmt: skip
        command = [sys.executable, "-m", "tests.integration.bare_relay", json.dumps(options)]
        with subprocess.Popen(command, cwd=PROJECT, env=environment, stderr=subprocess.DEVNULL) as process:
            try:
                wait_for("the relay", process, ports[0])
                yield psutil.Process(process.pid), ports[0], ports[1]
            finally:
                process.terminate()


def wait_for(what: str, process: subprocess.Popen[bytes], port: int) -> None:
    """Returns once it listens.

    Raises:
        RuntimeError: it does not within 30 s, or has ended.
    """
    until = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{what} does not answer at port {port}; expected it to within 30 s")


async def soak(options: argparse.Namespace) -> int:
    """Runs it, and prints what was found."""
    with relay(options.tier, options.loop, options.tls) as (process, port, endpoint):
        context = None
        if options.tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        scheme = "wss" if options.tls else "ws"
        run = Soak(f"{scheme}://127.0.0.1:{port}/websockify", context, options.seed)
        before = most = process.memory_info().rss
        until = time.monotonic() + options.seconds
        async with await asyncio.start_server(run.serve, "127.0.0.1", endpoint, backlog=1000):
            viewers = [
                asyncio.get_running_loop().create_task(run.viewer(number, until)) for number in range(options.streams)
            ]
            while (await asyncio.wait(viewers, timeout=0.5))[1]:
                most = max(most, process.memory_info().rss)
        for viewer in viewers:
            viewer.result()
    print(f"{run.episodes} viewers of {options.streams} streams, {run.bytes / 1e9:.2f} GB, seed {options.seed}")
    for sentence in run.wrong:
        print(sentence)
    print(bar("streams that differed or stood still", len(run.wrong), "streams", at_most=0))
    growth = (most - before) / 1e6 / options.streams
    most_growth = MOST_GROWTH_TLS if options.tls else MOST_GROWTH
    print(bar("growth of the relay", growth, "MB/stream", at_most=most_growth))
    return 1 if run.wrong else 0


def main() -> int:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--tier", choices=("takeover", "portable"), default="takeover")
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    return asyncio.run(soak(parser.parse_args()))


if __name__ == "__main__":
    raise SystemExit(main())
