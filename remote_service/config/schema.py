"""The keys of the sessions file: what each may hold, what it is when absent, and how a message describes it.

This is the one list of keys. `Says` beside each gives the words of its error messages and the sample of its
remedy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from remote_service.config.byte_sizes import bytes_of
from remote_service.config.values import (
    MAX_COUNT,
    MAX_SIZE_TEXT,
    RESERVED_NAMES,
    TEXT,
    Extension,
    GroupName,
    Identifier,
    Name,
    Number,
    Says,
    Scalar,
    Seconds,
    ShortText,
    SizeText,
    Strict,
    printable_lines,
    printable_text,
    seconds,
    text,
)
from remote_service.rfb.policy import Policy
from remote_service.texts import sentence as _

DEFAULT_SIZES = (
    "1600x1200", "1024x768", "1280x720", "1280x1024", "1920x1080", "1920x1200", "2560x1440", "3840x2160",
)  # fmt: skip
"""The size menu of a type whose options have no `sizes`. The first is the one preselected."""


LEAST_MEMORY = 64 * 1024 * 1024
"""Bytes that a session takes before it has started anything, and some more."""
LEAST_TASKS = 8


def _as_list(value: Any) -> Any:
    """Accepts one text where a list of them is meant."""
    return [value] if isinstance(value, str) else value


def _as_bytes(value: Any) -> Any:
    """Accepts "8G" where bytes are meant."""
    return bytes_of(value) if isinstance(value, str) else value


class KnownOptions(BaseModel):
    """The three keys of `options` that the framework reads. All others are the site's own."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    sizes: Annotated[
        list[SizeText],
        Field(min_length=1),
        Says(
            _("a list of one or more texts for the size menu, or no such key for the default menu"),
            '["1600x1200", "1280x1024"]',
            printable_text(MAX_SIZE_TEXT),
        ),
    ] = list(DEFAULT_SIZES)
    group: Annotated[
        list[GroupName],
        Field(min_length=1),
        Says(
            _("the name of a group or a list of one or more names, or no such key for everybody"),
            '"ClusterRendering"',
            _("the name of a group: 1 to 150 printable characters"),
        ),
    ] = []
    file_ext: Annotated[
        list[Extension],
        Says(
            _("a file extension or a list of them"),
            '["case", "encas"]',
            _("a file extension: 1 to 32 printable characters"),
        ),
    ] = []

    _one_group = field_validator("group", "file_ext", mode="before")(_as_list)


class FormField(Strict):
    """One field of a type's launch form; what a user enters there reaches `start(options=…)` as text."""

    name: Annotated[
        Identifier,
        Says(
            _(
                "letters, digits and underscores that begin with no digit, at most 64, and not one of the names "
                "%(names)s",
                names=", ".join(RESERVED_NAMES),
            ),
            '"cores"',
        ),
    ]
    """The option's name."""
    type: Annotated[
        Literal["text", "number", "choice", "checkbox"],
        Says(_('"text", "number", "choice" or "checkbox"'), '"number"'),
    ]
    label: Annotated[ShortText, text('"Cores"')] = Field(default_factory=lambda fields: str(fields.get("name", "")))
    """What the page calls it; its name unless given."""
    default: Annotated[Scalar | None, Says(_("a text, a number, true or false, as the type has it"), "4")] = None
    """What it holds at first. Without: the first choice, false, an empty text; a number must be entered."""
    choices: Annotated[
        tuple[ShortText, ...],
        Field(strict=False),
        Says(_("a list of one or more texts"), '["small", "large"]', TEXT),
    ] = ()
    """Of a choice: what can be chosen."""
    min: Annotated[Number | None, Says(_("a number"), "1")] = None
    """Of a number the least; of a text the least number of characters."""
    max: Annotated[Number | None, Says(_("a number"), "64")] = None
    """Of a number the greatest; of a text the greatest number of characters (256 unless given)."""
    unit: Annotated[ShortText | None, text('"GB"')] = None
    """Of a number: what it counts."""
    help: Annotated[
        str,
        Field(max_length=1000),
        AfterValidator(printable_lines),
        Says(_("a text of at most 1000 characters"), '"How many cores the job asks for."'),
    ] = ""
    show_if: Annotated[
        dict[str, Scalar | list[Scalar]],
        Says(
            _("an object of other fields' names, each with the value or list of values that shows this field"),
            '{"mode": "batch"}',
            _("a text, a number, true, false, or a list of these"),
        ),
    ] = Field(default={})
    """Shown, and passed on, only when each of these other fields is shown and has one of the values."""

    @property
    def conditions(self) -> dict[str, tuple[Scalar, ...]]:
        """`show_if` with every value as a tuple."""
        return {name: tuple(values) if isinstance(values, list) else (values,) for name, values in self.show_if.items()}


class Limits(Strict):
    """What ends a session by itself, in seconds (0 at once, None never), how many one user may have, and what each
    may use of its machine (None: as much as there is)."""

    LATER_KEYS = frozenset({"memory", "cpus", "tasks"})

    reservation_timeout: Annotated[Seconds, seconds("300")] = 300.0
    """How long a slot stays reserved without its session being wanted."""
    start_timeout: Annotated[Seconds, seconds("60")] = 60.0
    """The `start` call and the wait for the endpoint together; time in a queue does not count."""
    linger: Annotated[Seconds, seconds("15")] = 15.0
    """After the last viewer closed cleanly."""
    reconnect: Annotated[Seconds, seconds("900")] = 900.0
    """After the last viewer's line was cut: a closed laptop lid is not a closed tab."""
    idle_timeout: Annotated[Seconds, seconds("3600")] = None
    """Without input from any viewer."""
    max_lifetime: Annotated[Seconds, seconds("86400")] = None
    """From *running* on."""
    most_lifetime: Annotated[Seconds, seconds("259200")] = None
    """How far its user may extend the longest time, by `max_lifetime` each time; None: not at all."""
    per_user: Annotated[
        int | None,
        Field(ge=1),
        Says(_("a whole number of at least 1, or null for no limit of this type's own"), "1"),
    ] = None
    """Live sessions of this type that one user may have."""
    memory: Annotated[
        int | None,
        Field(ge=LEAST_MEMORY, le=2**60),
        BeforeValidator(_as_bytes),
        Says(_('a text such as "8G" or a number of bytes, 64 MiB at least, or null for no limit'), '"8G"'),
    ] = None
    """Bytes; a session that needs more is ended, alone."""
    cpus: Annotated[
        float | None,
        Field(ge=0.01, le=100_000),
        Says(_("a number of processors from 0.01 on, or null for no limit"), "2"),
    ] = None
    """Processors' time in each second."""
    tasks: Annotated[
        int | None,
        Field(ge=LEAST_TASKS, le=2**22),
        Says(_("a whole number of at least %(least)s, or null for no limit", least=LEAST_TASKS), "500"),
    ] = None
    """Processes and threads."""


_Flag = Annotated[bool, Says(_("true or false"), "true")]


class ViewerPolicy(Strict):
    """What no viewer of the type may do, its owner too (see `rfb.policy`); the gateway itself enforces it."""

    view_only: _Flag = False
    no_clipboard_in: _Flag = False
    no_clipboard_out: _Flag = False
    no_resize: _Flag = False
    max_updates_per_second: Annotated[
        float | None, Field(ge=0.1, le=1000), Says(_("a number from 0.1 to 1000, or null for no limit"), "10")
    ] = None

    @property
    def policy(self) -> Policy:
        """The same for the relay."""
        return Policy(**self.model_dump())


class SessionType(Strict):
    """One entry of the sessions file."""

    name: Name
    """The entry's key."""
    script: Annotated[
        str,
        Says(
            _("the bare name of a Python file that is beside the sessions file or in a script directory"),
            '"desktop_session.py"',
        ),
    ]
    count: Annotated[int, Field(ge=1, le=MAX_COUNT), Says(_("a whole number from 1 to %(most)s", most=MAX_COUNT), "1")]
    """How many sessions of the type there can be at the same time."""
    options: Annotated[dict[str, Any], Says(_("an object, which reaches the script as it is"), "{}")]
    """Reaches the script unchanged; the keys beside those of `KnownOptions` are the site's own."""
    description: Annotated[
        str,
        Field(max_length=1000),
        AfterValidator(printable_lines),
        Says(_("a text of at most 1000 characters"), '"A desktop on this machine."'),
    ] = ""
    icon: Annotated[ShortText | None, text('"desktop"')] = None
    category: Annotated[ShortText | None, text('"Desktops"')] = None
    form: Annotated[
        tuple[FormField, ...],
        Field(strict=False),
        Says(
            _("a list of fields"),
            '[{"name": "cores", "type": "number", "min": 1}]',
            _("an object with at least name and type"),
        ),
    ] = ()
    limits: Annotated[Limits, Says(_("an object of limits"), '{"idle_timeout": 3600}')] = Limits()
    on_last_disconnect: Annotated[
        Literal["stop", "keep"] | None,
        Says(_('"stop" or "keep", or no such key for what the script says'), '"keep"'),
    ] = None
    """None: the script class's attribute of the same name decides."""
    stream: Annotated[Literal["rfb", "raw"], Says(_('"rfb" or "raw"'), '"rfb"')] = "rfb"
    viewer_policy: Annotated[ViewerPolicy, Says(_("an object of limits"), '{"no_clipboard_out": true}')] = (
        ViewerPolicy()
    )
    rest: Annotated[bool, Says(_("true or false"), "false")] = True
    """Whether `/v1` may reserve it."""
    share: Annotated[Literal["group", "outside", "no"], Says(_('"group", "outside" or "no"'), '"outside"')] = "group"
    """With whom owners may share its sessions: `share_rules.Reach`."""

    @field_validator("options")
    @classmethod
    def _check_known_options(cls, options: dict[str, Any]) -> dict[str, Any]:
        KnownOptions.model_validate(options)  # its errors become errors below `options`
        return options

    @property
    def sizes(self) -> tuple[str, ...]:
        """The size menu, never empty; the first is the default."""
        return tuple(self.options.get("sizes", DEFAULT_SIZES))

    @property
    def groups(self) -> tuple[str, ...] | None:
        """The groups whose members may use it; None for everybody."""
        return _names(self.options, "group") if "group" in self.options else None

    @property
    def file_ext(self) -> tuple[str, ...]:
        """The extensions of the files that it can show."""
        return _names(self.options, "file_ext")


def _names(options: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(_as_list(options.get(key, [])))
