"""From what a user names to a storage backend."""

import re
from inspect import signature
from pathlib import Path
from typing import Any, Final

from autopack.errors import InvalidInputError, UnknownNameError
from autopack.plugins.registry import Registry
from autopack.ports.backend import Backend, Copied

_URL: Final = re.compile(r"://(?<=[A-Za-z0-9+.-]://)([^\s'\"]++)")
_SECRET: Final = re.compile(
    r"(?i)([?&;](?=[^=&;?]{0,100}(?:pass|pwd|token|secret|key))[^=&;?]*+=)[^&;#]*+"
)


class SqliteFiles:
    """Logs in files: a path, or ``sqlite:///PATH``."""

    def create(self, target: str, *, copied: Copied | None = None) -> Backend:
        """Make a new file and open it."""
        from autopack.log.backends.sqlite.log_files import create_file
        from autopack.log.backends.sqlite.store import SqliteBackend

        path = Path(_parted(target)[1]).absolute()
        create_file(path, copied=copied)
        return SqliteBackend(path)

    def open(self, target: str, *, durability: str = "full") -> Backend:
        """Open the file that is there."""
        from autopack.log.backends.sqlite.store import SqliteBackend

        return SqliteBackend(Path(_parted(target)[1]).absolute(), durability=durability)


class Memory:
    """Logs that end with their process: ``memory:``."""

    def create(self, target: str) -> Backend:
        """Make one."""
        from autopack.log.backends.memory import MemoryBackend

        return MemoryBackend()

    def open(self, target: str, *, durability: str = "full") -> Backend:
        """Refuse: there is none to open."""
        raise InvalidInputError(
            "A log in memory ends with its process, so there is none to open. Instead:",
            do="create_log('memory:')",
            typed="name a file, made by autopack log create",
            name="target",
            value=target,
        )


def create_backend(
    target: str | Path, registry: Registry, *, copied: Copied | None = None
) -> Backend:
    """
    Make a new log where *target* says; what is there already is left alone.

    Args:
        copied: What it will be a copy of.
    """
    opener = _opener(target, registry)
    if copied is not None and "copied" not in signature(opener.create).parameters:
        raise InvalidInputError(
            f"Logs of that kind are not copied to: {masked(str(target))}. Copy to a file.",
            name="dest",
            value=target,
        )
    options = {} if copied is None else {"copied": copied}
    backend: Backend = opener.create(str(target), **options)
    return backend


def open_backend(target: str | Path, registry: Registry, *, durability: str = "full") -> Backend:
    """Open the log that *target* names; nothing is created."""
    backend: Backend = _opener(target, registry).open(str(target), durability=durability)
    return backend


def upgrade_backend(target: str | Path, registry: Registry) -> None:
    """Bring the log that *target* names to how today's are kept, if it can be done in place."""
    upgrade = getattr(_opener(target, registry), "upgrade", None)
    if upgrade is not None:
        upgrade(str(target))


def path_of(target: str | Path) -> Path | None:
    """Return the path of the file that *target* names, or None if it names no file."""
    scheme, place = _parted(target)
    return Path(place) if scheme in ("", "sqlite") else None


def masked(text: str) -> str:
    """Return a text without the passwords of the URLs in it, and without secret parameters."""
    return _URL.sub(_masked_url, text)


def _masked_url(found: re.Match[str]) -> str:
    rest = found[1]
    # A password may itself hold "/" or "@", so it goes from the first ":" to the last "@".
    user, colon, after = rest.partition(":")
    _password, at, place = after.rpartition("@")
    if colon and at and not rest.startswith("/"):
        rest = f"{user}:***@{place}"
    return "://" + _SECRET.sub(r"\1***", rest)


def _parted(target: str | Path) -> tuple[str, str]:
    text = str(target)
    if not text.strip():
        raise InvalidInputError(
            "No log is named: give a path, or set AUTOPACK_LOG.", name="target", value=target
        )
    if text == "memory:":
        return "memory", ""
    scheme, separator, rest = text.partition("://")
    if not separator:
        return "", text
    return scheme, rest.removeprefix("/") if scheme == "sqlite" else rest


def _opener(target: str | Path, registry: Registry) -> Any:
    scheme = _parted(target)[0] or "sqlite"
    found = registry.known("backend").get(scheme)
    if found is None:
        raise UnknownNameError("log backend", scheme, registry.names("backend"))
    return found
