"""The crash test: `python -m tests.crash --kills 200 --users 30 --seed 1`; see docs/reliability.md."""

from __future__ import annotations

import argparse
import asyncio
import math
import shutil
import signal
import sys
from pathlib import Path

from tests.crash.backends import backends, names
from tests.crash.report import by_kind, lines, passed
from tests.crash.run import Order, crash
from tests.environment import make_folder


def main(arguments: list[str]) -> int:
    """Runs it and prints its report; 0 when all is as promised."""
    parser = argparse.ArgumentParser(prog="tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--users", type=int, default=30)
    parser.add_argument("--seed", default="1", help="the same one draws the same plan (default %(default)s)")
    parser.add_argument("--keep", type=Path, help="copy the logs of the site here")
    parser.add_argument("--minutes", type=float, default=math.inf, help="after which no more are killed")
    parser.add_argument("--only", action="append", default=[], help="kill these alone (may be repeated); see plan.py")
    options = parser.parse_args(arguments)
    order = Order(options.seed, options.kills, options.users, tuple(options.only), 60 * options.minutes)
    root = make_folder("crash")
    # So that everything is ended then, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with backends(root) as variables:
        print(f"{names(variables)}; seed {options.seed}, {options.kills} kills, {options.users} users", flush=True)
        try:
            result = asyncio.run(crash(order, root, variables))
        finally:
            if options.keep:
                _keep_logs(root, options.keep)
    print("\n".join([*by_kind(result), "", *lines(result)]))
    return 0 if passed(result) else 1


def _keep_logs(root: Path, there: Path) -> None:
    """What the services said, what sessions printed, and which calls scripts got."""
    there.mkdir(parents=True, exist_ok=True)
    for log in (*root.glob("*.out"), *root.glob("marks/*"), *root.glob("state/logs/sessions/*")):
        shutil.copy(log, there)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
