"""Who may what: one matrix of rules and roles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.utils.functional import SimpleLazyObject

from remote_service import access
from remote_service.models import Session
from remote_service.rfb.policy import Policy
from tests.conftest import GROUP

ROLES = {
    "alice": {"groups": True},
    "bob": {"groups": True},
    "charlie": {},
    "staff": {"is_staff": True},
    "watching staff": {"is_staff": True, "permissions": ("view_any_session",)},
    "managing staff": {"is_staff": True, "permissions": ("manage_any_session",)},
    "managing user": {"permissions": ("manage_any_session",)},
    "superuser": {"is_staff": True, "is_superuser": True},
    "superuser in the group": {"is_staff": True, "is_superuser": True, "groups": True},
    "former member": {"groups": True, "is_active": False},
    "former manager": {"permissions": ("manage_any_session",), "is_active": False},
    "former superuser": {"is_superuser": True, "is_active": False},
}
WATCHING = {"watching staff", "managing staff", "managing user", "superuser", "superuser in the group"}
MANAGING = WATCHING - {"watching staff"}
GONE = {"anonymous", "former member", "former manager", "former superuser"}
EVERYBODY = {*ROLES, "anonymous"}

MAY = {
    "launch": EVERYBODY - GONE,
    "launch in the group": {"alice", "bob", "superuser in the group"},
    "launch in a group of nobody": set[str](),
    "view hers": {"alice", *WATCHING},
    "stop hers": {"alice", *MANAGING},
    "control hers": {"alice", *MANAGING},
    "view nobody's": WATCHING,
    "stop nobody's": MANAGING,
    "control nobody's": MANAGING,
    "manage": MANAGING,
}


@pytest.fixture
def visitor(make_user: Callable[..., Any], group: Group) -> Callable[[str], Any]:
    """A visitor of the role, as views get one: a lazy object."""

    def make(role: str) -> Any:
        if role == "anonymous":
            return AnonymousUser()
        extra = dict(ROLES[role])
        groups = (group,) if extra.pop("groups", False) else ()
        user = make_user(role, groups=groups, **extra)
        return SimpleLazyObject(lambda: user)

    return make


def session(owner: Any, token: str) -> Session:
    return Session.objects.create(
        type_name="Desktop", index=Session.objects.count(), owner=owner, door="web", token_hash=token
    )


@pytest.mark.parametrize("role", sorted(EVERYBODY))
def test_every_rule_holds_for_the_role(role: str, visitor: Callable[[str], Any], make_type: Callable[..., Any]) -> None:
    user = visitor(role)
    memberships = access.group_names(user)
    hers = session(user if role == "alice" else visitor("alice"), "hers")
    nobodys = session(None, "nobodys")
    for_all, for_group = make_type("For all"), make_type("For members", options={"group": [GROUP, "Elsewhere"]})
    for_nobody = make_type("For nobody", options={"group": "Nowhere"})
    answers = {
        "launch": access.may_launch(user, for_all, memberships),
        "launch in the group": access.may_launch(user, for_group, memberships),
        "launch in a group of nobody": access.may_launch(user, for_nobody, memberships),
        "view hers": access.may_view(user, hers),
        "stop hers": access.may_stop(user, hers),
        "control hers": access.may_control(user, hers),
        "view nobody's": access.may_view(user, nobodys),
        "stop nobody's": access.may_stop(user, nobodys),
        "control nobody's": access.may_control(user, nobodys),
        "manage": access.may_manage(user),
    }
    assert answers == {rule: role in roles for rule, roles in MAY.items()}


@pytest.mark.parametrize("role", sorted(EVERYBODY))
def test_who_may_view_a_session_is_who_finds_it_among_the_visible(role: str, visitor: Callable[[str], Any]) -> None:
    user = visitor(role)
    own, other = session(None if role == "anonymous" else user, "own"), session(None, "other")
    expected = {found for found in (own, other) if access.may_view(user, found)}
    assert set(access.visible_sessions(user)) == expected


@pytest.mark.parametrize(
    ("groups", "memberships", "admitted"),
    [
        (None, (), True),
        (None, ("a",), True),
        (("a",), ("a", "b"), True),
        (("a", "b"), ("b",), True),
        (("a",), (), False),
        (("a",), ("A",), False),
        ((), ("a",), False),
    ],
)
def test_a_group_admits_its_members(groups: Any, memberships: tuple[str, ...], admitted: bool) -> None:
    assert access.admits(groups, memberships) is admitted


def test_the_groups_of_a_user_are_known_by_name(alice: Any, charlie: Any) -> None:
    assert access.group_names(alice) == {GROUP}
    assert access.group_names(charlie) == frozenset()
    assert access.group_names(AnonymousUser()) == frozenset()


def test_who_was_deactivated_is_in_no_group(alice: Any) -> None:
    alice.is_active = False
    assert access.group_names(alice) == frozenset()


def test_the_usable_types_are_in_the_order_of_the_sessions_file(
    make_type: Callable[..., Any], alice: Any, charlie: Any
) -> None:
    make_type("Zebra")
    make_type("Cluster", options={"group": GROUP})
    make_type("Ant")
    assert [found.name for found in access.usable_types(alice)] == ["Zebra", "Cluster", "Ant"]
    assert [found.name for found in access.usable_types(charlie)] == ["Zebra", "Ant"]
    assert access.usable_types(AnonymousUser()) == []


def test_who_may_only_look_has_the_limits_of_the_type_too(visitor: Callable[[str], Any]) -> None:
    owner, watching, managing = visitor("alice"), visitor("watching staff"), visitor("managing staff")
    found = session(owner, "hers")
    found.stored_viewer_policy = {"no_clipboard_in": True}

    for user in (owner, managing):
        assert access.viewer_policy(user, found) == Policy(no_clipboard_in=True)
    assert access.viewer_policy(watching, found) == Policy(view_only=True, no_clipboard_in=True)
