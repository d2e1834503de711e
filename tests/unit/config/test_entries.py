"""One entry of the sessions file: every message, whole."""

from __future__ import annotations

from typing import Any

import pytest

from remote_service.config.entries import check_entry, display_key
from tests.unit.config.conftest import ABSENT, Site

ENTRY_KEYS = (
    'one of "script", "count", "options", "description", "icon", "category", "form", "limits", '
    '"on_last_disconnect", "stream", "viewer_policy", "rest" and "share"'
)
LIMIT_KEYS = (
    'one of "reservation_timeout", "start_timeout", "linger", "reconnect", "idle_timeout", "max_lifetime", '
    '"most_lifetime", "per_user", "memory", "cpus" and "tasks"'
)
FIELD_KEYS = 'one of "name", "type", "label", "default", "choices", "min", "max", "unit", "help" and "show_if"'
A_SCRIPT = "the bare name of a Python file that is beside the sessions file or in a script directory"
A_COUNT = "a whole number from 1 to 10000"
SECONDS = "a number of seconds from 0 to 1000000000, or null for none"
PRINTABLE = "a text of 1 to 256 printable characters"
A_NAME = (
    "letters, digits and underscores that begin with no digit, at most 64, and not one of the names "
    "size, username, token, security_token"
)


def test_a_sound_entry_has_no_findings() -> None:
    session_type, findings = check_entry("Desktop", {"script": "x.py", "count": 2, "options": {"a": 1}})
    assert findings == []
    assert session_type is not None
    assert (session_type.name, session_type.count, session_type.options) == ("Desktop", 2, {"a": 1})


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (0, "the number 0"),
        (-1, "the number -1"),
        (10001, "the number 10001"),
        (10**300, "the number 1" + "0" * 78 + "…"),
        (1.0, "the number 1.0"),
        (1.5, "the number 1.5"),
        (True, "true"),
        (False, "false"),
        (None, "null"),
        ("2", 'the text "2"'),
        ([2], "the list [2]"),
        ({}, "an empty object"),
    ],
)
def test_it_refuses_a_count_of(site: Site, value: Any, found: str) -> None:
    assert site.entry_messages(count=value) == [
        site.at("count") + f'found {found}; expected {A_COUNT}. Fix: write for example "count": 1.'
    ]


@pytest.mark.parametrize(
    ("key", "expected", "sample"),
    [
        ("script", A_SCRIPT, '"desktop_session.py"'),
        ("count", A_COUNT, "1"),
        ("options", "an object, which reaches the script as it is", "{}"),
    ],
)
def test_it_demands(site: Site, key: str, expected: str, sample: str) -> None:
    assert site.entry_messages(**{key: ABSENT}) == [
        site.at(key) + f'found no such key; expected {expected}. Fix: add for example "{key}": {sample}.'
    ]


@pytest.mark.parametrize(
    ("key", "value", "found", "expected", "fix"),
    [
        ("script", 5, "the number 5", A_SCRIPT, 'write for example "script": "desktop_session.py"'),
        (
            "options",
            [],
            "an empty list",
            "an object, which reaches the script as it is",
            'write for example "options": {}',
        ),
        (
            "options",
            None,
            "null",
            "an object, which reaches the script as it is",
            'write for example "options": {}',
        ),
        (
            "description",
            "a\tb",
            r'the text "a\tb"',
            "a text of at most 1000 characters",
            'write for example "description": "A desktop on this machine."',
        ),
        ("icon", "", "an empty text", PRINTABLE, 'write for example "icon": "desktop"'),
        ("category", 1, "the number 1", PRINTABLE, 'write for example "category": "Desktops"'),
        (
            "form",
            {},
            "an empty object",
            "a list of fields",
            'write for example "form": [{"name": "cores", "type": "number", "min": 1}]',
        ),
        (
            "limits",
            3,
            "the number 3",
            "an object of limits",
            'write for example "limits": {"idle_timeout": 3600}',
        ),
        (
            "on_last_disconnect",
            "kep",
            'the text "kep"',
            '"stop" or "keep", or no such key for what the script says',
            'did you mean "keep"?',
        ),
        (
            "on_last_disconnect",
            True,
            "true",
            '"stop" or "keep", or no such key for what the script says',
            'write for example "on_last_disconnect": "keep"',
        ),
        ("stream", "RFB", 'the text "RFB"', '"rfb" or "raw"', 'did you mean "rfb"?'),
        ("stream", "vnc", 'the text "vnc"', '"rfb" or "raw"', 'write for example "stream": "rfb"'),
        ("share", "outsied", 'the text "outsied"', '"group", "outside" or "no"', 'did you mean "outside"?'),
        ("share", True, "true", '"group", "outside" or "no"', 'write for example "share": "outside"'),
        (
            "viewer_policy",
            ["view_only"],
            'the list ["view_only"]',
            "an object of limits",
            'write for example "viewer_policy": {"no_clipboard_out": true}',
        ),
        ("rest", 1, "the number 1", "true or false", 'write for example "rest": false'),
        ("rest", "true", 'the text "true"', "true or false", 'write for example "rest": false'),
    ],
)
def test_it_refuses(site: Site, key: str, value: Any, found: str, expected: str, fix: str) -> None:
    stop = "" if fix.endswith("?") else "."
    assert site.entry_messages(**{key: value}) == [
        site.at(key) + f"found {found}; expected {expected}. Fix: {fix}{stop}"
    ]


A_MENU = "a list of one or more texts for the size menu, or no such key for the default menu"
A_GROUP = "the name of a group or a list of one or more names, or no such key for everybody"
SIZES = 'write for example "sizes": ["1600x1200", "1280x1024"]'
GROUP = 'write for example "group": "ClusterRendering"'
FILE_EXT = 'write for example "file_ext": ["case", "encas"]'
ONE_SIZE = "a text of 1 to 64 printable characters"
ONE_GROUP = "the name of a group: 1 to 150 printable characters"


@pytest.mark.parametrize(
    ("key", "place", "value", "found", "expected", "fix"),
    [
        ("sizes", "sizes", [], "an empty list", A_MENU, SIZES),
        ("sizes", "sizes", "1x1", 'the text "1x1"', A_MENU, SIZES),
        ("sizes", "sizes", None, "null", A_MENU, SIZES),
        ("sizes", "sizes[1]", ["1x1", 5], "the number 5", ONE_SIZE, SIZES),
        ("sizes", "sizes[0]", [" "], 'the text " "', ONE_SIZE, SIZES),
        ("sizes", "sizes[0]", ["1\n1"], r'the text "1\n1"', ONE_SIZE, SIZES),
        ("sizes", "sizes[0]", ["x" * 65], f'the text "{"x" * 65}"', ONE_SIZE, SIZES),
        ("group", "group", [], "an empty list", A_GROUP, GROUP),
        ("group", "group", "", "an empty text", A_GROUP, GROUP),
        ("group", "group", 5, "the number 5", A_GROUP, GROUP),
        ("group", "group", None, "null", A_GROUP, GROUP),
        ("group", "group[1]", ["a", True], "true", ONE_GROUP, GROUP),
        ("file_ext", "file_ext", 5, "the number 5", "a file extension or a list of them", FILE_EXT),
        (
            "file_ext",
            "file_ext[0]",
            [None],
            "null",
            "a file extension: 1 to 32 printable characters",
            FILE_EXT,
        ),
    ],
)
def test_it_refuses_in_the_options(
    site: Site, key: str, place: str, value: Any, found: str, expected: str, fix: str
) -> None:
    assert site.entry_messages(options={key: value, "site_key": 1}) == [
        site.at("options", place) + f"found {found}; expected {expected}. Fix: {fix}."
    ]


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("linger", -1, "the number -1"),
        ("linger", -0.5, "the number -0.5"),
        ("linger", "15", 'the text "15"'),
        ("linger", True, "true"),
        ("linger", 10**9 + 1, "the number 1000000001"),
    ],
)
def test_it_refuses_a_limit_of(site: Site, key: str, value: Any, found: str) -> None:
    assert site.entry_messages(limits={key: value}) == [
        site.at("limits", key) + f'found {found}; expected {SECONDS}. Fix: write for example "linger": 15.'
    ]


@pytest.mark.parametrize(("value", "found"), [(0, "the number 0"), (1.5, "the number 1.5"), (True, "true")])
def test_it_refuses_a_number_of_sessions_per_user_of(site: Site, value: Any, found: str) -> None:
    assert site.entry_messages(limits={"per_user": value}) == [
        site.at("limits", "per_user")
        + f"found {found}; expected a whole number of at least 1, or null for no limit of this type's own. "
        'Fix: write for example "per_user": 1.'
    ]


@pytest.mark.parametrize(
    ("value", "found"), [("much", 'the text "much"'), (8, "the number 8"), ("8 gigabytes", 'the text "8 gigabytes"')]
)
def test_it_refuses_a_memory_of(site: Site, value: Any, found: str) -> None:
    assert site.entry_messages(limits={"memory": value}) == [
        site.at("limits", "memory")
        + f'found {found}; expected a text such as "8G" or a number of bytes, 64 MiB at least, or null for no limit. '
        'Fix: write for example "memory": "8G".'
    ]


@pytest.mark.parametrize("longest", [{}, {"max_lifetime": None}])
def test_it_refuses_to_extend_a_time_that_has_no_end(site: Site, longest: dict[str, Any]) -> None:
    assert site.entry_messages(limits={**longest, "most_lifetime": 7200}) == [
        site.at("limits", "most_lifetime")
        + "found the number 7200.0 without a max_lifetime; expected a max_lifetime that it can make longer. "
        'Fix: add "max_lifetime" to the limits, or remove it.'
    ]


def test_it_refuses_an_extension_that_is_shorter(site: Site) -> None:
    assert site.entry_messages(limits={"max_lifetime": 3600, "most_lifetime": 60}) == [
        site.at("limits", "most_lifetime")
        + "found the number 60.0, less than max_lifetime; expected a number of at least 3600, or no such key. "
        'Fix: write for example "most_lifetime": 10800.'
    ]
    assert site.entry_messages(limits={"max_lifetime": 3600, "most_lifetime": 3600}) == []


def test_a_misspelt_key_is_one_problem_even_when_it_is_a_required_one(site: Site) -> None:
    assert site.entry_messages(script=ABSENT, Scrpt="desktop.py") == [
        site.at("Scrpt") + f'found an unknown key; expected {ENTRY_KEYS}. Fix: did you mean "script"?'
    ]


def test_an_unknown_key_may_belong_into_the_options(site: Site) -> None:
    assert site.entry_messages(display_base=100) == [
        site.at("display_base") + f"found an unknown key; expected {ENTRY_KEYS}. "
        'Fix: remove it, or move it into "options" if the script reads it.'
    ]


def test_the_name_is_no_key(site: Site) -> None:
    assert site.entry_messages(name="Other") == [
        site.at("name") + f"found an unknown key; expected {ENTRY_KEYS}. "
        'Fix: remove it, or move it into "options" if the script reads it.'
    ]


POLICY_KEYS = 'one of "view_only", "no_clipboard_in", "no_clipboard_out", "no_resize" and "max_updates_per_second"'


@pytest.mark.parametrize(
    ("key", "value", "found", "expected", "fix"),
    [
        ("no_clipboard_out", "yes", 'the text "yes"', "true or false", 'write for example "no_clipboard_out": true.'),
        ("view_only", 1, "the number 1", "true or false", 'write for example "view_only": true.'),
        (
            "max_updates_per_second",
            0,
            "the number 0",
            "a number from 0.1 to 1000, or null for no limit",
            'write for example "max_updates_per_second": 10.',
        ),
        ("no_clipboard", True, "an unknown key", POLICY_KEYS, 'did you mean "no_clipboard_in"?'),
        ("no_audio", True, "an unknown key", POLICY_KEYS, "remove it."),
    ],
)
def test_a_viewer_policy_that_is_wrong(site: Site, key: str, value: Any, found: str, expected: str, fix: str) -> None:
    assert site.entry_messages(viewer_policy={key: value}) == [
        site.at("viewer_policy", key) + f"found {found}; expected {expected}. Fix: {fix}"
    ]


def test_what_is_no_vnc_has_no_viewer_policy(site: Site) -> None:
    assert site.entry_messages(stream="raw", viewer_policy={"no_resize": False}) == []
    assert site.entry_messages(stream="raw", viewer_policy={"no_resize": True}) == [
        site.at("viewer_policy") + 'found limits beside "stream": "raw"; expected none: only VNC can be filtered. '
        'Fix: remove it, or write "stream": "rfb" if it is VNC.'
    ]


def test_an_unknown_limit(site: Site) -> None:
    assert site.entry_messages(limits={"lingr": 3, "shutdown": 5}) == [
        site.at("limits", "lingr") + f'found an unknown key; expected {LIMIT_KEYS}. Fix: did you mean "linger"?',
        site.at("limits", "shutdown") + f"found an unknown key; expected {LIMIT_KEYS}. Fix: remove it.",
    ]


def test_a_missing_key_is_reported_beside_an_unknown_one_that_means_another(site: Site) -> None:
    assert site.entry_messages(count=ABSENT, scripts=1) == [
        site.at("scripts") + f'found an unknown key; expected {ENTRY_KEYS}. Fix: did you mean "script"?',
        site.at("count") + f'found no such key; expected {A_COUNT}. Fix: add for example "count": 1.',
    ]


@pytest.mark.parametrize(
    ("entry", "found"),
    [(5, "the number 5"), (None, "null"), ([], "an empty list"), ("x.py", 'the text "x.py"')],
)
def test_an_entry_must_be_an_object(site: Site, entry: Any, found: str) -> None:
    assert site.messages({"Desktop": entry}) == [
        site.at() + f"found {found}; expected an object with at least script, count and options. "
        'Fix: write for example {"script": "desktop_session.py", "count": 1, "options": {}}.'
    ]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("", "an empty text"),
        ("  ", 'the text "  "'),
        (" Desktop", 'the text " Desktop"'),
        ("Desk\ntop", r'the text "Desk\ntop"'),
        ("x" * 101, f'the text "{"x" * 78}…'),
    ],
)
def test_it_refuses_the_name(name: str, found: str) -> None:
    session_type, findings = check_entry(name, {"script": "x.py", "count": 1, "options": {}})
    assert session_type is None
    assert [
        (finding.key, finding.code.value, finding.found, finding.expected, finding.fix) for finding in findings
    ] == [
        (
            (),
            "E020",
            f"{found} as the name",
            "a name of 1 to 100 printable characters without blanks at its ends",
            "rename the session type",
        )
    ]


def test_a_bad_name_does_not_hide_other_errors() -> None:
    _, findings = check_entry("", {"script": "x.py", "count": 0, "options": {}})
    assert [finding.key for finding in findings] == [(), ("count",)]


@pytest.mark.parametrize(
    ("field", "key", "found", "expected", "fix"),
    [
        ({"type": "text"}, "name", "no such key", A_NAME, 'add for example "name": "cores"'),
        (
            {"name": "size", "type": "text"},
            "name",
            'the text "size"',
            A_NAME,
            'write for example "name": "cores"',
        ),
        (
            {"name": "a b", "type": "text"},
            "name",
            'the text "a b"',
            A_NAME,
            'write for example "name": "cores"',
        ),
        ({"name": "é", "type": "text"}, "name", 'the text "é"', A_NAME, 'write for example "name": "cores"'),
        ({"name": 1, "type": "text"}, "name", "the number 1", A_NAME, 'write for example "name": "cores"'),
        (
            {"name": "a"},
            "type",
            "no such key",
            '"text", "number", "choice" or "checkbox"',
            'add for example "type": "number"',
        ),
        (
            {"name": "a", "type": "chekbox"},
            "type",
            'the text "chekbox"',
            '"text", "number", "choice" or "checkbox"',
            'did you mean "checkbox"?',
        ),
        (
            {"name": "a", "type": "text", "label": ""},
            "label",
            "an empty text",
            PRINTABLE,
            'write for example "label": "Cores"',
        ),
        (
            {"name": "a", "type": "text", "default": []},
            "default",
            "an empty list",
            "a text, a number, true or false, as the type has it",
            'write for example "default": 4',
        ),
        (
            {"name": "a", "type": "choice", "choices": ["x", 1]},
            "choices[1]",
            "the number 1",
            PRINTABLE,
            'write for example "choices": ["small", "large"]',
        ),
        (
            {"name": "a", "type": "number", "min": "1"},
            "min",
            'the text "1"',
            "a number",
            'write for example "min": 1',
        ),
        (
            {"name": "a", "type": "number", "max": True},
            "max",
            "true",
            "a number",
            'write for example "max": 64',
        ),
        (
            {"name": "a", "type": "number", "unit": 1},
            "unit",
            "the number 1",
            PRINTABLE,
            'write for example "unit": "GB"',
        ),
        (
            {"name": "a", "type": "text", "help": None},
            "help",
            "null",
            "a text of at most 1000 characters",
            'write for example "help": "How many cores the job asks for."',
        ),
        (
            {"name": "a", "type": "text", "show_if": ["b"]},
            "show_if",
            'the list ["b"]',
            "an object of other fields' names, each with the value or list of values that shows this field",
            'write for example "show_if": {"mode": "batch"}',
        ),
        (
            {"name": "a", "type": "text", "lable": "A"},
            "lable",
            "an unknown key",
            FIELD_KEYS,
            'did you mean "label"?',
        ),
        (
            {"name": "a", "type": "text", "required": True},
            "required",
            "an unknown key",
            FIELD_KEYS,
            "remove it",
        ),
    ],
)
def test_it_refuses_a_form_field(
    site: Site, field: dict[str, Any], key: str, found: str, expected: str, fix: str
) -> None:
    name = field.get("name")
    quoted = name if str(name).isidentifier() else f'"{name}"'
    place = ("form", quoted, key) if isinstance(name, str) else ("form[0]", key)
    stop = "" if fix.endswith("?") else "."
    assert site.entry_messages(form=[field]) == [
        site.at(*place) + f"found {found}; expected {expected}. Fix: {fix}{stop}"
    ]


@pytest.mark.parametrize(
    ("value", "place", "found"),
    [({}, "b", "an empty object"), (None, "b", "null"), ([1, []], "b[1]", "an empty list")],
)
def test_it_refuses_a_condition(site: Site, value: Any, place: str, found: str) -> None:
    fields = [{"name": "a", "type": "text", "show_if": {"b": value}}, {"name": "b", "type": "text"}]
    assert site.entry_messages(form=fields) == [
        site.at("form", "a", "show_if", place)
        + f"found {found}; expected a text, a number, true, false, or a list of these. "
        'Fix: write for example "show_if": {"mode": "batch"}.'
    ]


def test_a_form_field_must_be_an_object(site: Site) -> None:
    assert site.entry_messages(form=[{"name": "a", "type": "text"}, "b"]) == [
        site.at("form[1]") + 'found the text "b"; expected an object with at least name and type. '
        'Fix: write for example "form": [{"name": "cores", "type": "number", "min": 1}].'
    ]


def test_everything_is_reported_in_one_run(site: Site) -> None:
    """Errors of values and contradictions between sound values of the same field too."""
    messages = site.entry_messages(
        script="../x.py",
        count=0,
        options={"sizes": [5], "group": 1},
        limits={"linger": -1, "x": 1},
        form=[
            {"name": "a", "type": "number", "label": 1, "min": 5, "max": 2, "show_if": {"nobody": 1}},
            {"name": "a", "type": "choice"},
        ],
        stream=1,
        extra=1,
    )
    places = [message.partition(": found ")[0] + ": " for message in messages]
    assert sorted(places) == sorted(
        [
            site.at("script"),
            site.at("count"),
            site.at("options", "sizes[0]"),
            site.at("options", "group"),
            site.at("limits", "linger"),
            site.at("limits", "x"),
            site.at("form[0]", "label"),
            site.at("form[0]", "min"),
            site.at("form[0]", "show_if", "nobody"),
            site.at("form[1]", "choices"),
            site.at("form[1]", "name"),
            site.at("stream"),
            site.at("extra"),
        ]
    )


@pytest.mark.parametrize(
    ("path", "raw", "key"),
    [
        (("count",), {}, ("count",)),
        (("form", 0), {"form": [{"name": "a"}]}, ("form", "a")),
        (("form", 0, "min"), {"form": [{"name": "a"}]}, ("form", "a", "min")),
        (("form", 1, "min"), {"form": [{"name": "a"}, {"name": "a"}]}, ("form", 1, "min")),
        (("form", 0, "min"), {"form": [{"name": 5}]}, ("form", 0, "min")),
        (("form", 0), {"form": [7]}, ("form", 0)),
    ],
)
def test_form_fields_are_shown_by_their_names(path: tuple[Any, ...], raw: Any, key: tuple[Any, ...]) -> None:
    assert display_key(path, raw) == key
