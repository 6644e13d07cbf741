"""``autopack compare``: in what two runs differ, or a run at two moments."""

from contextlib import ExitStack

import click

from autopack.cli.output import json_option, print_json, say_table
from autopack.cli.position_arguments import place_of
from autopack.cli.session import ReadingCommand, Session, example


@click.command(
    cls=ReadingCommand,
    short_help="Say in what two runs differ, or a run at two moments.",
    epilog=example(
        "autopack --log work.db compare monday tuesday",
        "autopack --log work.db compare nightly --at 'yesterday 18:00' --at now",
        "autopack --log work.db compare nightly --other before.db",
    ),
)
@click.argument("run_a", metavar="RUN")
@click.argument("run_b", metavar="[RUN]", required=False)
@click.option(
    "--at", "moments", multiple=True, metavar="TIME|POSITION",
    help="The one run then, and at the second --at, or now.",
)  # fmt: skip
@click.option("--other", metavar="PATH|URL", help="The log of the second run.")
@click.option("--all", "is_all", is_flag=True, help="Show all phases that differ, however little.")
@json_option
@click.pass_obj
def compare(
    session: Session,
    /,
    run_a: str,
    run_b: str | None,
    moments: tuple[str, ...],
    other: str | None,
    is_all: bool,
    as_json: bool,
) -> None:
    """
    Say in what two runs differ: phases by id, what only one of them has, and the totals.

    A phase differs by its state, reason, attempts, tokens, cost or seconds.
    """
    import autopack as api
    from autopack.report.run_comparison import MOST, comparison_json, comparison_lines

    _check(run_a, run_b, moments, other)
    with session.open_log() as log, ExitStack() as stack:
        second = log if other is None else stack.enter_context(session.other_log(other))
        first, *rest = [log.as_of(place_of(one)) for one in moments] or [log]
        found = api.compare(first, run_a, run_b, other=rest[0] if rest else second)
    if as_json:
        print_json(comparison_json(found))
    else:
        say_table(comparison_lines(found, most=None if is_all else MOST))


def _check(run_a: str, run_b: str | None, moments: tuple[str, ...], other: str | None) -> None:
    if len(moments) > 2 or (moments and (run_b is not None or other is not None)):
        raise click.UsageError("--at is of one run: two moments at most, and no second run or log.")
    if not moments and other is None and run_b in (None, run_a):
        raise click.UsageError(
            f"Compare {run_a!r} with what? Name another run, a moment (--at), or a log (--other)."
        )
