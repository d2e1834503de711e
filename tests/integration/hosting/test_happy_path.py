"""Sessions of sound scripts, from load to end: what the script contract promises, on real processes."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import time
from pathlib import Path

import uvloop

from remote_service.answers import Answer
from remote_service.endpoints import Endpoint, EndpointKind
from remote_service.hosting import processes
from remote_service.hosting.status import Phase, StartFault, StopOutcome
from tests.integration.hosting.stage import TOKEN, Play, Stage, alive, command, eventually, eventually_async, pid_in

NEXUS = """
# Simple example remote service. The loader will call a method to
# realize the services associated with a specific service name.
from nexus_remote_service import RemoteServiceScript
import subprocess
import time
class SimpleVNC(RemoteServiceScript):
    def __init__(self, *args, **kwargs):
        super(SimpleVNC, self).__init__(*args, **kwargs)
    def display_base(self):
        return self._common_options.get("display_base", 100)
    def start(self, token, timestamp=time.time(), options=dict()):
        username = options.get('username', '')
        size = options.get('size', '1600x1200')
        cmd = ["vncserver", "-depth", "24", "-geometry", size, ":"+str(self.display_base()+self._index)]
        try:
            print("SimpleVNC start: {} {}".format(self, cmd))
            code = subprocess.call(cmd)
            if code != 0:
                return False
        except:
            return False
        self.set_host_port("localhost", 5900+self._index+self.display_base())
        return super(SimpleVNC, self).start(token, timestamp=timestamp, options=options)
    def stop(self):
        cmd = ["vncserver", "-kill", ":"+str(self.display_base()+self._index)]
        try:
            print("SimpleVNC stop: {} {}".format(self, cmd))
            code = subprocess.call(cmd)
        except:
            pass
        return super(SimpleVNC, self).stop()
def realize_service(name="", count=1, index=0, common_options=dict()):
    print("Realizing SimpleVNC service: {} {} {} {}".format(name, count, index, common_options))
    return SimpleVNC(name, count=count, index=index, common_options=common_options)
"""
"""The script of the product's manual, as it would be dropped beside a sessions file."""

VNCSERVER = """\
#!/usr/bin/env python3
# Stands for TigerVNC's or TightVNC's wrapper: leaves a server in the background that listens at 5900 + display.
import os, signal, socket, sys
from pathlib import Path

display = int(sys.argv[-1].lstrip(":"))
pid_file = Path(__file__).with_name(f"pid.{display}")
if "-kill" in sys.argv:
    os.kill(int(pid_file.read_text()), signal.SIGTERM)
    pid_file.unlink()
    sys.exit(0)
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 5900 + display))
listener.listen()
if os.fork():
    print("New X desktop is", display, sys.argv[1:])
    os._exit(0)
os.setsid()
if child := os.fork():
    pid_file.write_text(str(child))
    os._exit(0)
signal.pause()
"""


async def test_a_session_starts_is_reached_and_stops(stage: Stage) -> None:
    play = await stage.only("class Service(Good): pass")
    assert play.status.phase is Phase.IDLE
    ready = await play.ready()
    assert ready.endpoint is not None and ready.endpoint.kind is EndpointKind.UNIX
    over = await play.stop()
    assert (over.fault, over.stop, over.survivors) == (None, StopOutcome.DONE, ())
    assert stage.calls() == ["start 0", "stop 0"]
    phases = [list(Phase).index(status.phase) for status in play.statuses]
    assert phases == sorted(phases)
    await play.dismiss()


def test_it_works_on_the_event_loop_of_the_product(tmp_path: Path) -> None:
    async def session() -> None:
        tmp_path.chmod(0o755)
        stage = Stage(tmp_path)
        try:
            play = await stage.only("class Service(Good): pass")
            await play.ready()
            assert (await play.stop()).stop is StopOutcome.DONE
            await play.dismiss()
        finally:
            await stage.close()

    uvloop.run(session())


def free_display(first: int) -> int:
    """A VNC display whose port is free, and so are the next two."""
    listening = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    return next(d for d in range(first, 50000) if not any(f":{5900 + d + i:04X} " in listening for i in range(3)))


async def test_a_script_written_for_nexus_runs_unchanged(stage: Stage) -> None:
    stage.write("bin/vncserver", VNCSERVER, mode=0o755)
    (stage.scripts / "bin").chmod(0o777)
    stage.extra_environment["PATH"] = f"{stage.scripts / 'bin'}:{os.environ['PATH']}"
    display = free_display(1000 + os.getpid() % 20000)
    host = await stage.host(stage.write("desktop_session.py", NEXUS), options={"display_base": display - 1})
    play = await stage.play(host, index=1)
    ready = await play.ready(options={"size": "1280x1024"})
    assert ready.endpoint == Endpoint.tcp("localhost", 5900 + display)
    server = await pid_in(stage.scripts / "bin" / f"pid.{display}")
    assert alive(server)
    over = await play.stop()
    assert (over.fault, over.stop) == (None, StopOutcome.DONE)
    assert not alive(server)
    assert "SimpleVNC start: " in play.log and "'-geometry', '1280x1024', " in play.log
    assert "Realizing SimpleVNC service: A type 2 1 {'display_base'" in stage.type_log.read_text()
    await play.dismiss()


async def test_a_nexus_script_whose_command_fails_is_not_stopped(stage: Stage) -> None:
    stage.write("bin/vncserver", '#!/bin/sh\necho called with "$@"\nexit 1\n', mode=0o755)
    stage.extra_environment["PATH"] = f"{stage.scripts / 'bin'}:{os.environ['PATH']}"
    play = await stage.play(await stage.host(stage.write("desktop_session.py", NEXUS)))
    over = await play.fails()
    assert (over.fault, over.detail) == (StartFault.FALSY, "start() returned False.")
    assert over.stop is StopOutcome.NOT_CALLED
    assert "called with -depth 24 -geometry 800x600 :100\n" in play.log
    assert "-kill" not in play.log
    await play.dismiss()


async def test_modules_files_and_shell_scripts_lie_beside_a_script(stage: Stage) -> None:
    stage.write("site_lib.py", "def greeting(): return 'from a module beside'")
    stage.write("site_package/__init__.py", "NAME = 'from a package beside'")
    stage.write("greeting.txt", "from a file beside")
    stage.write("run_me.sh", '#!/bin/sh\necho "from a shell script beside: $1"\n', mode=0o755)
    play = await stage.only(
        """
        import site_lib, site_package
        from pathlib import Path
        BESIDE = Path(__file__).parent

        class Service(Good):
            def start(self, token, timestamp=None, options=None):
                print(site_lib.greeting())
                print(site_package.NAME)
                print((BESIDE / "greeting.txt").read_text())
                answer = self.run([BESIDE / "run_me.sh", "an argument"])
                assert (answer.returncode, answer.stdout) == (0, "from a shell script beside: an argument\\n")
                subprocess.run([str(BESIDE / "run_me.sh"), "plain"], check=True)
                return super().start(token)
        """
    )
    await play.ready()
    lines = play.log.splitlines()
    for line in (
        "from a module beside",
        "from a package beside",
        "from a file beside",
        "from a shell script beside: an argument",
        "from a shell script beside: plain",
    ):
        assert line in lines
    await play.stop()


async def test_a_script_may_have_the_name_of_a_standard_module(stage: Stage) -> None:
    host = await stage.host(stage.script("class Service(Good): pass", name="signal.py"))
    play = await stage.play(host)
    await play.ready()
    assert (await play.stop()).stop is StopOutcome.DONE


async def test_the_contract_s_attributes_and_arguments_arrive(stage: Stage) -> None:
    host = await stage.host(
        stage.script(
            """
            import json
            class Service(Good):
                def start(self, token, timestamp=None, options=None):
                    mine = [self._name, self._count, self._index, self._common_options]
                    assert mine == [self.name, self.count, self.index, self.common_options]
                    note(json.dumps([*mine, token, timestamp, options]))
                    return super().start(token)
            """
        ),
        count=3,
        options={"sizes": ["800x600"], "own": {"key": [1, 2.5, None, True]}},
    )
    play = await stage.play(host, index=2)
    await play.ready(options={"cores": "4"})
    assert json.loads(stage.calls()[0]) == [
        "A type", 3, 2, {"sizes": ["800x600"], "own": {"key": [1, 2.5, None, True]}},
        TOKEN, 1234.5, {"username": "alice", "size": "800x600", "cores": "4"},
    ]  # fmt: skip
    assert TOKEN not in play.log
    await play.stop()


async def test_every_session_finds_its_instance_as_realize_service_made_it(stage: Stage) -> None:
    host = await stage.host(
        stage.script(
            """
            SEEN = []
            class Service(Good):
                def __init__(self, *args, **kwargs):
                    super().__init__(*args, **kwargs)
                    self.made_in = os.getpid()
                    self.starts = []
                    self.common_options["list"].append(self.index)

                def start(self, token, timestamp=None, options=None):
                    self.starts.append(token)
                    SEEN.append(self.index)
                    note([self.made_in == os.getppid(), len(self.starts), SEEN, self.common_options["list"]])
                    note(os.getpid() == self.made_in)
                    return super().start(token)
            """
        ),
        options={"list": []},
    )
    for index in (0, 1, 0):
        play = await stage.play(host, index=index)
        await play.ready()
        await play.stop()
        await play.dismiss()
    noted = [line for line in stage.calls() if line.startswith(("[", "T", "F"))]
    assert noted == [
        "[False, 1, [0], [0]]", "False",
        "[False, 1, [1], [1]]", "False",
        "[False, 1, [0], [0]]", "False",
    ]  # fmt: skip


async def test_start_poll_and_stop_run_in_one_process_with_its_own_group(stage: Stage) -> None:
    play = await stage.only(
        """
        class Service(Good):
            def whereabouts(self):
                return f"{os.getpid()} {os.getpgid(0)} {os.getsid(0)}"
            def start(self, token, timestamp=None, options=None):
                note(self.whereabouts())
                return super().start(token)
            def poll(self):
                note(self.whereabouts())
                return super().poll()
            def stop(self):
                note(self.whereabouts())
                return True
        """
    )
    await play.ready()
    eventually(lambda: len(stage.calls()) > 3)
    await play.stop()
    noted = {line for line in stage.calls() if not line.startswith("s")}
    assert len(noted) == 1
    pid, group, leader = map(int, noted.pop().split())
    assert pid == group != play.runner
    assert leader == play.runner, "the runner leads a session of its own"
    assert processes.look(pid) is None


async def test_a_session_that_nobody_started_is_over_at_once_and_calls_nothing(stage: Stage) -> None:
    play = await stage.only("class Service(Good): pass")
    over = await play.stop()
    assert (over.stop, over.fault, stage.calls()) == (StopOutcome.NOT_CALLED, None, [])
    await play.dismiss()


async def test_what_spawn_started_is_ended_although_stop_does_nothing(stage: Stage) -> None:
    play = await stage.only(
        """
        class Service(Good):
            def start(self, token, timestamp=None, options=None):
                self.spawn(["sleep", "1000"])
                return super().start(token)
        """
    )
    await play.ready()
    assert [line for line in play.left() if "sleep 1000" in line]
    over = await play.stop()
    assert over.survivors == ()
    await play.dismiss()


async def test_a_start_that_returns_false_has_what_it_spawned_ended(stage: Stage) -> None:
    play = await stage.only(
        """
        class Service(Good):
            def start(self, token, timestamp=None, options=None):
                note(f"pid {self.spawn(['sleep', '1000']).pid}")
                return 0
        """
    )
    over = await play.fails()
    assert (over.fault, over.stop, over.detail) == (StartFault.FALSY, StopOutcome.NOT_CALLED, "start() returned 0.")
    pid = int(stage.calls()[0].split()[1])
    assert stage.calls()[1:] == [] and not alive(pid)
    await play.dismiss()


async def test_a_program_that_ends_is_reported_and_the_session_waits_for_its_supervisor(stage: Stage) -> None:
    play = await stage.only(
        """
        class Service(Good):
            def start(self, token, timestamp=None, options=None):
                self.spawn(["sh", "-c", "read x < go; exit 3"], cwd=CALLS.parent)
                return super().start(token)
        """
    )
    os.mkfifo(stage.scripts / "go", 0o666)
    (stage.scripts / "go").chmod(0o666)
    ready = await play.ready()
    assert ready.poll.answer is Answer.ALIVE
    (stage.scripts / "go").write_text("x\n")
    ended = await play.until(lambda status: status.poll.answer is Answer.ENDED)
    assert ended.poll.reason == "sh has ended: exit status 3."
    assert ended.phase is Phase.READY
    assert (await play.stop()).stop is StopOutcome.DONE


async def test_a_program_that_ends_before_it_listens_fails_the_start(stage: Stage) -> None:
    play = await stage.only(
        """
        class Service(Good):
            def start(self, token, timestamp=None, options=None):
                self.spawn(["sh", "-c", "exit 4"])
                self.set_unix_socket(self.scratch / "never")
                return True
        """
    )
    over = await play.fails()
    assert over.fault is StartFault.ENDED_EARLY
    assert over.detail == "The program ended before it could be reached: sh has ended: exit status 4."
    assert over.stop is StopOutcome.DONE and stage.calls() == ["stop 0"]


async def test_the_endpoint_s_socket_is_watched(stage: Stage) -> None:
    play = await stage.only(
        """
        class Service(Good):
            polls = 0
            def poll(self):
                self.polls += 1
                if self.polls == 3:
                    self.listener.close()
                return super().poll()
        """
    )
    ready = await play.ready()
    ended = await play.until(lambda status: status.poll.answer is Answer.ENDED)
    assert ready.endpoint is not None
    name = Path(ready.endpoint.path).name
    assert ended.poll.reason == f"Nothing listens at its socket {name} any more."
    await play.stop()


async def test_hooks_reach_the_user(stage: Stage) -> None:
    stage.write("own.log", "x" * 9000 + "\nthe last line of its own log\n")
    play = await stage.only(
        """
        from remote_service.answers import Poll
        class Service(Good):
            def validate_options(self, options):
                return "No more than 8 cores." if options.get("cores") == "9" else None
            def poll(self):
                return Poll.pending("waits for a node")
            def progress(self):
                return "2 of 3"
            def log_files(self):
                return [CALLS.with_name("own.log"), CALLS.with_name("there-is-none.log")]
            def start(self, token, timestamp=None, options=None):
                if options.get("cores") == "0":
                    raise ValueError("no cores")
                return super().start(token)
        """
    )
    await play.ready()
    pending = await play.until(lambda status: status.poll.answer is Answer.PENDING)
    assert (pending.poll.reason, pending.progress) == ("waits for a node", "2 of 3")
    await play.stop()
    await play.dismiss()
    host = await stage.host(stage.scripts / "script.py")
    refused = await stage.play(host)
    over = await refused.fails(options={"cores": "9"})
    assert (over.fault, over.detail) == (StartFault.REFUSED, "No more than 8 cores.")
    assert over.stop is StopOutcome.NOT_CALLED
    raised = await stage.play(host)
    over = await raised.fails(options={"cores": "0"})
    assert over.detail == "start() raised ValueError: no cores."
    assert "the last line of its own log" in raised.log
    assert "x" * 8193 not in raised.log
    assert stage.calls() == ["start 0", "stop 0", "stop 0"]


async def test_a_password_is_told_to_the_gateway_and_masked_in_the_log(stage: Stage) -> None:
    play = await stage.only(
        """
        from remote_service.answers import Poll
        class Service(Good):
            def start(self, token, timestamp=None, options=None):
                for _ in range(2000):
                    made = self.new_password()
                    print("made", made)
                self.listen()
                path = self.scratch / "sock"
                print("before", file=sys.stderr)
                self.set_unix_socket(path, password="chosen-by-hand")
                print("the password is chosen-by-hand and", token)
                self.made = made
                return True
            def poll(self):
                return Poll.alive(f"{self.made} chosen-by-hand")
            def progress(self):
                return f"progress {self.made}"
            def stop(self):
                raise RuntimeError("chosen-by-hand")
        """
    )
    ready = await play.ready()
    assert ready.password == "chosen-by-hand"
    polled = await play.until(lambda status: bool(status.progress))
    assert (polled.poll.reason, polled.progress) == ("******** ********", "progress ********")
    await play.stop()
    log = play.log
    assert log.count("made ********\n") == log.count("made ") == 2000
    assert "chosen-by-hand" not in log and TOKEN not in log
    assert "the password is ******** and ********\n" in log
    assert "RuntimeError: ********\n" in log


async def test_the_scratch_directory_is_private_and_goes_with_the_session(stage: Stage) -> None:
    play = await stage.only("class Service(Good): pass")
    ready = await play.ready()
    assert ready.endpoint is not None
    scratch = Path(ready.endpoint.path).parent
    assert stat.S_IMODE(scratch.stat().st_mode) == 0o700
    assert len(str(scratch)) < 60
    await play.stop()
    assert not scratch.exists()


async def test_a_terminal_is_ready_without_a_socket(stage: Stage) -> None:
    play = await stage.only(
        """
        class Service(Good):
            def start(self, token, timestamp=None, options=None):
                self.set_terminal(["tmux", "attach"])
                return True
        """
    )
    ready = await play.ready()
    assert ready.endpoint == Endpoint.terminal(["tmux", "attach"])
    await play.stop()


async def test_xpra_is_an_endpoint_too(stage: Stage) -> None:
    play = await stage.only(
        """
        class Service(Good):
            def start(self, token, timestamp=None, options=None):
                port = self.free_port()
                self.listener = socket.create_server(("127.0.0.1", port))
                self.set_xpra("127.0.0.1", port)
                return True
        """
    )
    ready = await play.ready()
    assert ready.endpoint is not None and ready.endpoint.kind is EndpointKind.XPRA
    await play.stop()


async def test_a_start_may_return_before_the_endpoint_listens(stage: Stage) -> None:
    play = await stage.only(
        """
        SERVER = (
            "import socket, sys, time; input(); s = socket.socket(socket.AF_UNIX); "
            "s.bind(sys.argv[1]); s.listen(); time.sleep(1000)"
        )
        class Service(Good):
            def start(self, token, timestamp=None, options=None):
                path = self.scratch / "late"
                subprocess.Popen([sys.executable, "-c", SERVER, str(path)], stdin=open(CALLS.with_name("go")))
                self.set_unix_socket(path)
                return True
        """
    )
    os.mkfifo(stage.scripts / "go")
    (stage.scripts / "go").chmod(0o666)
    await play.start()
    writing = await asyncio.to_thread(os.open, stage.scripts / "go", os.O_WRONLY)
    await play.reach(Phase.WAITING)
    pending = await play.until(lambda status: status.poll.answer is Answer.PENDING)
    assert pending.poll.reason == "Nothing listens at its socket late yet."
    os.write(writing, b"\n")
    os.close(writing)
    await play.reach(Phase.READY)
    assert (await play.stop()).survivors == ()
    await play.dismiss()


async def test_an_endpoint_that_never_listens_fails_the_start_and_stop_is_called(stage: Stage) -> None:
    play = await stage.only(
        """
        class Service(Good):
            def start(self, token, timestamp=None, options=None):
                self.set_unix_socket("/nowhere/at/all")
                return True
        """
    )
    over = await play.fails(timeout=1.0)
    assert over.fault is StartFault.NEVER_LISTENED
    assert over.detail == "Nothing listened at unix:/nowhere/at/all in time."
    assert (over.stop, stage.calls()) == (StopOutcome.DONE, ["stop 0"])


async def test_a_start_without_an_endpoint_fails_and_stop_is_called(stage: Stage) -> None:
    play = await stage.only(
        """
        class Service(Good):
            def start(self, token, timestamp=None, options=None):
                return True
        """
    )
    over = await play.fails()
    assert over.fault is StartFault.NO_ENDPOINT
    assert over.detail == "start() succeeded, but never called set_host_port() or a sibling of it."
    assert (over.stop, stage.calls()) == (StopOutcome.DONE, ["stop 0"])


async def test_a_stop_during_the_start_interrupts_it_and_calls_stop_once(stage: Stage) -> None:
    play = await stage.only(
        """
        class Service(Good):
            def start(self, token, timestamp=None, options=None):
                note("start")
                time.sleep(1000)
        """
    )
    await play.start()
    await eventually_async(stage.calls)
    began = time.monotonic()
    over = await play.stop()
    assert time.monotonic() - began < 3
    assert (over.fault, over.stop) == (None, StopOutcome.DONE)
    assert stage.calls() == ["start", "stop 0"]


async def test_a_start_that_is_interrupted_and_says_false_is_not_stopped(stage: Stage) -> None:
    play = await stage.only(
        """
        class Service(Good):
            def start(self, token, timestamp=None, options=None):
                note("start")
                try:
                    time.sleep(1000)
                except:
                    return False
        """
    )
    await play.start()
    await eventually_async(stage.calls)
    over = await play.stop()
    assert (over.stop, stage.calls()) == (StopOutcome.NOT_CALLED, ["start"])


async def test_two_sessions_of_one_host_know_nothing_of_each_other(stage: Stage) -> None:
    host = await stage.host(stage.script("class Service(Good): pass"))
    one, other = await stage.play(host, index=0), await stage.play(host, index=1)
    await asyncio.gather(one.ready(), other.ready())
    await one.stop()
    assert other.status.phase is Phase.READY
    assert (await other.stop()).stop is StopOutcome.DONE
    assert stage.calls()[2:] == ["stop 0", "stop 1"]


async def test_several_supervisors_hear_the_same(stage: Stage) -> None:
    play = await stage.only("class Service(Good): pass")
    other = Play(stage.run_dir, play.session, play.runner, stage.type_log)
    await other.connect()
    await play.ready()
    assert (await other.reach(Phase.READY)).endpoint == play.status.endpoint
    await other.hang_up()
    await play.stop()
    await play.dismiss()


async def test_the_host_s_processes_say_what_they_are_and_load_no_django(stage: Stage) -> None:
    host = await stage.host(
        stage.script(
            "note(sorted(n for n in sys.modules if n.startswith(('django', 'channels'))))\nclass Service(Good): pass"
        )
    )
    assert stage.calls() == ["[]"]
    assert "remote_service.hosting.script_host" in command(host.pid)
