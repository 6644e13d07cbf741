"""``autopack replay-drain``: a drain's choices, asked again of its strategy or of another one."""

import click

from autopack.cli.named_plugins import named, strategy_of
from autopack.cli.number_options import SHARE
from autopack.cli.output import json_option, print_json, say_table, terminal_width, users_prints
from autopack.cli.session import ReadingCommand, Session, example


@click.command(
    cls=ReadingCommand,
    short_help="Ask a drain's strategy, or another, again at each choice.",
    epilog=example(
        "autopack --log work.db replay-drain last",
        "autopack --log work.db replay-drain last --strategy other.py:choose",
        "autopack --log work.db replay-drain last --calibrator mixture --tau 0.95",
    ),
)
@click.argument("drain_id", metavar="DRAIN")
@click.option("--strategy", help="Ask another one: a name, or file.py:name.  [default: its own]")
@click.option(
    "-s", "--strategy-option", "options", multiple=True, metavar="NAME=VALUE",
    help="An option of that strategy; several times.",
)  # fmt: skip
@click.option(
    "--calibrator", metavar="NAME[:OPTION=VALUE,...]",
    help="Say what its budgets would have been by this one.",
)  # fmt: skip
@click.option("--estimator", help="Or by this estimator; a name, or file.py:name.")
@click.option("--tau", type=SHARE, help="The share that budgets are to cover.  [default: its own]")
@json_option
@click.pass_context
def replay_drain(
    ctx: click.Context,
    /,
    drain_id: str,
    strategy: str | None,
    options: tuple[str, ...],
    calibrator: str | None,
    estimator: str | None,
    tau: float | None,
    as_json: bool,
) -> None:
    """
    Ask a strategy again at each choice of a drain, on what the drain was shown then.

    DRAIN is an id, or last. The drain's own strategy is to choose as it did; another one is
    followed from where they part. Exit 1 if the strategy is no function of what it is shown.
    Nothing is executed or written.
    """
    import autopack as api
    from autopack.report.drain_replay_text import replay_json, replay_lines

    session = ctx.find_object(Session)
    assert session is not None
    if options and strategy is None:
        raise click.UsageError("--strategy-option (-s) is of another --strategy: name one.")
    registry = session.registry()
    with session.open_log() as log, users_prints():
        found = api.replay_drain(
            log,
            drain_id,
            strategy=None if strategy is None else strategy_of(registry, strategy, options),
            calibrator=calibrator,
            estimator=None if estimator is None else named(registry, "estimator", estimator),
            tau=tau,
        )
    if as_json:
        print_json(replay_json(found))
    else:
        say_table(replay_lines(found, width=terminal_width()))
    ctx.exit(1 if found.is_impure else 0)
