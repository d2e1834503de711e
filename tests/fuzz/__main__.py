"""Looks for bytes that break a promise of `properties`: `python -m tests.fuzz [SECONDS]`, a minute by default.

The exit code is 0 when nothing was found. A finding is told with its bytes in hexadecimal, and how to see it again:
`python -m tests.fuzz --again HEX`.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

try:
    import atheris
except ImportError:
    atheris = None

if atheris is not None and "--guided" in sys.argv:
    with atheris.instrument_imports(include=["remote_service.rfb"]):
        from tests.fuzz import properties
else:
    from tests.fuzz import properties

from tests.fuzz.seeds import LONGEST, seeds

TOO_LONG = 5
"""Seconds that no input may take: a few thousand bytes are read in milliseconds."""


def main(arguments: list[str]) -> int:
    """Run; see the module. `--guided FOLDER SECONDS` is how it starts itself."""
    match arguments:
        case ["--again", data]:
            properties.check(bytes.fromhex(data))
            print("It breaks nothing.")
            return 0
        case ["--guided", folder, seconds]:
            guided(Path(folder), int(seconds))
        case [] | [_]:
            return search(int(arguments[0]) if arguments else 60)
    print(__doc__, file=sys.stderr)
    return 2


def search(seconds: int) -> int:
    """Check what is known, then go on from there; returns the exit code."""
    known = list(seeds())
    for seed in known:
        check(seed)
    print(f"{len(known)} known inputs broke nothing; trying others for {seconds} s", flush=True)
    if atheris is None:
        return at_random(known, seconds)
    with tempfile.TemporaryDirectory(prefix="remote-session-fuzz-") as folder:
        for number, seed in enumerate(known):
            Path(folder, f"{number:05}").write_bytes(seed)
        # In a process of its own, which atheris ends without a return.
        status = subprocess.run([sys.executable, "-m", "tests.fuzz", "--guided", folder, str(seconds)]).returncode
    print("Something was found; it stands above." if status else "Nothing was found.")
    return status


def check(data: bytes) -> None:
    """Check one input; a finding tells its bytes first."""
    try:
        properties.check(data)
    except BaseException:
        print(f"Found. See it again by: .venv/bin/python -m tests.fuzz --again {data.hex()}", file=sys.stderr)
        raise


def guided(corpus: Path, seconds: int) -> None:
    """Let atheris choose the inputs by what they reach. It ends the process itself, with its own exit code.

    An input that takes too long it leaves in a file, which it names.
    """
    found = Path(tempfile.gettempdir(), "remote-session-found-")
    options = [
        f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-timeout={TOO_LONG}", "-rss_limit_mb=1024",
        "-verbosity=0", "-print_final_stats=1", f"-artifact_prefix={found}", str(corpus),
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options], check)
    atheris.Fuzz()


def at_random(known: list[bytes], seconds: int) -> int:
    """Change seeds here and there, until the time is up; for machines that atheris does not know."""
    chance, tried = random.Random(), 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = bytearray(chance.choice(known))
        for _ in range(chance.randint(1, 8)):
            at = chance.randrange(len(data))
            match chance.randrange(3):
                case 0:
                    data[at] = chance.choice((0, 1, 127, 128, 255, chance.randrange(256)))
                case 1:
                    del data[at : at + chance.randint(1, 8)]
                case _:
                    data[at:at] = chance.choice(known)[: chance.randint(1, 40)]
            data = data or bytearray(1)
        check(bytes(data[:LONGEST]))
        tried += 1
    print(f"{tried} inputs broke nothing.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
