"""Where scripts run: a script host per type, a runner per session, and the supervisor's side of both.

    supervisor (client.py)  --socketpair-->  script host (script_host.py): imported the script once
                            --Unix socket->  runner (runner.py): a fork of the host, one a session; our code only
                                               `-> worker (worker.py): a fork of the runner: the script's calls

The runner never runs a line of the script: whatever the script does to its process (hangs, exits, closes
descriptors), the runner keeps the session's log, ends what is left and says what happened. Nothing here imports
Django.
"""

from __future__ import annotations
