"""Describes the command line as Markdown: every command, with all it takes, from click's own."""

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import click

from .docstrings import Link, inline


def entry(path: str, link: Link) -> str:
    """Return the sections of a command, ``module.name``, and of all below it."""
    module, _, name = path.rpartition(".")
    command = getattr(import_module(module), name)
    return "\n\n".join(
        _section(one, context, link) for one, context in commands(command, click.Context(command))
    )


def commands(
    command: click.Command, context: click.Context
) -> Iterator[tuple[click.Command, click.Context]]:
    """Yield a command and all below it, each with a context that knows its whole name."""
    context.info_name = command.name
    yield command, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            if (one := command.get_command(context, name)) is not None:
                yield from commands(one, click.Context(one, parent=context, info_name=name))


def _section(command: click.Command, context: click.Context, link: Link) -> str:
    depth = len(context.command_path.split())
    own = [one for one in command.params if not {"--help", "--help-all"} & set(one.opts)]
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parts = [
        f"{'#' * min(depth + 1, 4)} {context.command_path}",
        f"```text\n{usage}\n```",
        *(_paragraph(text, link) for text in inspect.cleandoc(command.help or "").split("\n\n")),
        "\n".join(_line(one, context, link) for one in own),
        _example(command.epilog or ""),
    ]
    return "\n\n".join(part for part in parts if part)


def _paragraph(text: str, link: Link) -> str:
    r"""Return a paragraph in a line; one that begins with \b as it stands."""
    if text.startswith("\b"):
        return f"```text\n{text.removeprefix(chr(8)).strip()}\n```"
    return _told(text, link)


def _told(text: str, link: Link) -> str:
    """Return a text of the help with its options as code; a page would join their hyphens."""
    as_code = re.sub(r"(`[^`]*`)|(--[\w-]*)", lambda m: m[1] or f"`{m[2]}`", " ".join(text.split()))
    return inline(as_code, link)


def _line(parameter: click.Parameter, context: click.Context, link: Link) -> str:
    """Return the line of an option or an argument."""
    record = parameter.get_help_record(context)
    names = record[0] if record else parameter.human_readable_name
    told, _, default = (getattr(parameter, "help", None) or "").rstrip("]").partition("[default: ")
    if "by default" not in told:
        default = default or _default(parameter)
    marks = [
        re.sub(r"(?<!\.)\.$", "", _told(told, link)),
        "required" if parameter.required else "",
        "may be given again" if getattr(parameter, "multiple", False) else "",
        f"`{default}` by default" if default else "",
    ]
    said = "; ".join(part for part in marks if part)
    return f"- `{names}`: {said}." if said else f"- `{names}`"


def _default(parameter: click.Parameter) -> str:
    """Return a default as it would be typed; what is off, empty or made when asked for is none."""
    value: Any = parameter.to_info_dict()["default"]
    if isinstance(value, bool) or getattr(parameter, "count", False):
        return ""
    many = value if isinstance(value, list | tuple) else [value]
    return " ".join(str(one) for one in many if isinstance(one, str | int | float))


def _example(epilog: str) -> str:
    """Return the lines that an epilog gives as an example."""
    found = re.search(r"Examples?:\n((?:  .*(?:\n|$))+)", epilog)
    return f"```sh no-run\n{inspect.cleandoc('  ' + found[1].strip())}\n```" if found else ""
