"""What the commands of one call share: the log that was named, and the plugins."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from autopack.cli.output import note, say, shown

if TYPE_CHECKING:
    from autopack.log.log import Log
    from autopack.plugins.registry import Registry


F = TypeVar("F", bound=Callable[..., Any])
BY_HAND: Final = "by hand"
"""The reason that is recorded where nobody gave one."""


class Session:
    """
    The log and the plugin folders that a user named; both are opened when first needed.

    ``has_written`` tells whether this call has appended anything to a log; ``until`` as of when
    its log is read, as it was typed.
    """

    def __init__(
        self, *, target: str | None, plugins_dirs: tuple[str, ...] = (), verbose: int = 0
    ) -> None:
        self.target = target
        self.plugins_dirs = plugins_dirs
        self.verbose = verbose
        self.has_written = False
        self.until: str | None = None
        self._registry: Registry | None = None
        self._told: set[str] = set()

    def registry(self) -> "Registry":
        """Return the plugins, loaded once; each that failed is named on stderr."""
        if self._registry is None:
            from autopack.cli.output import users_prints
            from autopack.cli.stderr_logging import configure_logging
            from autopack.plugins.discovery import load_plugins

            configure_logging(self.verbose)
            with users_prints():
                self._registry = load_plugins(folders=self._folders())
            self.tell_faults()
        return self._registry

    @property
    def typed(self) -> str:
        """What a command that is to be typed next begins with, passwords masked."""
        return f"autopack --log {shlex.quote(self.shown)}"

    @property
    def shown(self) -> str:
        """How the log is named to people, passwords masked."""
        from autopack.log.addresses import masked

        return masked(self.target or "")

    def tell_faults(self) -> None:
        """Name on stderr each plugin fault that is known by now and was not told yet."""
        for info in self._registry.infos_so_far if self._registry is not None else ():
            source = f"{info.name} ({info.distribution} {info.version})".replace(" )", ")")
            for fault in info.faults:
                line = f"plugin {source}: {fault}; the rest works on."
                if line not in self._told:
                    self._told.add(line)
                    say(line, err=True)

    def plugin_command(self, name: str) -> click.Command | None:
        """Return the command that a plugin registered under that name, or None."""
        found: click.Command | None = self.registry().known("command").get(name)
        return found

    def open_log(self) -> "Log":
        """
        Open the log that ``--log`` or ``AUTOPACK_LOG`` names, and say on stderr which it is.

        Raises:
            InvalidInputError: No log is named; there is no default.
        """
        import autopack as api
        from autopack.errors import InvalidInputError

        if not (self.target and self.target.strip()):
            raise InvalidInputError(
                "No log is named: give --log PATH, or set AUTOPACK_LOG. There is no default. "
                "Make a new log with: autopack log create PATH",
                name="log",
                value=self.target,
            )
        log = self._opened(api.open_log(absolute_target(self.target), plugins=self.registry()))
        return log if self.until is None else _as_of(log, self.until)

    def other_log(self, target: str) -> "Log":
        """Open one more log beside the one that is named, and say which it is."""
        import autopack as api

        if self.until is not None and self.until.isdecimal():
            raise click.UsageError("A position is of one log: give --until a time.")
        log = self._opened(api.open_log(absolute_target(target), plugins=self.registry()))
        return log if self.until is None else _as_of(log, self.until)

    def maybe_log(self) -> "Log | None":
        """Return the log if one is named, for commands that also work without."""
        return self.open_log() if self.target else None

    def _opened(self, log: "Log") -> "Log":
        from autopack.log.log import journal_of

        journal_of(log).observers.append(self._note_written)
        announce(log)
        return log

    def _note_written(self, _recorded: Any) -> None:
        self.has_written = True

    def _folders(self) -> list[Path]:
        from autopack.errors import InvalidInputError

        folders = [Path(folder).absolute() for folder in self.plugins_dirs]
        for folder in folders:
            if not folder.is_dir():
                raise InvalidInputError(
                    f"There is no folder {folder} to load plugins from.",
                    name="plugins_dirs",
                    value=folder,
                )
        return folders


def absolute_target(target: str) -> str:
    """Return a path as an absolute one; a URL and ``memory:`` as they are."""
    if "://" in target or target == "memory:":
        return target
    return str(Path(target).absolute())


def announce(log: "Log") -> None:
    """Say on stderr which log this command holds, without its password."""
    from autopack.log.addresses import masked
    from autopack.log.log import journal_of

    note(f"log: {masked(log.target)} (log_id {journal_of(log).log_id})")


def _as_of(log: "Log", until: str) -> "Log":
    """Return the log as of what was typed, and say on stderr which position that is."""
    from autopack.cli.position_arguments import place_of

    click.get_current_context().call_on_close(log.close)
    past = log.as_of(place_of(until))
    position = past.head().position
    last = shown(past.info()["last_event_at"]) if position else "before the first event"
    note(f"as of position {position} ({last}): who was at work then is not kept")
    return past


def _take_log(ctx: click.Context, _parameter: click.Parameter, given: str | None) -> None:
    session = ctx.find_object(Session)
    if given is None or session is None:
        return
    root, typed = ctx.find_root(), click.core.ParameterSource.COMMANDLINE
    if root.get_parameter_source("log_target") is typed and session.target != given:
        from autopack.log.addresses import masked

        both = masked(f"{session.target} and {given}")
        raise click.UsageError(f"Two logs are named, {both}: name one.")
    session.target = given


class LogCommand(click.Command):
    """A command that holds a log, so that it takes ``--log`` too; the nearest one wins."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params.append(log_option())


class ReadingCommand(LogCommand):
    """A command that reads its log, so that it can read it as of any moment, with ``--until``."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params.append(until_option())


def until_option() -> click.Option:
    """Return ``--until`` for a command that reads: its log is opened as of then."""
    return click.Option(
        ["--until", "log_until"],
        metavar="POSITION|TIME",
        expose_value=False,
        callback=_take_until,
        help="As of then: 120, yesterday 14:00, -90m, 2026-01-31.",
    )


def _take_until(ctx: click.Context, _parameter: click.Parameter, given: str | None) -> None:
    session = ctx.find_object(Session)
    if given is not None and session is not None:
        session.until = given


def log_option() -> click.Option:
    """Return ``--log`` for a command; the same as before the command."""
    return click.Option(
        ["--log", "log_here"],
        metavar="PATH|URL",
        expose_value=False,
        callback=_take_log,
        help="The log; the same as before the command.",
    )


def why_option(*, is_asked: bool = False) -> "Callable[[F], F]":
    """Return ``--why`` for a command; it is asked for where something is lost or turned down."""
    given: dict[str, Any] = {"required": True} if is_asked else {"default": BY_HAND}
    return click.option(
        "--why", show_default=not is_asked, help="The reason; it is recorded.", **given
    )


def example(*lines: str) -> str:
    """Return the example that ends a command's help."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)
