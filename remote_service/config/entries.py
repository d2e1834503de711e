"""Judges one entry of the sessions file: the session type, or all that is wrong with it, in words of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from remote_service.config.form_rules import Candidate, check_form
from remote_service.config.problems import Code, Finding, KeyPath
from remote_service.config.schema import FormField, KnownOptions, Limits, SessionType, ViewerPolicy
from remote_service.config.values import MAX_NAME, Says
from remote_service.config.words import as_json, closest, did_you_mean, for_example, one_of, shown
from remote_service.texts import counted as ngettext
from remote_service.texts import sentence as _

_SAMPLE_ENTRY = '{"script": "desktop_session.py", "count": 1, "options": {}}'

_POLICY_OF_RAW = Finding(
    ("viewer_policy",),
    _('limits beside "stream": "raw"'),
    _("none: only VNC can be filtered"),
    _('remove it, or write "stream": "rfb" if it is VNC'),
    Code.POLICY_CONTRADICTION,
)


def check_entry(name: str, raw: object) -> tuple[SessionType | None, list[Finding]]:
    """Checks an entry.

    Args:
        name: its key in the sessions file.
        raw: its value, as `json` gave it.

    Returns:
        The session type and no findings, or None and every error that could be told: of each value at most
        one, and then the contradictions between those values that are sound by themselves.
    """
    if not isinstance(raw, dict):
        expected = _("an object with at least script, count and options")
        return None, [Finding((), shown(raw), expected, for_example(_SAMPLE_ENTRY), Code.VALUE_INVALID)]
    session_type: SessionType | None = None
    findings: list[Finding] = []
    try:
        session_type = SessionType.model_validate({**raw, "name": name})
    except ValidationError as error:
        findings += _explain(error, name, raw)
    if "name" in raw:
        findings.append(_unknown_key(("name",)))
    findings += _check_form(raw.get("form"), findings)
    if session_type is not None:
        findings += _check_limits(session_type.limits)
    if session_type is not None and session_type.stream == "raw" and not session_type.viewer_policy.policy.unlimited:
        findings.append(_POLICY_OF_RAW)
    return (None if findings else session_type), findings


def display_key(path: KeyPath, raw: object) -> KeyPath:
    """The path with a form field's place replaced by its name, when it has one that no other field has."""
    if len(path) < 2 or path[0] != "form" or not isinstance(raw, dict):
        return path
    names = _form_names(raw["form"])
    name = names.get(int(path[1]))
    return path if name is None or list(names.values()).count(name) > 1 else ("form", name, *path[2:])


def _explain(error: ValidationError, name: str, raw: Mapping[str, Any]) -> list[Finding]:
    findings: dict[KeyPath, Finding] = {}
    meant: set[KeyPath] = set()
    missing: list[KeyPath] = []
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        path = _existing_path(fault["loc"], raw)
        if fault["type"] == "default_factory_not_called":
            continue  # the label has its default from the name, and the name's own error is there
        if fault["loc"] == ("name",):
            findings[()] = _bad_name(name)
        elif fault["type"] == "missing":
            missing.append((*path, fault["loc"][-1]))
        elif fault["type"] == "extra_forbidden":
            findings[path] = _unknown_key(path)
            meant.update((*path[:-1], key) for key in _near_keys(path))
        else:
            findings.setdefault(path, _bad_value(path, raw))
    for path in missing:
        if path not in meant:
            findings[path] = _missing_key(path)
    # Of a union, pydantic reports each branch: what is wrong further inside says more.
    around = {path[:length] for path in findings for length in range(1, len(path))}
    return [finding for path, finding in findings.items() if path not in around]


def _check_limits(limits: Limits) -> list[Finding]:
    """The contradictions between limits: an extension needs something that it extends."""
    most, longest = limits.most_lifetime, limits.max_lifetime
    if most is None or (longest is not None and longest <= most):
        return []
    key = ("limits", "most_lifetime")
    if longest is None:
        found = _("%(value)s without a max_lifetime", value=shown(most))
        expected = _("a max_lifetime that it can make longer")
        remedy = _('add "max_lifetime" to the limits, or remove it')
        return [Finding(key, found, expected, remedy, Code.VALUE_INVALID)]
    found = _("%(value)s, less than max_lifetime", value=shown(most))
    expected = _("a number of at least %(least)s, or no such key", least=f"{longest:g}")
    example = for_example(f'"most_lifetime": {3 * longest:g}')
    return [Finding(key, found, expected, example, Code.VALUE_INVALID)]


def _existing_path(loc: Sequence[str | int], raw: Any) -> KeyPath:
    """The part of pydantic's location that exists in the file; the names of union branches do not."""
    path: list[str | int] = []
    for step in loc:
        if step in raw if isinstance(raw, dict) else isinstance(raw, list) and isinstance(step, int):
            raw = raw[step]
            path.append(step)
    return tuple(path)


def _value_at(path: KeyPath, raw: Any) -> Any:
    for step in path:
        raw = raw[step]
    return raw


def _model_at(path: KeyPath) -> tuple[type[BaseModel], KeyPath]:
    """The model that a path leads into, and the path from there on."""
    if path[0] == "options" and len(path) > 1:
        return KnownOptions, path[1:]
    if path[0] == "limits" and len(path) > 1:
        return Limits, path[1:]
    if path[0] == "viewer_policy" and len(path) > 1:
        return ViewerPolicy, path[1:]
    if path[0] == "form" and len(path) > 2:
        return FormField, path[2:]
    return SessionType, path


def _field_at(path: KeyPath) -> tuple[str, FieldInfo, Says, bool]:
    """The key's name, its definition, its words, and whether the path leads to an item inside it."""
    model, rest = _model_at(path)
    key = str(rest[0])
    field = model.model_fields[key]
    says = next(part for part in field.metadata if isinstance(part, Says))
    return key, field, says, len(rest) > 1


def _bad_value(path: KeyPath, raw: Mapping[str, Any]) -> Finding:
    key, field, says, is_item = _field_at(path)
    value = _value_at(path, raw)
    near = closest(value, _literals(field.annotation)) if isinstance(value, str) else None
    fix = did_you_mean(near) if near else for_example(f"{as_json(key)}: {says.sample}")
    return Finding(path, shown(value), says.item if is_item else says.expected, fix, Code.VALUE_INVALID)


def _literals(annotation: Any) -> list[str]:
    """The texts of a `Literal`, also inside an optional one."""
    arguments = get_args(annotation)
    return [
        text for argument in arguments for text in ([argument] if isinstance(argument, str) else _literals(argument))
    ]


def _missing_key(path: KeyPath) -> Finding:
    key, _field, says, _is_item = _field_at(path)
    fix = _("add for example %(sample)s", sample=f"{as_json(key)}: {says.sample}")
    return Finding(path, _("no such key"), says.expected, fix, Code.KEY_MISSING)


def _allowed_keys(path: KeyPath) -> list[str]:
    model = _model_at(path)[0]
    return [key for key in model.model_fields if not (model is SessionType and key == "name")]


def _near_keys(path: KeyPath) -> list[str]:
    near = closest(str(path[-1]), _allowed_keys(path))
    return [near] if near else []


def _unknown_key(path: KeyPath) -> Finding:
    near = _near_keys(path)
    if near:
        fix = did_you_mean(near[0])
    elif len(path) > 1:
        fix = _("remove it")
    else:
        fix = _('remove it, or move it into "options" if the script reads it')
    return Finding(path, _("an unknown key"), one_of(_allowed_keys(path)), fix, Code.KEY_UNKNOWN)


def _bad_name(name: str) -> Finding:
    expected = ngettext(
        "a name of 1 to %(most)d printable character without blanks at its ends",
        "a name of 1 to %(most)d printable characters without blanks at its ends",
        MAX_NAME,
        most=MAX_NAME,
    )
    found = _("%(value)s as the name", value=shown(name))
    return Finding((), found, expected, _("rename the session type"), Code.NAME_INVALID)


def _form_names(form: object) -> dict[int, str]:
    """The names that the fields have, by position, whether they are good ones or not."""
    fields = form if isinstance(form, list) else []
    return {
        index: field["name"]
        for index, field in enumerate(fields)
        if isinstance(field, dict) and isinstance(field.get("name"), str)
    }


def _check_form(form: object, findings: Sequence[Finding]) -> list[Finding]:
    """The contradictions between what is sound in the form."""
    fields: list[Any] = form if isinstance(form, list) else []
    candidates = []
    names = _form_names(fields)
    for index in names:
        raw: dict[str, Any] = fields[index]
        unsound = {str(finding.key[2]) for finding in findings if finding.key[:2] == ("form", index)}
        sound = {key: value for key, value in raw.items() if key in FormField.model_fields and key not in unsound}
        if "name" in sound and "type" in sound:
            candidates.append(Candidate(index, FormField.model_construct(**sound), frozenset(unsound)))
    return check_form(candidates, list(names.values()))
