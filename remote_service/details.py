"""Sentences that rows keep, beyond those of the endings: why a start failed, a viewer was refused, a slot is kept.

A row has the English text alone, which logs, REST and searches want. Pages find by its shape what a text was made of
(`texts.recognised`) and say that in their own language. So each sentence is written here, once, and no two look alike.
"""

from __future__ import annotations

from remote_service.texts import Sentence
from remote_service.texts import sentence as _

# ---- what a call of the script came to ----------------------------------------------------------------------

WAS_INTERRUPTED = _("%(call)s() was interrupted.")
RETURNED = _("%(call)s() returned %(found)s.")
LEFT_BY_EXIT = _("%(call)s() left by sys.exit(%(argument)s).")
RAISED = _("%(call)s() raised %(error)s.")
TOOK_TOO_LONG = _("%(call)s() had not returned after %(seconds)s s.")
NO_ENDPOINT = _("start() succeeded, but never called set_host_port() or a sibling of it.")
NEVER_LISTENED = _("Nothing listened at %(endpoint)s in time.")
SCRIPT_DIED = _("The script ended its process: %(how)s.")
DIED_AGAIN = _("The script's process ended again and again, the last time so: %(how)s.")
ENDED_EARLY = _("The program ended before it could be reached: %(reason)s")

# ---- whether it lives ---------------------------------------------------------------------------------------

POLL_SILENT = _("poll() has not answered for %(seconds)s s.")
POLL_FAILED = _("poll() failed: %(reason)s")
PROGRAM_ENDED = _("%(program)s has ended: %(how)s.")
NO_ENDPOINT_YET = _("It has no endpoint yet.")
UNSEEN = _("nobody saw how")
ITS_SOCKET = _("its socket %(name)s")
LISTENS_NO_MORE = _("Nothing listens at %(endpoint)s any more.")
LISTENS_NOT_YET = _("Nothing listens at %(endpoint)s yet.")

RUNNER_SILENT = _("The process that holds it has not answered for %(seconds)s s.")
RUNNER_WITHOUT_SOCKET = _(
    "The process that holds it lives, but its socket has been removed, so nobody can reach it. Another one takes its "
    "place once staff has ended it with 'kill -9 %(process)s'."
)
RUNNER_UNREACHABLE = _("The process that holds it cannot be reached: %(error)s.")
RUNNER_ELSEWHERE = _("The process that holds it is at %(place)s, where this supervisor cannot reach it.")
RUNNER_OF_NAMESAKE = _(
    "The process that holds it is not found here: it was started at %(place)s by another machine of this name, or "
    "before this one was started again."
)
RUNNER_NOWHERE = _("The process that holds it is not at %(place)s, and an earlier release did not write where it is.")
FOUND_AGAIN = _("Whoever supervised before has gone; the same processes go on.")
REPLACED = _("The process that held it had ended; its programs go on under another one.")
NO_SUCCESSOR = _("The process that held it has ended, and no other can take its place: %(error)s")

TOOK_MORE_MEMORY = _("It used more than its %(memory)s of memory.")
WANTED_MORE_TASKS = _("It wanted more than its %(tasks)s processes and threads, and was refused them. %(what)s")

# ---- what the server did ------------------------------------------------------------------------------------

IS_WANTED = _("It is wanted.")
REACHED_AT = _("It can be reached at %(endpoint)s.")
NOT_PREPARED = _("The server could not prepare it.")
SEALED_WITH_ANOTHER_KEY = _("A sealed secret cannot be opened: SECRET_KEY has changed since it was stored.")
TYPE_GONE = _("The type %(type)s is not in the sessions file any more.")
TYPE_NOT_HAD = _("The sessions file cannot be read, and the type %(type)s as it was before cannot be loaded again.")
SLOT_GONE = _("The type %(type)s has %(count)s of its slots left, and this is number %(number)s.")
NOT_LOADED_AGAIN = _("The script could not be loaded again: %(fault)s.")
HOST_ENDED = _("The script host has ended.")
HOST_SILENT = _("The script host did not answer within %(seconds)s s.")
HOST_NOT_REACHED = _("The script host cannot be reached: %(error)s.")
NOT_FORKED = _("The script host could not fork: %(error)s.")
SWITCHED_ON = _("External sessions are on.")
SWITCHED_OFF = _("External sessions are off.")
SURVIVORS = _("processes %(pids)s could not be ended")
STOP_FAILED = _("stop() failed, as its log tells: see that nothing of the session is left")
STOP_HUNG = _("stop() did not return in time, so nobody knows what it left")

# ---- what a viewer met --------------------------------------------------------------------------------------

OTHER_ORIGIN = _("The websocket's Origin is another site, so its cookie does not count.")
MAY_NOT_SEE = _("Who opened the websocket may not see this session.")
HAS_NOT_SAID_WHY = _("Who opened the websocket has not said why they look at somebody else's session.")
HAS_TOO_MANY_VIEWERS = _("Who opened the websocket has %(most)s viewers open on this session already.")
COMES_TOO_OFTEN = _("The guest's viewer came too often within a minute.")
RUNS_ELSEWHERE = _("It runs on %(machine)s; open it through the gateway there.")
NAMESAKE = _("another machine named %(machine)s")
UNREACHABLE = _("%(endpoint)s cannot be reached: %(error)s.")
SAID_NOTHING = _("The VNC server hung up before it said anything.")
NO_BANNER = _(
    "Nothing of a VNC server came within %(seconds)s s; expected its RFB banner. "
    'A type that is no VNC needs "stream": "raw".'
)
NO_RFB = _(
    "The endpoint speaks no RFB: it began with %(found)s; expected b'RFB 003.008\\n' or the like. "
    'A type that is no VNC needs "stream": "raw".'
)
NOT_LET_IN = _("The VNC server did not let the gateway in within %(seconds)s s.")
NO_VNC = _("It is no VNC.")
IS_TERMINAL = _("This session is a terminal; its page is not a screen.")
NO_PASSWORD = _("The session's password is not to be had: SECRET_KEY has changed since it was stored.")

ALL = tuple(found for found in tuple(globals().values()) if isinstance(found, Sentence))
