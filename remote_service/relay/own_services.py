"""What the site itself listens with and sessions must not reach: its database, its channel layer, its directory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from remote_service.networks import Networks

DATABASE = "the site's database"
CHANNEL_LAYER = "the site's channel layer"
STATE = "in the gateway's state directory"
_PORTS = {"postgresql": 5432, "mysql": 3306, "oracle": 1521}
_POSTGRESQL_FOLDERS = ("/var/run/postgresql", "/run/postgresql", "/tmp")
_REDIS_PORT = 6379


@dataclass(frozen=True, slots=True)
class OwnService:
    """One of them: at a host and port, or at a path, below which everything is its own."""

    what: str
    host: str = ""
    port: int = 0
    path: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the site says about endpoints."""

    networks: Networks
    services: tuple[OwnService, ...]
    state_dir: Path


def own_services(
    databases: Mapping[str, Mapping[str, Any]], channel_layers: Mapping[str, Mapping[str, Any]], state_dir: Path
) -> tuple[OwnService, ...]:
    """Those that Django's settings name."""
    found = [OwnService(STATE, path=str(state_dir))]
    for database in databases.values():
        found += _database(database)
    for layer in channel_layers.values():
        found += [_redis(host) for host in layer.get("CONFIG", {}).get("hosts", ())]
    return tuple(found)


def own_path(path: Path, services: tuple[OwnService, ...]) -> str:
    """What of the site a path leads to, links followed; empty when nothing."""
    real = path.resolve()
    for service in services:
        if service.path and real.is_relative_to(Path(service.path).resolve()):
            return service.what
    return ""


def _database(database: Mapping[str, Any]) -> Iterator[OwnService]:
    kind = str(database.get("ENGINE", "")).rpartition(".")[2]
    host, port = str(database.get("HOST") or ""), int(database.get("PORT") or _PORTS.get(kind, 0))
    if kind == "sqlite3":
        return
    if kind == "postgresql" and (host.startswith("/") or not host):
        # libpq takes a directory for a host; without one it looks at some that it was built with.
        for folder in (host,) if host else _POSTGRESQL_FOLDERS:
            yield OwnService(DATABASE, path=f"{folder}/.s.PGSQL.{port}")
    elif host.startswith("/"):
        yield OwnService(DATABASE, path=host)
    if not host.startswith("/"):
        yield OwnService(DATABASE, host=host or "localhost", port=port)


def _redis(host: Any) -> OwnService:
    """One of channels_redis' hosts: a URL, a pair, or an object with an address."""
    if isinstance(host, Mapping):
        host = host.get("address") or (host.get("host", "localhost"), host.get("port", _REDIS_PORT))
    if not isinstance(host, str):
        return OwnService(CHANNEL_LAYER, host=str(host[0]), port=int(host[1]))
    url = urlsplit(host)
    if url.scheme == "unix" or host.startswith("/"):
        return OwnService(CHANNEL_LAYER, path=unquote(url.path))
    return OwnService(CHANNEL_LAYER, host=url.hostname or "localhost", port=url.port or _REDIS_PORT)
