"""From what a user names to a storage backend."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from autopack.errors import InvalidInputError, UnknownNameError
from autopack.plugins import Registry
from autopack.ports.log import Backend


def create_backend(target: str | Path, registry: Registry) -> Backend:
    """Make a new log where *target* says; what is there already is left alone."""
    scheme, place = _parted(target)
    if scheme in ("", "sqlite"):
        from autopack.backends.sqlite.files import create_file
        from autopack.backends.sqlite.store import SqliteBackend

        path = Path(place).absolute()
        create_file(path)
        return SqliteBackend(path)
    if scheme == "memory":
        from autopack.backends.memory import MemoryBackend

        return MemoryBackend()
    backend: Backend = _of_plugin(scheme, registry).create(str(target))
    return backend


def open_backend(target: str | Path, registry: Registry, *, durability: str = "full") -> Backend:
    """Open the log that *target* names; nothing is created."""
    scheme, place = _parted(target)
    if scheme in ("", "sqlite"):
        from autopack.backends.sqlite.store import SqliteBackend

        return SqliteBackend(Path(place).absolute(), durability=durability)
    if scheme == "memory":
        raise InvalidInputError(
            "A log in memory ends with its process, so there is none to open. "
            "Use create_log('memory:')."
        )
    backend: Backend = _of_plugin(scheme, registry).open(str(target), durability=durability)
    return backend


def path_of(target: str | Path) -> Path | None:
    """Return the path of the file that *target* names, or None if it names no file."""
    scheme, place = _parted(target)
    return Path(place) if scheme in ("", "sqlite") else None


def masked(url: str) -> str:
    """Return a URL without its password."""
    parts = urlsplit(url)
    if not parts.password:
        return url
    host = f"{parts.username}:***@{parts.hostname}" + (f":{parts.port}" if parts.port else "")
    return urlunsplit(parts._replace(netloc=host))


def _parted(target: str | Path) -> tuple[str, str]:
    text = str(target)
    if not text.strip():
        raise InvalidInputError("No log is named: give a path, or set AUTOPACK_LOG.")
    if text == "memory:":
        return "memory", ""
    scheme, separator, rest = text.partition("://")
    if not separator:
        return "", text
    return scheme, rest.removeprefix("/") if scheme == "sqlite" else rest


def _of_plugin(scheme: str, registry: Registry) -> Any:
    found = registry.named["backend"].get(scheme)
    if found is None:
        known = ["sqlite", "memory", *registry.names("backend")]
        raise UnknownNameError("log backend", scheme, known)
    return found
