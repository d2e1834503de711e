"""Where a session's runner is, and what may be said of it from somewhere else: decided here, without I/O.

Nothing tells two machines apart for good. Host names are given twice; a machine's id is cloned with its disk, and comes
with a container's image; containers of one machine share its start, and each may count processes from 1. So each is
asked for what it can tell, and what is not certain is not said: a runner that cannot be found is unknown then.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Of a runner as its row has it, or of this process."""

    place: str
    """Host name and directory, for people too: "n8:/var/lib/remote-session/run"; empty where nobody wrote it."""
    boot: str
    """Since which start the machine runs; no two machines that run have the same one."""
    home: str = ""
    """Machine and numbering of processes (see `machine`); empty when an older version wrote the row."""

    @property
    def host(self) -> str:
        """The machine's name, for people."""
        return self.place.partition(":")[0]

    def shares_directory(self, here: Whereabouts) -> bool:
        """Whether its runners' sockets are looked for in our directory: that is the case on a clone, too."""
        if not self.place:
            return True
        if not self.home:
            return self.place == here.place
        return (self._machine, self._directory) == (here._machine, here._directory)

    def is_here(self, here: Whereabouts) -> bool:
        """Whether it is or was on this very system: the machine, its start and its processes' numbers are ours.

        Only then the lack of something proves that it has ended, and only then an address that each system has for
        itself, such as a loopback port or a Unix socket, means the same here.
        """
        if self.boot and self.boot != here.boot:
            return False
        if not self.place:
            return True
        return self.home == here.home if self.home else self.host == here.host

    @property
    def _machine(self) -> str:
        return self.home.partition(" ")[0]

    @property
    def _directory(self) -> str:
        return self.place.partition(":")[2]

    def as_columns(self) -> dict[str, str]:
        """The fields of a session's row."""
        return {"runner_place": self.place, "runner_boot": self.boot, "runner_home": self.home}


def has_gone(found: Whereabouts, here: Whereabouts, *, socket: bool, shared: bool) -> bool:
    """Whether a runner that does not take our connection has ended for certain.

    Args:
        found: where it is, in a directory that is ours.
        here: where we are.
        socket: whether its socket is in the directory; nobody listens at it then.
        shared: whether other machines see the directory as well.
    """
    # A socket of another start in a directory of this machine's own is from before the machine was started again;
    # without one the session may as well be a clone's, whose directory only looks like ours.
    return found.is_here(here) or (socket and (found.boot == here.boot or not shared))
