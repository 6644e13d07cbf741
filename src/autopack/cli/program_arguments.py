"""A program and its arguments after ``--``: what ``--command`` says in JSON."""

import json
from typing import Final

import click

from autopack.cli.session import LogCommand
from autopack.cli.short_help import ShortHelp
from autopack.cli.suggestions import CommandGroup

_END: Final = "--"
_PLACE: Final = "autopack.program"
_TYPED: Final = "autopack.typed"


class ProgramCommand(ShortHelp, LogCommand):
    """A command after whose options, and ``--``, a program may stand."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what stands after the first ``--``; a word before it is refused as ever."""
        if _END in args:
            place = args.index(_END)
            args, program = args[:place], args[place + 1 :]
            if not program:
                raise click.UsageError("There is no program after --.", ctx)
            ctx.meta[_PLACE] = program
        ctx.meta[_TYPED] = list(args)
        return super().parse_args(ctx, args)


class ProgramGroup(ProgramCommand, CommandGroup):
    """Such a command that also stands before others, which take options of their own."""


def refuse_for_others(ctx: click.Context, named: str) -> None:
    """Refuse a program, or options, of a command where one of those after it is named."""
    if _PLACE in ctx.meta:
        raise click.UsageError(f"{ctx.command_path} {named} takes no program.", ctx)
    typed = click.core.ParameterSource.COMMANDLINE
    for parameter in ctx.command.params:
        is_typed = ctx.get_parameter_source(parameter.name or "") is typed
        if is_typed and parameter.expose_value:
            raise click.UsageError(
                f"{parameter.opts[0]} is of {ctx.command_path}: options of "
                f"{ctx.command_path} {named} stand after {named}.",
                ctx,
            )


def typed_before_program(ctx: click.Context) -> tuple[list[str], list[str]]:
    """Return what was typed for the command, and what follows: a program, with the two dashes."""
    program = ctx.meta.get(_PLACE)
    return list(ctx.meta[_TYPED]), [] if program is None else [_END, *program]


def program_of(ctx: click.Context) -> list[str] | None:
    """Return the program after ``--`` with its arguments, if there is one."""
    program: list[str] | None = ctx.meta.get(_PLACE)
    return program


def take_program(ctx: click.Context) -> list[str] | None:
    """Return it, and let a command that is made of it have what stands after its own ``--``."""
    program: list[str] | None = ctx.meta.pop(_PLACE, None)
    return program


def command_of(ctx: click.Context, command: str | None) -> str | None:
    """Return what ``--command`` says, or would say of the program after ``--``."""
    program = program_of(ctx)
    if program is None:
        return command
    if command is not None:
        raise click.UsageError("Give the program once: by --command, or after --.")
    return json.dumps(program)
