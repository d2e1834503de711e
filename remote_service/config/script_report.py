"""What the process that imports a script says about it, and the problem that an admin reads.

Imported by that process too: the standard library only, so that nothing of ours is in a script's way.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remote_service.config.problems import Code, Problem, Severity
from remote_service.config.tracebacks import exit_argument, one_line, own_line, own_traceback
from remote_service.config.words import as_json, closest, harmless, listed
from remote_service.texts import Sentence
from remote_service.texts import counted as ngettext
from remote_service.texts import sentence as _

if TYPE_CHECKING:
    from remote_service.config.loader import LoadedType

__all__ = ["ScriptFault", "ScriptReport", "how_it_ended", "own_traceback", "problem_of_report"]


class ScriptFault(StrEnum):
    """What can be wrong with a script, and which fields of its `ScriptReport` say more."""

    SYNTAX = "syntax"
    """It is not Python. `found`: the exception on one line; `line`; `traceback`."""
    IMPORT_RAISED = "import_raised"
    """`found`: the exception on one line; `line`; `traceback`."""
    IMPORT_EXITED = "import_exited"
    """It called `sys.exit` at import. `found`: its argument as Python writes it; `line`; `traceback`."""
    DIED = "died"
    """The process ended. `found`: as `how_it_ended` says; `index` when `realize_service` was running."""
    IMPORT_TIMEOUT = "import_timeout"
    """`found`: how long it was given, such as "30 seconds"; `index` when `realize_service` was running."""
    NO_REALIZE_SERVICE = "no_realize_service"
    """`names`: the functions that the script does define."""
    REALIZE_RAISED = "realize_raised"
    """`index`; `found`: the exception on one line; `line`; `traceback`."""
    REALIZE_EXITED = "realize_exited"
    """`index`; `found`: the argument of `sys.exit` as Python writes it; `line`; `traceback`."""
    WRONG_TYPE = "wrong_type"
    """`index`; `found`: the name of the type that `realize_service` returned."""
    MISSING_METHODS = "missing_methods"
    """`index`; `found`: the class's name; `names`: all that are missing out of start and stop."""
    WRONG_SIGNATURE = "wrong_signature"
    """`index`; `found`: the class's name; `names`: those out of start and stop that cannot be called as we do."""
    UNREADABLE = "unreadable"
    """The account that runs scripts cannot read it. `names`: the account; `found`: the reason."""
    THREADS = "threads"
    """A warning: threads of the import that no session will have. `names`: theirs."""


@dataclass(frozen=True, slots=True)
class ScriptReport:
    """One thing that is wrong with a script, or (without a fault) that it is sound."""

    fault: ScriptFault | None
    index: int | None = None
    found: str = ""
    traceback: str = ""
    """The script's own, see `tracebacks.own_traceback`."""
    line: int | None = None
    """In the script."""
    names: tuple[str, ...] = ()

    @classmethod
    def of_exception(
        cls, fault: ScriptFault, error: BaseException, script_path: Path, index: int | None = None
    ) -> ScriptReport:
        """The report on something that the script raised; of a `SystemExit`, `found` is its argument."""
        found = exit_argument(error) if isinstance(error, SystemExit) else one_line(error)
        return cls(fault, index, found, own_traceback(error, script_path), own_line(error, script_path))

    def as_dict(self) -> dict[str, Any]:
        """All fields as JSON can hold them; `from_dict` takes them back."""
        return {**asdict(self), "fault": self.fault.value if self.fault else None, "names": list(self.names)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ScriptReport:
        """The report that `as_dict` described.

        Raises:
            TypeError, KeyError, ValueError: `data` does not come from `as_dict`.
        """
        fault = None if data["fault"] is None else ScriptFault(data["fault"])
        return cls(**{**data, "fault": fault, "names": tuple(data["names"])})


@dataclass(frozen=True, slots=True)
class _Wording:
    """The clauses of a fault. `%(found)s`, `%(names)s`, `%(call)s` and the like are filled in from the report."""

    code: Code
    found: Sentence
    expected: Sentence
    fix: Sentence


_IMPORTS = _("that importing the script only defines things")
_RETURNS = _("an instance of a subclass of RemoteServiceScript for %(indexes)s")
_FUNCTION = 'realize_service(name="", count=1, index=0, common_options=None)'

_WORDINGS = {
    ScriptFault.SYNTAX: _Wording(
        Code.SCRIPT_SYNTAX,
        Sentence("%(found)s"),
        _("Python source"),
        _("correct the line, or the one before it"),
    ),
    ScriptFault.IMPORT_RAISED: _Wording(
        Code.SCRIPT_IMPORT_RAISED,
        _("that its import raised %(found)s"),
        _IMPORTS,
        _("correct what the traceback shows"),
    ),
    ScriptFault.IMPORT_EXITED: _Wording(
        Code.SCRIPT_IMPORT_EXITED,
        _("that its import left by sys.exit(%(found)s)"),
        _IMPORTS,
        _('put what belongs to a program of its own below if __name__ == "__main__":'),
    ),
    ScriptFault.DIED: _Wording(
        Code.SCRIPT_DIED,
        _("that %(call)s ended its process (%(found)s)"),
        _("that importing the script and realize_service() leave the process alone"),
        _("look for os._exit, os.abort, os.kill and native modules that crash"),
    ),
    ScriptFault.IMPORT_TIMEOUT: _Wording(
        Code.SCRIPT_TIMEOUT,
        _("that %(call)s had not come to an end after %(found)s"),
        _("that importing the script and realize_service() are quick"),
        _("move what takes long, or waits for something, into start(); its log in logs/types shows where it was"),
    ),
    ScriptFault.NO_REALIZE_SERVICE: _Wording(
        Code.NO_REALIZE_SERVICE,
        _("no function realize_service"),
        _("one at the top level of the script"),
        _("define %(function)s", function=_FUNCTION),
    ),
    ScriptFault.REALIZE_RAISED: _Wording(
        Code.REALIZE_RAISED, _("that %(call)s raised %(found)s"), _RETURNS, _("correct what the traceback shows")
    ),
    ScriptFault.REALIZE_EXITED: _Wording(
        Code.REALIZE_EXITED,
        _("that %(call)s left by sys.exit(%(found)s)"),
        _RETURNS,
        _("return the instance, and let start() return False when it cannot start"),
    ),
    ScriptFault.WRONG_TYPE: _Wording(
        Code.WRONG_SERVICE_TYPE,
        _("that %(call)s returned an object of the type %(found)s"),
        _RETURNS,
        _("derive the class from RemoteServiceScript and return an instance of it"),
    ),
    ScriptFault.MISSING_METHODS: _Wording(
        Code.METHODS_MISSING,
        _("the class %(found)s without %(names)s"),
        _("a class that defines start(token, timestamp=None, options=None) and stop()"),
        _("define %(names)s in it"),
    ),
    ScriptFault.WRONG_SIGNATURE: _Wording(
        Code.WRONG_SIGNATURE,
        _("the class %(found)s, whose %(names)s cannot take the arguments that the server gives"),
        _("start(token, timestamp=None, options=None) and stop()"),
        _("define %(names)s with these parameters"),
    ),
    ScriptFault.UNREADABLE: _Wording(
        Code.ACCOUNT_CANNOT_READ,
        _("that the account %(names)s, which runs scripts, cannot read it (%(found)s)"),
        _("a file that this account can read, in directories that it can enter"),
        _("chmod a+r the script and chmod a+x the directories above it"),
    ),
    ScriptFault.THREADS: _Wording(
        Code.SCRIPT_THREADS,
        _("that its import started %(threads)s (%(names)s)"),
        _("none: sessions are forks, and a fork keeps no other threads"),
        _("start threads in start()"),
    ),
}


def problem_of_report(report: ScriptReport, loaded_type: LoadedType) -> Problem:
    """The problem that a report tells of; its file is the script.

    Raises:
        ValueError: the report has no fault.
    """
    if report.fault is None:
        raise ValueError(f"the report on {loaded_type.script_path} has no fault; only faults are problems")
    wording = _WORDINGS[report.fault]
    last = loaded_type.type.count - 1
    facts = {
        "found": harmless(report.found),
        "names": listed([harmless(name) for name in report.names]),
        "threads": ngettext("%(count)d thread", "%(count)d threads", len(report.names), count=len(report.names)),
        "call": _call(report.index),
        "indexes": _("the index 0") if last == 0 else _("every index from 0 to %(last)d", last=last),
    }
    return Problem(
        file=str(loaded_type.script_path),
        entry=loaded_type.type.name,
        key=("script",),
        found=_filled(wording.found, facts),
        expected=_filled(wording.expected, facts),
        fix=_remedy(report) or _filled(wording.fix, facts),
        code=wording.code,
        severity=Severity.WARNING if report.fault is ScriptFault.THREADS else Severity.ERROR,
        line=report.line,
        detail=harmless(report.traceback),
    )


def _call(index: int | None) -> Sentence:
    """What of the script was running."""
    return _("its import") if index is None else _("realize_service() for the index %(index)d", index=index)


def _filled(clause: Sentence, facts: Mapping[str, str]) -> Sentence:
    """The clause with those of the facts that it names, or has already."""
    named = {name: fact for name, fact in facts.items() if f"%({name})s" in clause.template}
    return clause.filled(**clause.values, **named)


def how_it_ended(exit_code: int) -> str:
    """How a process ended: "exit status 7", "killed by SIGSEGV".

    Args:
        exit_code: as `os.waitstatus_to_exitcode` and `subprocess` give it, negative for a signal.
    """
    if exit_code >= 0:
        return _("exit status %(status)s", status=exit_code)
    try:
        return _("killed by %(signal)s", signal=signal.Signals(-exit_code).name)
    except ValueError:
        return _("killed by signal %(number)s", number=-exit_code)


def _remedy(report: ScriptReport) -> str | None:
    """A remedy for what was found in particular; None where the fault's general one is as good."""
    if report.fault is ScriptFault.NO_REALIZE_SERVICE:
        near = closest("realize_service", report.names)
        return _("rename the function %(name)s to realize_service", name=as_json(near)) if near else None
    if report.fault is ScriptFault.IMPORT_RAISED and report.found.startswith("ModuleNotFoundError"):
        return _("install the module into the server's Python environment, or put it beside the script")
    if report.fault is ScriptFault.WRONG_TYPE and report.found == "NoneType":
        return _("end realize_service() with a return of the instance")
    return None
