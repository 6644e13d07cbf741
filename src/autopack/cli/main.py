"""The ``autopack`` command: finds a command's module when it is used, and meets every error."""

import gc
import sys
import threading
from importlib import import_module
from typing import Any, Final

import click

from autopack.cli.forced_exit import INTERRUPTED, whole_process
from autopack.cli.lasting_stderr import make_lasting
from autopack.cli.output import OutputError, ReaderGoneError, be_quiet, say, silence
from autopack.cli.short_help import help_all_option, shows_all
from autopack.cli.suggestions import CommandGroup, nearest_option

_COMMANDS: Final = {
    "batch": "batch:batch",
    "demo": "demo:demo",
    "log": "log:log",
    "view": "views:view",
    "views": "views:views",
    "run": "run:run",
    "phase": "phase:phase",
    "drain": "drain:drain",
    "worker": "worker:worker",
    "scale": "scale:scale",
    "account": "account:account",
    "cap": "cap:cap",
    "workspaces": "workspaces:workspaces",
    "checks": "recheck:checks",
    "recheck": "recheck:recheck",
    "simulate": "simulate:simulate",
    "probe": "probe:probe",
    "status": "status:status",
    "usage": "usage:usage",
    "compare": "compare:compare",
    "replay": "replay:replay",
    "replay-drain": "replay_drain:replay_drain",
    "history": "history:history",
    "estimate": "estimate:estimate",
    "calibrate": "calibrate:calibrate",
    "backtest": "backtest:backtest",
    "advise": "advise:advise",
    "report": "report:report",
    "forecast": "forecast:forecast",
    "import": "import_command:import_",
    "export": "export_command:export",
    "plugins": "plugins:plugins",
    "doctor": "doctor:doctor",
}
"""Each command with its module below ``autopack.cli`` and its name there."""

_WANTED: Final = (
    (("batch", "demo", "import", "export"), "a file of tasks; a first look; other tools"),
    (("run", "phase", "drain", "worker"), "queue work, do it, decide about it"),
    (("scale", "probe", "account", "cap"), "more workers; one phase; limits, and caps"),
    (("checks", "recheck", "workspaces"), "whether work is right; where it is done"),
    (("status", "usage", "report"), "how it stands, what it cost, how it went"),
    (("compare", "replay-drain"), "two runs; what another strategy would do"),
    (("view", "history", "replay", "log"), "every event; any moment of the past"),
    (("estimate", "forecast", "simulate"), "what work will take, before it is done"),
    (("calibrate", "backtest", "advise"), "learn from what was measured"),
    (("plugins", "views", "doctor"), "what is added, and if all is in order"),
)
"""The commands by what people want; ``--help-all`` has a line for each."""

DONE, FAULTS, REFUSED = 0, 1, 2


class AutopackGroup(CommandGroup):
    """The built-in commands, each imported when it is used, then those of plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the built-in names; those of plugins are listed by ``autopack plugins``."""
        return list(_COMMANDS)

    def known_names(self, ctx: click.Context) -> list[str]:
        """Return the names of the built-in commands and of those of plugins."""
        return [*_COMMANDS, *_session(ctx).registry().names("command")]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a built-in command, else one that a plugin registered, else None."""
        place = _COMMANDS.get(cmd_name)
        if place is not None:
            module, _, name = place.partition(":")
            found: click.Command = getattr(import_module(f"autopack.cli.{module}"), name)
            return found
        command: click.Command | None = _session(ctx).plugin_command(cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by what people want, on a screen; or each with its line."""
        if shows_all(ctx):
            super().format_commands(ctx, formatter)
            return
        with formatter.section("Commands"):
            formatter.write_dl([(", ".join(names), what) for names, what in _WANTED])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write how to begin, or all that is good to know."""
        if shows_all(ctx):
            super().format_epilog(ctx, formatter)
        else:
            formatter.write_text("autopack COMMAND --help says more; try: autopack demo")

    def make_context(self, *given: Any, **settings: Any) -> click.Context:
        """Parse what stands before the command."""
        try:
            return super().make_context(*given, **settings)
        except click.NoSuchOption as fault:
            raise _shown(nearest_option(fault)) from None
        except click.ClickException as fault:
            raise _shown(fault)  # noqa: B904 - it is the same one

    def invoke(self, ctx: click.Context) -> Any:
        """
        Run the command; an error that was meant for people becomes one message and exit 2.

        Once something was recorded the command was not refused, but ended half-way: exit 1.
        """
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as fault:
            raise _shown(nearest_option(fault)) from None
        except click.ClickException as fault:
            raise _shown(fault)  # noqa: B904 - it is the same one
        except (click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            say("\nInterrupted; what was recorded is kept.", err=True)
            ctx.exit(INTERRUPTED)
        except BrokenPipeError as fault:
            if not isinstance(fault, ReaderGoneError) and _has_written(ctx):
                raise  # a pipe of somebody else's
            silence()
            ctx.exit(DONE)
        except OutputError as fault:
            silence()
            say(f"autopack: {fault}", err=True)
            ctx.exit(FAULTS)
        except Exception as fault:
            message = _message_of(fault) or _foreign(ctx, fault)
            if message is None:
                raise
            from autopack.log.addresses import masked

            say(f"autopack: {masked(message)}", err=True)
            ctx.exit(FAULTS if _has_written(ctx) else REFUSED)


def _version(ctx: click.Context, _parameter: click.Parameter, is_asked: bool) -> None:
    if not is_asked or ctx.resilient_parsing:
        return
    from importlib.metadata import version

    say(f"autopack {version('autopack')}")
    ctx.exit()


@click.group(
    cls=AutopackGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nExamples:\n  autopack demo\n  autopack --log work.db status\n\n"
    "Exit codes: 0 done; 1 done, but phases failed or a check found damage, or an error ended "
    "it half-way; 2 refused, nothing was changed; 130 interrupted, state saved. Plugins may add "
    "commands: see autopack plugins.",
)
@click.option(
    "--log",
    "log_target",
    envvar="AUTOPACK_LOG",
    metavar="PATH|URL",
    help="The log to work on; or AUTOPACK_LOG.",
)
@click.option(
    "--plugins-dir",
    "plugins_dirs",
    multiple=True,
    metavar="DIR",
    help="Load each Python file there as a plugin, too.",
)
@click.option("-q", "--quiet", is_flag=True, help="Say results and faults alone.")
@click.option("-v", "--verbose", count=True, help="Log more to stderr; twice for everything.")
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_version,
    help="Show the version and exit.",
)
@click.pass_context
def autopack(
    ctx: click.Context,
    log_target: str | None,
    plugins_dirs: tuple[str, ...],
    quiet: bool,
    verbose: int,
) -> None:
    """Drain batches of LLM work, record what every call cost, and learn from it."""
    be_quiet(quiet)
    _session(ctx)


autopack.params.append(help_all_option())


def main() -> None:
    """Run the command line on this process's arguments and streams."""
    gc.set_threshold(50_000)  # what loading makes stays; looking for garbage in it takes a tenth
    make_lasting()
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
    sys.excepthook = _tell_fault
    threading.excepthook = lambda told: _tell_fault(
        told.exc_type, told.exc_value or told.exc_type(), told.exc_traceback
    )
    with whole_process():
        autopack(prog_name="autopack")


def _session(ctx: click.Context) -> Any:
    if ctx.obj is None:
        from autopack.cli.session import Session

        given = ctx.params
        ctx.obj = Session(
            target=given.get("log_target"),
            plugins_dirs=given.get("plugins_dirs") or (),
            verbose=-1 if given.get("quiet") else given.get("verbose") or 0,
        )
        ctx.call_on_close(ctx.obj.tell_faults)
    return ctx.obj


def _has_written(ctx: click.Context) -> bool:
    return bool(getattr(ctx.obj, "has_written", False))


def _message_of(fault: Exception) -> str | None:
    from autopack.errors import AutopackError

    if isinstance(fault, AutopackError):
        return fault.typed
    if isinstance(fault, OSError) and fault.filename is not None:
        return f"{fault.filename}: {fault.strerror}."
    return None


def _foreign(ctx: click.Context, fault: Exception) -> str | None:
    """Return what a user's own file raised, in a line; with -v the traceback is told."""
    from autopack.cli.foreign_faults import said_of

    return None if ctx.params.get("verbose") else said_of(fault)


def _shown(fault: click.ClickException) -> click.ClickException:
    """Return an error of click's with what was typed in it shown, and not obeyed."""
    from autopack.errors.base import shortened
    from autopack.report.escaping import visible

    told = {name: getattr(fault, name, None) for name in ("message", "ui_filename")}
    shown = {n: visible(shortened(one)) for n, one in told.items() if isinstance(one, str)}
    vars(fault).update(shown)
    return fault


def _tell_fault(kind: type[BaseException], fault: BaseException, trace: Any) -> None:
    """Print a traceback: what an exception says may be anybody's words."""
    import traceback

    say("".join(traceback.format_exception(kind, fault, trace)), err=True, nl=False)
