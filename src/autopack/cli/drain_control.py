"""``autopack drain list``, ``set``, ``pause`` and ``resume``: hands on drains that run."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from autopack.cli.number_options import AMOUNT, COUNT, SPAN, dollars, rates
from autopack.cli.output import json_option, print_json, print_table, say, tell_none
from autopack.cli.session import LogCommand, ReadingCommand, Session, example, why_option

if TYPE_CHECKING:
    from autopack.api.drain_requests import DrainAnswers

_WAIT_S: Final = 5.0
_NONE: Final = "none"
_RATES: Final = {"rpm": "requests_per_minute", "tpm": "tokens_per_minute"}
_SHORT: Final = {**_RATES, "timeout": "timeout_s", "give_up_after": "give_up_after_s"}
_KINDS: Final = {"timeout_s": AMOUNT, "max_minutes": AMOUNT, "give_up_after_s": SPAN}

_which = click.option("--drain", metavar="ID", help="This drain; without it, all that are at work.")
_why = click.option("--why", help="The reason; it is recorded.")


@click.command(
    "set",
    cls=LogCommand,
    short_help="Change settings of a drain that runs.",
    epilog=example(
        "autopack --log work.db drain set workers=2 rpm=30 --why 'the others need it'",
        "autopack --log work.db drain set --drain tonight max-usd=none --why so",
    ),
)
@click.argument("changes", nargs=-1, required=True, metavar="NAME=VALUE...")
@_which
@why_option()
@json_option
@click.pass_context
def set_(
    ctx: click.Context, changes: tuple[str, ...], drain: str | None, why: str, as_json: bool
) -> None:
    """
    Change settings of a drain that runs, in whichever process; it obeys within a second.

    NAME is workers, rpm, tpm, timeout, max-usd, max-tokens, max-phases, max-minutes, max-samples,
    max-zero-yield or give-up-after; VALUE is what the option of that name takes, or none for no
    limit. Rates by model are given as rpm=MODEL=N, all of them at once. Who goes on with the
    drain by --resume goes by what was set last.
    """
    import autopack as api

    wanted: Any = _changes(ctx, changes)
    with _log(ctx) as log:
        found = api.set_drain(log, drain=drain, why=why, wait_s=_WAIT_S, **wanted)
    _tell(found, as_json)


@click.command(
    cls=LogCommand,
    short_help="Let a drain that runs take no phase.",
    epilog=example("autopack --log work.db drain pause --now --why 'the key leaked'"),
)
@_which
@click.option("--now", is_flag=True, help="Give back the phases in work too; no attempt is spent.")
@_why
@json_option
@click.pass_context
def pause(ctx: click.Context, drain: str | None, now: bool, why: str | None, as_json: bool) -> None:
    """Let a drain take no phase until it is resumed; those in work go on."""
    import autopack as api

    with _log(ctx) as log:
        found = api.pause_drain(log, drain=drain, now=now, why=why, wait_s=_WAIT_S)
    _tell(found, as_json)


@click.command(
    cls=LogCommand,
    short_help="Let a paused drain take phases again.",
    epilog=example("autopack --log work.db drain resume"),
)
@_which
@_why
@json_option
@click.pass_context
def resume(ctx: click.Context, drain: str | None, why: str | None, as_json: bool) -> None:
    """Let a paused drain take phases again; one whose process has ended is for drain --resume."""
    import autopack as api

    with _log(ctx) as log:
        found = api.resume_drain(log, drain=drain, why=why, wait_s=_WAIT_S)
    _tell(found, as_json)


@click.command(
    "list",
    cls=ReadingCommand,
    short_help="List the drains: who works on them, how they ended.",
    epilog=example("autopack --log work.db drain list"),
)
@json_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """
    List the drains of the log: where each stands, who works on it, and how it ended.

    One that is gone has no process, and none that said how it ended: it was killed. It may be
    gone on with by drain --resume.
    """
    import autopack as api
    from autopack.report.drain_summary import drain_cells

    with _log(ctx) as log:
        found = api.list_drains(log)
    if as_json:
        print_json(found)
        return
    print_table(
        ("drain", "state", "since", "completed", "failed", "by", "why"),
        [drain_cells(one) for one in found],
    )
    tell_none(found, "No drain was started in this log yet.")


def _log(ctx: click.Context) -> Any:
    session = ctx.find_object(Session)
    assert session is not None
    return session.open_log()


def _changes(ctx: click.Context, texts: Sequence[str]) -> dict[str, Any]:
    """Return settings by name, with their values, of what was typed."""
    found: dict[str, list[str]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.replace("-", "_")
        if not (name and equals and value):
            raise click.UsageError(f"{text!r} is not NAME=VALUE, such as workers=2.", ctx)
        found.setdefault(_SHORT.get(name, name), []).append(value)
    return {name: _value(ctx, name, values) for name, values in found.items()}


def _value(ctx: click.Context, name: str, values: list[str]) -> Any:
    try:
        if values == [_NONE]:
            return None
        if name in _RATES.values():
            return rates(ctx, None, tuple(values))
        if len(values) > 1:
            raise click.BadParameter(f"it is given {len(values)} times.")
        if name == "max_usd":
            return dollars(ctx, None, values[0])
        kind: Any = _KINDS.get(name, COUNT)
        return kind.convert(values[0], None, ctx)
    except click.BadParameter as fault:
        raise click.UsageError(f"{name}: {fault.message}", ctx) from None


def _tell(found: "list[DrainAnswers]", as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    for one in found:
        for answer in one.answers:
            detail = f": {answer.detail}" if answer.detail else ""
            say(f"Drain {one.drain_id}: {answer.answer}{detail} ({answer.worker})")
        if silent := sorted(set(one.workers) - {answer.worker for answer in one.answers}):
            say(f"Drain {one.drain_id}: no answer yet of {', '.join(silent)}; it is in the log.")
        elif not one.answers:
            say(f"Drain {one.drain_id}: nobody works on it now; it holds once somebody goes on.")
