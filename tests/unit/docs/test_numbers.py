"""The numbers and names in the pages' sentences are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from remote_service import audit, oversight, retention, server
from remote_service.admission import doorkeeper, handshakes, http, log_ins
from remote_service.config.schema import Limits
from remote_service.crew import keeper
from remote_service.endpoints import Endpoint, EndpointError
from remote_service.hosting import account, client, course, processes, readable, runner, session_log
from remote_service.hosting.scratch import PREFIX
from remote_service.management.commands import sessions
from remote_service.monitoring import event_loop
from remote_service.monitoring.exposition import ProcessNow, SiteFigures, SiteNow
from remote_service.monitoring.metrics import REGISTRY
from remote_service.relay import gateway
from remote_service.relay.traffic import Traffic
from remote_service.relay_process import giving
from remote_service.rest.views import RELEASE_PATIENCE
from remote_service.supervision import operations, term
from sessions_config.environment import Environment
from tests.unit.docs.pages import ADMINS, README, SCRIPTS, table
from tools.session_account import home_of
from tools.system_packages import RUN_NEEDS

LIMITS = Limits()
HANDSHAKES = Environment.model_fields["handshakes_per_minute"].default
LOG_INS = Environment.model_fields["log_ins_per_minute"].default
PER_USER_TOTAL = Environment.model_fields["per_user_total"].default
ACCOUNT = Environment.model_fields["session_user"].default
MEBIBYTE = 2**20

SAID = [
    (README, f"`REMOTE_SERVICE_PER_USER_TOTAL`, {PER_USER_TOTAL} |"),
    (README, f"the account `{ACCOUNT}`, which is made"),
    (README, f"in `{readable.COPIES}`"),
    (SCRIPTS, f"together have {client.LOAD_TIMEOUT:g} s, and"),
    (SCRIPTS, f"after `start_timeout` seconds ({LIMITS.start_timeout:g})"),
    (SCRIPTS, f"does not help within {course.INTERRUPT_PATIENCE:g} s, its process is killed"),
    (SCRIPTS, f"It has {operations.PATIENCE.stop:g} s, and {term.SHUTDOWN.stop:g} s when the server itself is"),
    (SCRIPTS, f"does not return within {operations.PATIENCE.interrupt:g} s its process is killed"),
    (SCRIPTS, f"takes more than {course.POLL_PATIENCE:g} s counts as unknown"),
    (SCRIPTS, f"a log of {session_log.CAP // MEBIBYTE} MiB"),
    (SCRIPTS, f"as `{session_log.MASK.decode()}`"),
    (SCRIPTS, f"{client.LOAD_TIMEOUT:g} s; then its types are left out"),
    (SCRIPTS, f"the session's account (`{home_of(ACCOUNT)}` when root started the server)"),
    (ADMINS, f"`REMOTE_SERVICE_PER_USER_TOTAL` ({PER_USER_TOTAL}) limits"),
    (ADMINS, f"end a session {LIMITS.linger:g} s after its last viewer closed the page, "
             f"{(LIMITS.reconnect or 0) / 60:g} minutes after its line was cut"),
    (ADMINS, f"have {LIMITS.reconnect:g} s to come back (`reconnect`)"),
    (ADMINS, f"home `{home_of(ACCOUNT)}`"),
    (ADMINS, f"copied to `{readable.COPIES}/`"),
    (ADMINS, f"Directories of more than {readable.MOST_BYTES // MEBIBYTE} MiB are not copied"),
    (ADMINS, f"at most {session_log.CAP // MEBIBYTE} MiB each"),
    (ADMINS, f"a directory `{PREFIX}…`"),
    (ADMINS, f"after {RELEASE_PATIENCE:g} s at the latest"),
    (ADMINS, f"The server pings every {server.PING:g} s"),
    (ADMINS, f"{doorkeeper.HEADER_PATIENCE:g} s from the connection, or from the begin of a further request; "
             f"{http.MOST_HEADERS // 1024} KiB, {http.MOST_LINE // 1024} KiB a line, {http.MOST_LINES} lines"),
    (ADMINS, f"| TLS handshake | {doorkeeper.HEADER_PATIENCE:g} s |"),
    (ADMINS, f"| body | {doorkeeper.BODY_PATIENCE:g} s; {http.MOST_BODY / MEBIBYTE:g} MiB |"),
    (ADMINS, f"which the client reads nothing | {doorkeeper.ANSWER_PATIENCE:g} s |"),
    (ADMINS, f"| {HANDSHAKES} a minute and address (`REMOTE_SERVICE_HANDSHAKES_PER_MINUTE`)"),
    (ADMINS, f"| {handshakes.AT_ONCE} are decided on at once, {handshakes.MOST_WAITING} wait, "
             f"{handshakes.PATIENCE:g} s each |"),
    (ADMINS, f"| {LOG_INS} a minute and address (`REMOTE_SERVICE_LOGINS_PER_MINUTE`)"),
    (ADMINS, f"; {log_ins.MOST_WAITING} log-ins wait, {log_ins.PATIENCE:g} s each; "
             f"{log_ins.MOST_OF_ONE} of one address |"),
    (ADMINS, f"has looked at the sessions within {oversight.FRESH:g} s"),
    (ADMINS, f"*Details*, at most {gateway.TRAFFIC:g} s old"),
    (ADMINS, f"has not come back for {giving.PATIENCE:g} s"),
    (ADMINS, f"grows up to {keeper.MOST_WAIT:g} s while it goes on dying"),
    (ADMINS, f"has not ended within {keeper.END_PATIENCE:g} s; killed"),
    (ADMINS, f"(signal 9); it is started again in {keeper.FIRST_WAIT:g} s"),
    (ADMINS, f"no type has used for {retention.COPY_DAYS} days"),
    (ADMINS, f"| {retention.COPY_DAYS} days without a type"),
    (ADMINS, f"`REMOTE_SERVICE_HISTORY_DAYS`, {Environment.model_fields['history_days'].default} days from"),
    (ADMINS, f"`REMOTE_SERVICE_LOG_DAYS`, {Environment.model_fields['log_days'].default} days from"),
    (ADMINS, f"A reason is cut after {audit.MOST_WHY} characters"),
    (ADMINS, f"or after so many seconds, {sessions.PATIENCE:g} without a number ({sessions.NOT_OVER})"),
    (ADMINS, f"lock the name at that address for {settings.AXES_COOLOFF_TIME.total_seconds() / 60:g} minutes"),
]  # fmt: skip
"""A page, and a sentence's part that must stand there."""


@pytest.mark.parametrize(("file", "part"), SAID, ids=lambda value: value if isinstance(value, str) else "")
def test_the_page_says_what_the_code_does(file: Path, part: str) -> None:
    assert part in " ".join(file.read_text().split())


def test_what_a_script_sees_of_the_environment_is_all_there() -> None:
    (listed,) = re.findall(
        r"^- These variables, and no others: (.*?)\n\n", SCRIPTS.read_text(), re.DOTALL | re.MULTILINE
    )
    assert set(re.findall(r"`([^`]+)`", listed)) == {
        *account.PASSED,
        "LC_*",
        processes.MARKER,
        "REMOTE_SERVICE_SCRIPT_ENV",
    }


def test_what_ends_a_session_is_ended_with_the_patience_that_is_said() -> None:
    assert runner.TERM_PATIENCE == 1.0
    assert "gets SIGTERM, and SIGKILL a second later" in " ".join(SCRIPTS.read_text().split())


def test_the_longest_path_of_a_socket_is_there() -> None:
    assert "at most 107 bytes, absolute" in SCRIPTS.read_text()
    assert Endpoint.unix("/" + "x" * 106).path
    with pytest.raises(EndpointError):
        Endpoint.unix("/" + "x" * 107)


def test_the_packages_that_are_named_are_among_those_that_are_installed() -> None:
    assert {"openbox", "xterm", "tigervnc-standalone-server"} <= {need.package for need in RUN_NEEDS}


def test_the_lock_after_wrong_passwords_is_that_of_the_settings() -> None:
    assert settings.AXES_FAILURE_LIMIT == 10
    assert "Ten wrong passwords" in ADMINS.read_text()


def test_every_figure_is_explained() -> None:
    explained = {row[0].strip("`") for row in table(ADMINS, "figure | meaning")}
    sources = (REGISTRY, ProcessNow(0, Traffic()), SiteNow(SiteFigures({}, 0, 0, 0)))
    counted = {family.name for source in sources for family in source.collect()}
    ours = {name for name in counted if not name.startswith("process_")}
    assert {name.removesuffix("_total") for name in explained - {"process_…"}} == ours
    assert 1 / event_loop.LOOK == 2 and "looked at twice a second" in ADMINS.read_text()
