#!/bin/sh
# Ends what start_x11_server.sh started and all that was started on its X server. One that ran before stays.
#
# Run: sh stop_x11_server.sh /tmp/x11-session-mine
# It may be called again: when there is nothing to stop, that is success.
set -eu

fail() {
    echo "stop_x11_server.sh: $*" >&2
    exit 1
}

[ $# -eq 1 ] || fail "expected one argument, the directory that start_x11_server.sh made"
dir=$1
expr "$dir" : '/tmp/x11-session-[A-Za-z0-9_-][A-Za-z0-9_-]*$' >/dev/null ||
    fail "'$dir' is not /tmp/x11-session-NAME"
[ -e "$dir" ] || exit 0
[ -n "$(find "$dir" -prune -type d -user "$(id -u)")" ] || fail "'$dir' is not a directory of this user"

# The processes of this session: by their pid files, unless the number has gone to another process since, and
# by the mark in their environment.
ours() {
    for file in "$dir"/*.pid; do
        [ -f "$file" ] || continue
        pid=$(cat "$file")
        if grep -qsF -e "$dir" "/proc/$pid/cmdline"; then echo "$pid"; fi
    done
    grep -lszxF -e "X11_SESSION_DIR=$dir" /proc/[0-9]*/environ | cut -d / -f 3 || true
}

# Sends the signal and waits, three seconds at most, until all have ended.
end() {
    kill -s "$1" $(ours) 2>/dev/null || true
    tries=0
    while [ -n "$(ours)" ] && [ "$tries" -lt 30 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
}

end TERM
end KILL
[ -z "$(ours)" ] || fail "these processes do not end:" $(ours)
rm -rf "$dir"
