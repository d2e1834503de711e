"""Tests of what goes into a support bundle, and above all of what does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User

from remote_service import conf, lifecycle
from remote_service.config.problems import Problem
from remote_service.lifecycle import Actor
from remote_service.models import Session, Site, Viewer
from remote_service.reservations import Reservation, reserve_for_user
from remote_service.sealing import seal, token_hash
from remote_service.session_logs import log_path
from remote_service.support_bundle import MASK, Masker, bundle
from tests.conftest import PASSWORD

SECRET_KEY = "the key of the site, which seals"


@pytest.fixture
def reserved(
    gateway_settings: Any, settings: Any, alice: User, make_type: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> Reservation:
    """A session whose log, type and site are full of secrets."""
    settings.SECRET_KEY = SECRET_KEY
    settings.SECRET_KEY_FALLBACKS = ["an older key"]
    settings.REMOTE_SERVICE = replace(gateway_settings, security_token='rest "secret" ü')
    monkeypatch.setenv("REMOTE_SERVICE_ADMIN_PASSWORD", "the first password")
    make_type("Desk", options={"vnc_password": "in the file", "site_key": "K-1", "deep": [{"api_token": "T-1"}]})
    made = reserve_for_user(
        "Desk", alice, {"size": "800x600", "passphrase": "of alice"}, Actor("alice", "192.0.2.7", "web")
    )
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "none", "CONFIG": {"hosts": ["redis://me:redispass@h:1/0"]}}}
    Session.objects.filter(pk=made.session.pk).update(
        sealed_password=seal("vnc password"),
        sealed_script_state=seal("what the script keeps"),
        stored_endpoint={"kind": "terminal", "host": "", "port": 0, "path": "", "argv": ["x", "--pw=on the line"]},
    )
    log_path(made.session.pk).write_text(
        f'hello\n{SECRET_KEY} {made.token} vnc password rest "secret" ü the first password\n'
        "http://desk/websockify?token=of-somebody&x=1 postgres://bob:of-bob@db/x\n"
    )
    (conf.current().type_logs / "desk.log").write_text("loaded \x1b[31mred\x1b[0m\n")
    Viewer.objects.create(session=made.session, user=alice, address="192.0.2.7")
    Site.load()
    made.session.refresh_from_db()
    return made


def test_no_secret_is_in_it(reserved: Reservation, alice: User) -> None:
    whole = "\n".join(bundle(reserved.session).values())
    row = Session.objects.get(pk=reserved.session.pk)
    for secret in (
        SECRET_KEY, "an older key", reserved.token, token_hash(reserved.token), row.sealed_token, row.sealed_password,
        row.sealed_script_state, "vnc password", "what the script keeps", "the first password", "secret\" ü",
        "secret\\\" ü", "redispass", "in the file", "K-1", "T-1", "of alice", "on the line", "of-somebody", "of-bob",
        PASSWORD, alice.password,
    ):  # fmt: skip
        assert secret not in whole, secret


def test_everything_that_helps_is_in_it(reserved: Reservation) -> None:
    lifecycle.note(reserved.session.pk, "stop asked", why="It is late.", by=Actor("root", "192.0.2.9", "web"))
    files = bundle(reserved.session)
    row, events = json.loads(files["session.json"]), json.loads(files["events.json"])
    assert (row["id"], row["state"], row["options"]["size"]) == (str(reserved.session.pk), "reserved", "800x600")
    assert row["viewers"][0]["user__username"] == "alice"
    assert [(event["what"], event["who"]) for event in events] == [("reserved", "alice"), ("stop asked", "root")]
    assert files["session.log"].startswith(f"hello\n{MASK} {MASK} {MASK}")
    assert f"websockify?token={MASK}&x=1 postgres://{MASK}@db/x" in files["session.log"]
    assert files["type.log"] == "loaded red\n"
    assert json.loads(files["type.json"])["name"] == "Desk"
    assert json.loads(files["versions.json"])["database"].startswith("sqlite 3.")
    assert json.loads(files["settings.json"])["LANGUAGE_CODE"] == "en"
    assert "REMOTE_SERVICE_ADMIN_PASSWORD\n" in files["environment.txt"]
    assert str(reserved.session.pk) in files["README.txt"]
    assert all(name in files["README.txt"] for name in files if name != "README.txt")


def test_the_problems_of_the_sessions_file_are_told_as_commands_print_them(reserved: Reservation) -> None:
    problem = {
        "file": "s.json", "entry": "Desk", "key": ["count"], "found": "0", "expected": "1", "fix": "write 1",
        "code": "E023", "severity": "error", "line": 3, "detail": "",
    }  # fmt: skip
    Site.objects.update(problems=[problem])
    told = bundle(reserved.session)["problems.txt"].splitlines()
    assert told == [
        "loaded at None",
        f"error E023 {Problem.from_dict(problem)}",
    ]


def test_of_a_type_that_is_gone_the_rest_is_told(reserved: Reservation) -> None:
    Session.objects.filter(pk=reserved.session.pk).update(type_name="Gone")
    files = bundle(Session.objects.get(pk=reserved.session.pk))
    assert (files["type.json"], files["type.log"]) == ("null\n", "(none: No such file or directory)\n")


def test_a_session_that_another_key_sealed_is_told_as_well(reserved: Reservation, settings: Any) -> None:
    settings.SECRET_KEY = "another one"
    assert "session.json" in bundle(reserved.session)


def test_short_words_are_not_taken_for_secrets() -> None:
    assert Masker.of(["", "abc", "abcd", "abcdef"]).mask("abc abcdef abcd") == f"abc {MASK} {MASK}"
