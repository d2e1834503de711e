"""The pages have every code that goes over the wire: the REST's refusals, close codes, states, doors, permissions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from remote_service import access
from remote_service.errors import RefusedError
from remote_service.models import Session
from remote_service.relay import closing
from remote_service.rest.urls import urlpatterns
from remote_service.states import ENDINGS, LIVE, EndReason
from tests.unit.docs.pages import ADMINS, table


def refusals(base: type[RefusedError] = RefusedError) -> Iterator[type[RefusedError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from refusals(kind)


def test_every_refusal_of_the_rest_is_there_with_its_status() -> None:
    rows = {row[1].strip("`"): int(row[0]) for row in table(ADMINS, "status | code | cause")}
    assert rows == {kind.code: int(kind.status) for kind in refusals()}


def test_every_request_of_the_rest_is_there() -> None:
    rows = {row[0].strip("`").removeprefix("/v1/").partition("/")[0] for row in table(ADMINS, "request | does")}
    assert rows == {str(pattern.pattern).partition("/")[0] for pattern in urlpatterns}


def test_every_state_of_a_slot_is_there() -> None:
    (status,) = [row[1] for row in table(ADMINS, "request | does") if row[0] == "`/v1/status`"]
    states = {"free", "quarantined", *(state.value for state in LIVE)}
    assert {word.strip("`") for word in status.replace(",", " ").replace(";", " ").split() if "`" in word} == {
        *states,
        "state",
        "since",
    }


def close_codes() -> dict[int, str]:
    return {int(row[0]): f"{row[1]} {row[2]}" for row in table(ADMINS, "code | reason given")}


def test_every_close_code_is_there_and_no_other() -> None:
    of_the_relay = {
        closing.RELAY_ERROR,
        closing.RESTARTING,
        closing.RIGHT_WITHDRAWN,
        closing.RIGHTS_CHANGED,
        closing.CANNOT_FILTER,
        closing.SESSION_GONE,
        closing.ENDPOINT_LOST,
    }
    assert set(close_codes()) == of_the_relay | {ending.close_code for ending in ENDINGS.values()}


@pytest.mark.parametrize("reason", ENDINGS, ids=str)
def test_the_sentence_of_every_end_stands_beside_its_close_code(reason: EndReason) -> None:
    ending = ENDINGS[reason]
    assert ending.sentence in close_codes()[ending.close_code]


def test_both_permissions_are_there_with_their_names_in_the_administration() -> None:
    text = " ".join(ADMINS.read_text().split())
    for codename, name in Session._meta.permissions:
        assert f"`remote_service.{codename}`" in text
        assert f"{name}*" in text
    assert {access.VIEW, access.MANAGE} == {f"remote_service.{codename}" for codename, _ in Session._meta.permissions}
