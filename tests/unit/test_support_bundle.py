"""Tests of what goes into a support bundle, and above all of what does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User

from remote_service import conf, lifecycle
from remote_service.actors import Actor
from remote_service.config.problems import Problem
from remote_service.masking import MASK
from remote_service.models import Session, SessionType, Site, Viewer
from remote_service.reservations import Reservation, reserve_for_user
from remote_service.sealing import seal, token_hash
from remote_service.session_logs import log_path
from remote_service.support_bundle import bundle
from tests.conftest import PASSWORD

SECRET_KEY = "the key of the site, which seals"


@pytest.fixture
def reserved(
    gateway_settings: Any, settings: Any, alice: User, make_type: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> Reservation:
    """A session whose log, type and site are full of secrets."""
    settings.SECRET_KEY = SECRET_KEY
    settings.SECRET_KEY_FALLBACKS = ["an older key"]
    secrets = {"security_token": 'rest "secret" ü', "metrics_token": "of the figures"}
    settings.REMOTE_SERVICE = replace(gateway_settings, **secrets)
    monkeypatch.setenv("REMOTE_SERVICE_ADMIN_PASSWORD", "the first password")
    make_type("Desk", options={"vnc_password": "in the file", "site_key": "K-1", "deep": [{"api_token": "T-1"}]})
    made = reserve_for_user(
        "Desk", alice, {"size": "800x600", "passphrase": "of alice"}, Actor("alice", "192.0.2.7", "web")
    )
    settings.CHANNEL_LAYERS = {
        "default": {"BACKEND": "none", "CONFIG": {"hosts": [{"address": "redis://me:redispass@h:1/0"}]}}
    }
    Session.objects.filter(pk=made.session.pk).update(
        sealed_password=seal("vnc password"),
        sealed_script_state=seal("what the script keeps"),
        stored_endpoint={"kind": "terminal", "host": "", "port": 0, "path": "", "argv": ["x", "--pw=on the line"]},
    )
    log_path(made.session.pk).write_text(
        f'hello\n{SECRET_KEY} {made.token} vnc password rest "secret" ü the first password of the figures\n'
        "http://desk/websockify?token=of-somebody&x=1 postgres://bob:of-bob@db/x\n"
    )
    (conf.current().type_logs / "Desk.log").write_text("loaded \x1b[31mred\x1b[0m\n")
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
        "of the figures",
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
    assert row["viewers"][0]["guest__name"] is None
    assert row["viewers"][0]["close_code"] is None
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


def test_what_a_form_holds_for_a_secret_is_masked(reserved: Reservation) -> None:
    form = [
        {"name": "vnc_password", "type": "text", "default": "changeme"},
        {"name": "token_kind", "type": "choice", "default": "blue-1", "choices": ["blue-1", "green-2"]},
        {"name": "pin_secret", "type": "number", "default": 4711},
        {"name": "with_key", "type": "checkbox", "default": True},
        {"name": "cores", "type": "number", "default": 8, "show_if": {"vnc_password": ["changeme"]}},
    ]
    row = SessionType.objects.get(name="Desk")
    SessionType.objects.filter(pk=row.pk).update(stored_definition={**row.stored_definition, "form": form})
    files = bundle(reserved.session)
    told = json.loads(files["type.json"])["form"]
    assert [field["default"] for field in told] == [MASK, MASK, MASK, True, 8]
    assert (told[1]["choices"], told[4]["show_if"]) == ([MASK, MASK], {"vnc_password": [MASK]})
    assert [field["name"] for field in told] == [field["name"] for field in form]
    assert not any(secret in text for secret in ("changeme", "blue-1", "green-2", "4711") for text in files.values())


def test_what_a_script_printed_of_a_masked_option_is_masked_too(reserved: Reservation) -> None:
    log_path(reserved.session.pk).write_text("run --pass='of alice' --vnc=in the file --key=K-1 --size=800x600\n")
    (conf.current().type_logs / "Desk.log").write_text("loaded with in the file\n")
    lifecycle.note(reserved.session.pk, "refused", why="of alice is no passphrase", by=Actor())
    Session.objects.filter(pk=reserved.session.pk).update(end_detail="It ended with of alice.")
    files = bundle(Session.objects.get(pk=reserved.session.pk))
    # Three characters are too few to be told from other text.
    assert files["session.log"] == f"run --pass='{MASK}' --vnc={MASK} --key=K-1 --size=800x600\n"
    assert files["type.log"] == f"loaded with {MASK}\n"
    assert json.loads(files["events.json"])[-1]["why"] == f"{MASK} is no passphrase"
    assert json.loads(files["session.json"])["end_detail"] == f"It ended with {MASK}."


def test_of_a_secret_that_holds_a_masked_option_no_rest_stays(reserved: Reservation) -> None:
    Session.objects.filter(pk=reserved.session.pk).update(options={"passphrase": "the key"})
    log_path(reserved.session.pk).write_text(f"{SECRET_KEY}, the key\n")
    files = bundle(Session.objects.get(pk=reserved.session.pk))
    assert files["session.log"] == f"{MASK}, {MASK}\n"


def test_how_much_of_the_disk_is_free_is_told(reserved: Reservation, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def disk_usage(path: Path) -> SimpleNamespace:
        asked.append(path)
        return SimpleNamespace(total=2000, used=1500, free=250)

    monkeypatch.setattr("remote_service.support_bundle.shutil.disk_usage", disk_usage)
    assert bundle(reserved.session)["disk.txt"] == "state directory: 250 of 2000 bytes free (12.5 %)\n"
    assert asked == [conf.current().state_dir]


def test_a_disk_that_cannot_be_asked_is_told(reserved: Reservation, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk_usage(path: Path) -> SimpleNamespace:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("remote_service.support_bundle.shutil.disk_usage", disk_usage)
    assert bundle(reserved.session)["disk.txt"] == "(unknown: Input/output error)\n"


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
