#!/bin/sh
# Finds a Python that can do the set-up and hands over to tools/setup.py: `tools/setup.sh setup|run|test|lint|fuzz|crash-test`.
# PYTHON=/path/to/python3 names the one to make .venv with; a .venv that works is kept.
set -eu
cd "$(dirname "$0")/.."

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

if [ -n "${PYTHON:-}" ]; then
    candidates=$PYTHON
elif [ "$(id -u)" = 0 ]; then
    # Sessions run as another account, which must be able to read the interpreter: one below /root it cannot.
    candidates='/usr/bin/python3 /usr/bin/python3.14 /usr/bin/python3.13 /usr/bin/python3.12 /usr/bin/python3.11
        /usr/local/bin/python3 python3'
else
    candidates='python3 /usr/bin/python3 python3.14 python3.13 python3.12 python3.11'
fi

for candidate in .venv/bin/python $candidates; do
    if new_enough "$candidate"; then
        exec "$candidate" -m tools.setup "$@"
    fi
done

if [ "$(id -u)" = 0 ]; then sudo=''; else sudo='sudo '; fi
if [ -n "${PYTHON:-}" ]; then
    echo "PYTHON is '$PYTHON', which is not a Python 3.11 or newer. Name one that is, or leave PYTHON unset." >&2
else
    echo "No Python 3.11 or newer was found. On Debian 12 type: ${sudo}apt-get install python3 python3-venv" \
        "(elsewhere install one and name it: PYTHON=/path/to/python3 make run)" >&2
fi
exit 1
