"""Which session somebody means: by its id, by the beginning of it, and what is said when that is none or several."""

from __future__ import annotations

import re
import uuid

import pytest
from django.core.management import CommandError

from remote_service.models import Session
from remote_service.references import find_session

ONE = uuid.UUID("1e392889-41dd-4afa-8000-000000000001")
OTHER = uuid.UUID("1e392889-ffff-4afa-8000-000000000002")

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def session() -> Session:
    return Session.objects.create(pk=ONE, type_name="Desk", index=0, door="web", token_hash="1")


@pytest.mark.parametrize(
    "wanted", [str(ONE), ONE.hex, "1e392889", " 1E392889 ", "1e392889-41dd", "1e39288941dd4afa", str(ONE)[:-1]]
)
def test_the_id_and_every_beginning_of_it_that_is_long_enough_mean_the_session(session: Session, wanted: str) -> None:
    assert find_session(wanted) == session


def test_a_beginning_that_several_sessions_share_lists_them() -> None:
    other = Session.objects.create(pk=OTHER, type_name="Wall", index=1, door="web", token_hash="2")
    with pytest.raises(CommandError) as refused:
        find_session("1e392889")
    first, *listed = str(refused.value).splitlines()
    assert first == "The ids of several sessions begin with 1e392889. Name one of:"
    assert sorted(re.sub(r"  \d[-\d]+ [:\d]+  ", " ", line) for line in listed) == [f"  {ONE} Desk", f"  {OTHER} Wall"]
    assert find_session(str(OTHER)) == other


@pytest.mark.parametrize("wanted", ["00000000", str(uuid.UUID(int=0))])
def test_a_session_that_is_not_there_is_told(wanted: str) -> None:
    with pytest.raises(CommandError) as refused:
        find_session(wanted)
    assert str(refused.value) == (
        f"There is no session whose id is {wanted}, or begins so. 'manage.py sessions list --all' lists those that "
        "there are."
    )


@pytest.mark.parametrize("wanted", ["1e39", "1e39-28", "../../etc", "Desk", "%%%%%%%%"])
def test_what_is_no_id_is_told(wanted: str) -> None:
    with pytest.raises(CommandError) as refused:
        find_session(wanted)
    assert str(refused.value) == (
        f"{wanted!r} is no session; expected its id, or the first 8 characters of it, such as 1e392889. "
        "The page of a session shows them as its reference."
    )
