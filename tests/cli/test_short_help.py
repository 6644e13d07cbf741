"""Help that fits on a screen, and all of it."""

import re

import click
import pytest

from autopack.cli.main import autopack

SCREEN = 25


def commands(group, words=()):
    """Yield every command with its words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        yield (*words, name), found
        if isinstance(found, click.Group):
            yield from commands(found, (*words, name))


def options(found):
    """Return the options of a command that help shows."""
    return [one for one in found.params if isinstance(one, click.Option) and not one.hidden]


def test_the_first_help_is_a_screen(cli):
    """Every command is on it, by what people want."""
    shown = cli("--help").stdout
    named = shown.partition("Commands:")[2].replace(",", " ").split()

    assert len(shown.splitlines()) <= SCREEN
    assert set(autopack.list_commands(click.Context(autopack))) <= set(named)


def test_all_help_has_a_line_for_each_command(cli):
    """And what else is good to know."""
    shown = cli("--help-all").stdout

    assert "  batch " in shown
    assert "Answer a file of tasks, each row once." in shown
    assert "Exit codes: 0 done" in shown


@pytest.mark.parametrize("name", ["drain", "batch"])
def test_a_command_of_many_options_shows_a_dozen(cli, name):
    """Those that people use first; with --help-all every one of them, once."""
    found = autopack.get_command(click.Context(autopack), name)
    short, whole = cli(name, "--help").stdout, cli(name, "--help-all").stdout
    listed = re.findall(r"^  (--[a-z-]+)", whole, flags=re.MULTILINE)

    assert len(re.findall(r"^  --[a-z]", short, flags=re.MULTILINE)) <= 15
    assert "--help-all" in short
    assert "More options:" in whole
    assert {one.opts[0] for one in options(found) if one.opts[0].startswith("--")} <= set(listed)


def test_no_other_command_has_so_many():
    """One that grows beyond fifteen says which of them come first."""
    many = [
        " ".join(words)
        for words, found in commands(autopack)
        if len(options(found)) > 15 and not getattr(found, "used_first", ())
    ]

    assert [] == many


def test_what_comes_first_is_there():
    """Every name among the first is an option's."""
    for words, found in commands(autopack):
        first = getattr(found, "used_first", frozenset())

        assert first <= {one.name for one in options(found)}, words
