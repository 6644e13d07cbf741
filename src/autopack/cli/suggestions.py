"""Says which command or option was probably meant, with any version of click."""

from collections.abc import Iterator, Mapping
from typing import Any

import click


class CommandGroup(click.Group):
    """
    Names the nearest command for one that is not there.

    Args:
        elsewhere: What to type in place of commands that people look for here.
    """

    def __init__(self, /, *args: Any, elsewhere: Mapping[str, str] = {}, **given: Any) -> None:
        super().__init__(*args, **given)
        self.elsewhere = elsewhere

    def known_names(self, ctx: click.Context) -> list[str]:
        """Return every name that this group takes."""
        return self.list_commands(ctx)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """
        Return the command that *args* begin with.

        Raises:
            click.UsageError: There is none of that name; the nearest one is named.
        """
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            wanted = args[0]
            if wanted.startswith("-"):
                raise
            from autopack.errors.nearest import did_you_mean

            hint = did_you_mean(wanted, self.known_names(ctx))
            if wanted in self.elsewhere:
                hint = f" Use: {self.elsewhere[wanted]}"
            raise click.UsageError(f"There is no command {wanted!r}.{hint}", ctx) from None


def nearest_option(fault: click.NoSuchOption) -> click.UsageError:
    """Return the error for an option that is not there: where it stands, or which is nearest."""
    wanted, ctx = fault.option_name, fault.ctx
    hint = _hint(wanted, ctx) if ctx is not None else ""
    return click.UsageError(f"There is no option {wanted}.{hint}", ctx)


def _hint(wanted: str, ctx: click.Context) -> str:
    import difflib

    parent = ctx.parent
    while parent is not None:
        if wanted in _options(parent.command):
            return f" It stands before the command: {parent.command_path} {wanted} ..."
        parent = parent.parent
    known = {option.strip("-"): option for option in _options(ctx.command)}
    close = difflib.get_close_matches(wanted.strip("-"), known, n=1)
    return f" Did you mean {known[close[0]]}?" if close else ""


def _options(command: click.Command) -> Iterator[str]:
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield from (*parameter.opts, *parameter.secondary_opts)
