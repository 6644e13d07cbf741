"""Help on one screen: what people use first, and ``--help-all`` for the rest."""

from collections.abc import Collection
from typing import Any, Final

import click

from autopack.cli.output import say

_ALL: Final = "autopack.help_all"


class ShortHelp(click.Command):
    """
    A command whose ``--help`` shows some of its options.

    Args:
        used_first: The options by their names in Python; none shows all of them.
    """

    def __init__(self, *args: Any, used_first: Collection[str] = (), **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.used_first = frozenset(used_first)
        if used_first:
            self.params.append(help_all_option())

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options that are used first; of the others how many there are, or all."""
        if not self.used_first:
            super().format_options(ctx, formatter)
            return
        shown: list[tuple[str, str]] = []
        others: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            if (told := parameter.get_help_record(ctx)) is not None:
                is_first = parameter.name in self.used_first or not _OURS.isdisjoint(parameter.opts)
                (shown if is_first else others).append(told)
        with formatter.section("Options"):
            formatter.write_dl(shown)
        if shows_all(ctx):
            with formatter.section("More options"):
                formatter.write_dl(others)
        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)


_OURS: Final = frozenset({"--help", "--help-all", "--log"})


def help_all_option() -> click.Option:
    """Return ``--help-all`` for a command."""
    return click.Option(
        ["--help-all"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_show_all,
        help="Show all there is, and exit.",
    )


def shows_all(ctx: click.Context) -> bool:
    """Tell whether all of the help was asked for."""
    return bool(ctx.meta.get(_ALL))


def _show_all(ctx: click.Context, _parameter: click.Parameter, is_asked: bool) -> None:
    if not is_asked or ctx.resilient_parsing:
        return
    ctx.meta[_ALL] = True
    say(ctx.get_help())
    ctx.exit()
