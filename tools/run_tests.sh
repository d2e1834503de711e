#!/usr/bin/env bash
# Linters, types, then the tests with the coverage of all their processes. Run by `make test`, after its set-up.
# Arguments go to pytest; with any, coverage is printed but not judged. TEST_WORKERS says how many tests run at once (4:
# on two cores too, since tests wait as much as they compute).
# `--lint` stops after the types.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=$PWD/.venv/bin/python
least_coverage=95 # per cent of remote_service, lines and branches

# Under /tmp, not TMPDIR: the session account must be able to enter it.
work=$(mktemp -d /tmp/remote-session-tests-XXXXXX)
trap 'rm -rf -- "$work"' EXIT
chmod 0711 "$work"
mkdir -m 0700 "$work/state"

# What the person at the terminal has set for a server of theirs is not for the tests' servers.
unset HOST PORT DATABASE_URL CHANNEL_LAYER_URL WEBSOCKETSERVER_SECURITY_TOKEN
unset REMOTE_SERVICE_CONFIG REMOTE_SERVICE_SCRIPT_DIRS REMOTE_SERVICE_ADMIN_PASSWORD
export REMOTE_SERVICE_STATE_DIR=$work/state

echo "ruff check"
"$python" -m ruff check --quiet .
echo "ruff format --check"
"$python" -m ruff format --check --quiet .
echo "mypy --strict"
if [ "${1:-}" = --lint ]; then
    "$python" -m mypy --no-error-summary
    exit
fi
# On another core the tests are compiled meanwhile; each worker would do it anew. What is wrong with them is told later.
"$python" -m pytest -p no:cacheprovider --collect-only --quiet >"$work/collected.log" 2>&1 &
"$python" -m mypy --no-error-summary
wait

# Every Python process below pytest measures itself: coverage's start-up hook in .venv reads COVERAGE_PROCESS_CONFIG.
# Script hosts get a short list of variables, so that one is put on it; what the processes of the session account have
# measured needs a folder in which others may make files.
export COVERAGE_FILE=$work/coverage/data
export REMOTE_SERVICE_SCRIPT_ENV=COVERAGE_PROCESS_CONFIG
mkdir -m 1733 "$work/coverage"
chmod 1733 "$work/coverage"

# A file's tests run in one process: what they share is made once. They begin in the order in which they are collected.
colour=no
if [ -t 1 ]; then colour=yes; fi
status=0
"$python" -u -m coverage run -m pytest --color="$colour" -n "${TEST_WORKERS:-4}" --dist loadfile --no-loadscope-reorder "$@" 2>&1 |
    tee -i "$work/pytest.log" || status=$?

# No longer sticky: there the kernel may refuse root the files of other accounts (proc(5), fs.protected_regular).
chmod 0700 "$work/coverage"
bar=0
if [ "$status" = 0 ] && [ $# = 0 ]; then bar=$least_coverage; fi
echo
coverage_status=0
"$python" -m coverage combine --quiet 2>"$work/combine.log" || cat "$work/combine.log"
# A process that a test killed may have left half a file, which can be told from nothing: it counts as not measured.
rm -f "$COVERAGE_FILE".*
"$python" -m coverage report --fail-under="$bar" || coverage_status=$?

# What one looks for comes last: how the tests ended.
echo
tail -n 1 "$work/pytest.log"
if [ "$status" != 0 ]; then exit "$status"; fi
exit "$coverage_status"
