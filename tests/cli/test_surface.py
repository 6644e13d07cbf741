"""The command line's surface: help that holds, and a Python name for everything it does."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import autopack
from autopack.cli.main import autopack as main
from autopack.cli.suggestions import CommandGroup
from docs.running import blocks_of

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/README.md")])

_UNKNOWN = {"...", "--plugins-dir"}

PYTHON_NAMES = {
    "batch": "batch abatch",
    "demo": "run_demo",
    "log create": "create_log",
    "log info": "open_log Log.info",
    "log verify": "Log.verify",
    "log tail": "Log.read_all",
    "log backup": "Log.backup",
    "log restore": "restore_log",
    "log copy": "copy_log",
    "log upgrade": "upgrade_log",
    "log sign": "sign_head",
    "log bundle": "write_bundle",
    "log prune": "prune_artifacts",
    "log text": "Log.artifacts",
    "view": "view",
    "views refresh": "Log.refresh_views",
    "run create": "create_run",
    "run list": "view",
    "run fork": "fork_run list_phases view",
    "run show": "view list_phases",
    "run cancel": "cancel list_phases",
    "run outputs": "list_phases read_text",
    "run cap": "set_caps",
    "run pause": "pause_run",
    "run resume": "resume_run",
    "phase add": "queue_phases",
    "phase show": "get_phase get_choice list_texts",
    "phase text": "list_texts read_text",
    "phase requeue": "requeue",
    "phase cancel": "cancel",
    "phase skip": "skip",
    "phase approve": "decide_gate",
    "phase reject": "decide_gate",
    "phase judge": "judge_phase get_phase",
    "recheck": "recheck",
    "checks": "checks",
    "drain": "drain Drain.plan requeue",
    "drain list": "list_drains",
    "worker": "drain Drain.stop",
    "scale": "scale",
    "drain set": "set_drain",
    "drain pause": "pause_drain",
    "drain resume": "resume_drain",
    "cap list": "list_caps",
    "cap approve": "decide_cap",
    "cap reject": "decide_cap",
    "account list": "status",
    "account open": "open_account",
    "workspaces list": "list_workspaces",
    "workspaces sweep": "sweep_workspaces",
    "simulate": "simulate synthetic_backlog",
    "probe": "probe",
    "status": "status",
    "usage": "usage",
    "compare": "compare",
    "replay": "replay diff",
    "replay-drain": "replay_drain",
    "history": "history",
    "estimate": "estimate",
    "backtest": "backtest",
    "advise models": "advise_models",
    "calibrate": "calibrate propose",
    "calibrate apply": "apply",
    "calibrate reject": "reject",
    "calibrate rollback": "rollback",
    "calibrate history": "calibration_history",
    "calibrate report": "evaluate write_report",
    "report": "report_runs send_report",
    "forecast": "forecast",
    "import": "import_history find_histories",
    "export": "export_history",
    "plugins": "load_plugins",
    "doctor": "diagnose",
    "plugins new": "create_plugin",
    "plugins check": "load_plugins",
}
"""Each command that does something, with the names below ``autopack`` that do it."""


def commands(group: click.Group = main, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every built-in command and group with its words after ``autopack``."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        words = f"{path} {name}".strip()
        yield words, command
        if isinstance(command, click.Group):
            yield from commands(command, words)


ALL = dict(commands())


def examples(command: click.Command) -> list[str]:
    """Return the lines that a command's help shows as examples."""
    _, _, shown = (command.epilog or "").partition("Example")
    lines = re.sub(r"\\\n\s*", "", shown).splitlines()
    return [line.strip() for line in lines if line.strip().startswith("autopack ")]


def parsed(words: list[str]) -> click.Context:
    """Parse a command line as typed, without running it; wrong usage raises."""
    command: click.Command = main
    rest = words
    while isinstance(command, click.Group):
        place = _subcommand(command, rest)
        if place is None:
            break
        _, command, rest = command.resolve_command(click.Context(command), rest[place:])
        assert command is not None
    return command.make_context(command.name, list(rest))


def _subcommand(group: click.Group, words: list[str]) -> int | None:
    """Return where the subcommand stands: the first word that is no option and no value."""
    flags = {o: p for p in group.params if isinstance(p, click.Option) for o in p.opts}
    place = 0
    while place < len(words):
        word = words[place]
        if word == "--":
            return None  # a program follows
        if not word.startswith("-"):
            return place
        option = flags.get(word)
        place += 1
        if option is not None and not (option.is_flag or option.count):
            may_lack = option.flag_value is not None and words[place : place + 1] != []
            place += not (may_lack and words[place].startswith("-"))
    return None


def lines_of(page: Path) -> Iterator[tuple[str, list[str]]]:
    """
    Yield the ``autopack`` command lines that a page shows, run or not, as words.

    Those that load plugins from a folder may use a plugin's own commands; only a run shows those.
    """
    for block in blocks_of(page):
        if block.language not in ("sh", "console", "shown"):
            continue
        text = block.text.replace("\\\n", " ")
        for line in text.splitlines():
            for part in re.split(r"&&|\||;| > | 2> ", line.removeprefix("$ ").partition(" #")[0]):
                words = part.split()
                if words and Path(words[0]).name == "autopack" and not _UNKNOWN & set(words):
                    yield f"{page.name}:{block.line}", shlex.split(part)[1:]


@pytest.mark.parametrize("words", ALL)
def test_help_has_an_example_that_parses(words):
    """Every command's help ends with a command line that the command takes."""
    shown = examples(ALL[words])

    assert shown
    for line in shown:
        parsed(shlex.split(line.replace("...", "x"))[1:])


@pytest.mark.parametrize("words", ALL)
def test_an_example_is_of_its_own_command(words):
    """The first example of a command is one of that command."""
    first = examples(ALL[words])[0]
    shown = [word for word in shlex.split(first)[1:] if word != "--log"]

    assert words.split()[-1] in shown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_shows_only_what_exists(page):
    """Each command and option on a page exists, in blocks that are run and in others."""
    for place, words in lines_of(page):
        try:
            parsed(words)
        except click.exceptions.Exit:
            pass
        except click.UsageError as fault:
            pytest.fail(f"{place}: autopack {shlex.join(words)}: {fault.format_message()}")


def test_wrong_lines_are_found():
    """An option that is not there, a wrong command and a missing argument do not parse."""
    for line in ("drain --nope", "stauts", "run create --phases x", "--log x log infos"):
        with pytest.raises(click.UsageError):
            parsed(line.split())


@pytest.mark.parametrize("words", ["", *(w for w, c in ALL.items() if isinstance(c, click.Group))])
def test_a_list_of_commands_is_not_cut(words):
    """On 80 columns, each command in a group's help has its whole line."""
    shown = click.Context(ALL.get(words, main), terminal_width=80).get_help()

    assert "..." not in shown.partition("Commands:")[2].partition("Example")[0]


@pytest.mark.parametrize("words", ALL)
def test_help_fits_into_80_columns_and_explains_each_option(words):
    """No line is folded by the terminal, and no option is only a name."""
    shown = click.Context(ALL[words], info_name=words, terminal_width=80).get_help()
    options = [one for one in ALL[words].params if isinstance(one, click.Option)]

    assert [] == [line for line in shown.splitlines() if len(line) > 80]
    assert [] == [one.name for one in options if not one.help]


def test_commands_have_help():
    """Every command says what it does."""
    assert [] == [words for words, command in ALL.items() if not command.help]


def test_groups_name_the_nearest_command():
    """Each group of commands is of the kind that says what was probably meant."""
    groups = {w: c for w, c in ALL.items() if isinstance(c, click.Group)}

    assert [] == [words for words, group in groups.items() if not isinstance(group, CommandGroup)]


def test_every_command_has_a_python_name():
    """A command that does something has names in ``autopack``, and no name is left over."""
    doing = {
        words
        for words, command in ALL.items()
        if not isinstance(command, click.Group) or command.invoke_without_command
    }

    assert sorted(PYTHON_NAMES) == sorted(doing)


@pytest.mark.parametrize("words", PYTHON_NAMES)
def test_a_python_name_is_public_and_documented(words):
    """The names behind a command are in ``autopack.__all__`` and have a docstring."""
    for name in PYTHON_NAMES[words].split():
        public, _, method = name.partition(".")
        thing = getattr(autopack, public)

        assert public in autopack.__all__
        assert (getattr(thing, method) if method else thing).__doc__


def test_a_reason_is_asked_for_where_something_is_lost():
    """Everywhere else `by hand` is recorded where nobody says why."""
    asked = {
        words
        for words, command in ALL.items()
        for option in command.params
        if option.name == "why" and option.required
    }

    judged = {"phase judge"}  # of which the next attempt is told why

    assert {"run cancel", "phase cancel", "phase reject", "log prune"} | judged == asked
