#!/bin/sh
# Starts x11vnc on an X server: on one of its own (Xvfb), or on one that runs already (-x :0).
#
# Needs: Linux, x11vnc; for a server of its own Xvfb; openbox and xterm are started on it when they are there.
# Run:   VNC_PASSWORD=secret12 sh start_x11_server.sh -d /tmp/x11-session-mine -s 1600x1200
# Ends:  sh stop_x11_server.sh /tmp/x11-session-mine
#
#   -d DIR      private directory to make, /tmp/x11-session-NAME; holds pid files, logs and the X cookie
#   -s SIZE     size of a new X server, such as 1600x1200
#   -x DISPLAY  an X server that runs already, such as :0; then there is no -s, and nothing is started on it
#   -a FILE     its X authority file; "guess" lets x11vnc look for it
#   -n NAME     the desktop's name, as viewers show it
#   -p PORT     first TCP port to try, 5900 unless given
#   -l          listen on the loopback interface only, also when called over ssh
#   COMMAND...  what to start on a new X server instead of xterm
#
# The VNC password is taken from the shell variable VNC_PASSWORD. x11vnc_desktop_session.py sends this script
# over standard input, behind a line that sets the variable: no command line and no environment holds it.
# When all is ready one line says where: X11-SESSION port=5900 pid=1234 display=:1
set -eu
umask 077

fail() {
    [ -z "${made:-}" ] || tail -n 80 "$dir"/*.log >&2 2>/dev/null || true
    echo "start_x11_server.sh: $*" >&2
    exit 1
}

dir= size= display= authority= name="X11 session" first_port=5900 loopback=
while getopts d:s:x:a:n:p:l option; do
    case $option in
    d) dir=$OPTARG ;;
    s) size=$OPTARG ;;
    x) display=$OPTARG ;;
    a) authority=$OPTARG ;;
    n) name=$OPTARG ;;
    p) first_port=$OPTARG ;;
    l) loopback=yes ;;
    *) fail "see the first lines of this file for the options" ;;
    esac
done
shift $((OPTIND - 1))

matches() { expr "$1" : "$2\$" >/dev/null; }
matches "$dir" '/tmp/x11-session-[A-Za-z0-9_-][A-Za-z0-9_-]*' ||
    fail "-d is '$dir'; expected /tmp/x11-session-NAME"
matches "$first_port" '[1-9][0-9]*' || fail "-p is '$first_port'; expected a port such as 5900"
[ -n "$display" ] || matches "$size" '[1-9][0-9]*x[1-9][0-9]*' ||
    fail "-s is '$size'; expected a size such as 1600x1200, or -x DISPLAY"
[ -n "${VNC_PASSWORD:-}" ] || fail "VNC_PASSWORD is empty; a display without a password is open to everybody"
password=$VNC_PASSWORD
unset VNC_PASSWORD
command -v x11vnc >/dev/null || fail "x11vnc is not installed on $(hostname): install the package x11vnc"
[ -n "$display" ] || command -v Xvfb >/dev/null ||
    fail "Xvfb is not installed on $(hostname): install the package xvfb"

# mkdir fails when somebody was there before us: no file of ours goes into a directory of somebody else.
mkdir -m 700 "$dir"
made=yes
# The mark by which stop_x11_server.sh finds what is started here, and what that starts.
export X11_SESSION_DIR="$dir"

undo() {
    status=$?
    [ "$status" -eq 0 ] && return
    kill ${x_pid:-} ${vnc_pid:-} 2>/dev/null || true
    rm -rf "$dir"
    exit "$status"
}
trap undo EXIT
trap 'exit 1' HUP INT TERM

# Both servers report by a pipe when they are ready, and it is at its end when they died instead.
mkfifo "$dir/ready" "$dir/port" "$dir/wm"

if [ -z "$display" ]; then
    authority=$dir/xauthority
    # An X authority file (Xau(3)): family "wild", no address, no number, the name, a cookie of 16 bytes.
    {
        printf '\377\377\000\000\000\000\000\022MIT-MAGIC-COOKIE-1\000\020'
        head -c 16 /dev/urandom
    } >"$authority"
    Xvfb -displayfd 3 -screen 0 "${size}x24" -nolisten tcp -noreset -auth "$authority" \
        3>"$dir/ready" >"$dir/x.log" 2>&1 </dev/null &
    x_pid=$!
    echo "$x_pid" >"$dir/x.pid"
    number=$(timeout 20 head -n 1 "$dir/ready") || true
    [ -n "$number" ] || fail "Xvfb did not start"
    display=:$number
    (
        export DISPLAY="$display" XAUTHORITY="$authority"
        cd "${HOME:-/}"
        exec >"$dir/programs.log" 2>&1 </dev/null
        if command -v xsetroot >/dev/null; then xsetroot -solid '#2b3440' & fi
        if command -v openbox >/dev/null; then
            # A window that is there before its window manager does not get the keyboard.
            openbox --startup "sh -c 'echo ready >$dir/wm'" &
            timeout 5 head -n 1 "$dir/wm" || true
        fi
        if [ $# -gt 0 ]; then
            "$@" &
        elif command -v xterm >/dev/null; then
            xterm -geometry 100x32+60+60 -fa Monospace -fs 11 -bg '#14181f' -fg '#e6e9ef' &
        fi
    )
fi

# Over ssh: the interface that the call came in by, which is the one the gateway reaches.
set -- ${SSH_CONNECTION:-}
address=${3:-127.0.0.1}
if [ -n "$loopback" ] || [ "$address" = 127.0.0.1 ]; then
    set -- -localhost
else
    case $address in
    *:*) set -- -listen 127.0.0.1 -rfbportv6 -1 -listen6 "$address" ;;
    *) set -- -listen "$address" -no6 -rfbportv6 -1 ;;
    esac
fi
[ -z "$authority" ] || set -- "$@" -auth "$authority"

printf '%s\n' "$password" >"$dir/password"
x11vnc -norc -quiet -display "$display" -desktop "$name" "$@" -passwdfile "rm:$dir/password" -autoport "$first_port" \
    -flag "$dir/port" -forever -shared -noxrecord 9>"$dir/port" >"$dir/x11vnc.log" 2>&1 </dev/null &
vnc_pid=$!
echo "$vnc_pid" >"$dir/x11vnc.pid"
port=$(timeout 20 head -n 1 "$dir/port") || true
[ -n "$port" ] || fail "x11vnc did not start on display $display"

echo "X11-SESSION port=${port#PORT=} pid=$vnc_pid display=$display"
