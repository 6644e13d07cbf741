"""The options by which ``drain`` and ``worker`` say how queued phases are worked on."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from autopack.cli.completion import complete_runs
from autopack.cli.number_options import (
    AMOUNT,
    COUNT,
    PART,
    SHARE,
    SPAN,
    dollars,
    rates,
    resources,
)

C = TypeVar("C", bound=Callable[..., Any])

_OPTIONS: Final = (
    click.option("--executor", help="A registered name, or file.py:name."),
    click.option("--command", metavar="JSON", help="What the executor `command` runs: a list."),
    click.option(
        "--preset",
        help="A client whose output is known: claude, codex, gemini, llm, opencode, qwen.",
    ),
    click.option(
        "-x",
        "--executor-option",
        "options",
        multiple=True,
        metavar="NAME=VALUE",
        help="An option of the executor; several times. JSON, or a text.",
    ),
    click.option("--strategy", help="A registered name, or file.py:name.  [default: fifo]"),
    click.option(
        "-s",
        "--strategy-option",
        "strategy_options",
        multiple=True,
        metavar="NAME=VALUE",
        help="An option of the strategy; several times.",
    ),
    click.option(
        "--workspace",
        metavar="NAME|FOLDER",
        help="Where attempts work: a folder, or `worktree` for one of its own for each.",
    ),
    click.option(
        "-w",
        "--workspace-option",
        "workspace_options",
        multiple=True,
        metavar="NAME=VALUE",
        help="An option of the workspace; several times.",
    ),
    click.option("--estimator", help="Predicts outputs.  [default: deliverables]"),
    click.option("--calibrator", help="Budget a quantile by it, from the log's samples."),
    click.option(
        "--tau",
        type=SHARE,
        default=0.9,
        show_default=True,
        help="The share of outputs that those budgets are to hold.",
    ),
    click.option(
        "--escalation",
        type=click.Choice(["quantile", "factor", "none"]),
        default="quantile",
        show_default=True,
        help="What a cut output's next budget is.",
    ),
    click.option("--run-id", shell_complete=complete_runs, help="Only this run."),
    click.option(
        "--check",
        "check",
        multiple=True,
        metavar="CHECK",
        help="What work is judged by where phase and run name none: a name, or a program; "
        "repeatable.",
    ),
    click.option("--workers", type=COUNT, default=1, show_default=True, help="Phases at a time."),
    click.option("--timeout-s", type=AMOUNT, help="For each attempt."),
    click.option(
        "--lease-s",
        type=AMOUNT,
        default=30.0,
        show_default=True,
        help="How long a dead worker's phases stay with it.",
    ),
    click.option("--max-minutes", type=AMOUNT, help="Take no phase after so long."),
    click.option("--max-phases", type=COUNT, help="Take so many, retries among them."),
    click.option("--max-samples", type=COUNT, help="Stop once so many samples are won."),
    click.option("--max-tokens", type=COUNT, help="A cap: claims set aside what they may use."),
    click.option(
        "--max-usd", metavar="USD", callback=dollars, help="A cap in USD; it needs prices."
    ),
    click.option("--max-tokens-per-phase", type=COUNT, help="A cap of each phase without its own."),
    click.option("--max-usd-per-phase", metavar="USD", callback=dollars, help="Likewise, in USD."),
    click.option("--max-tokens-per-day", type=COUNT, help="A cap of each day."),
    click.option("--max-usd-per-day", metavar="USD", callback=dollars, help="Likewise, in USD."),
    click.option(
        "--day-zone", default="UTC", show_default=True, help="Whose midnight begins a day."
    ),
    click.option(
        "--at-cap",
        type=click.Choice(["stop", "ask"]),
        default="stop",
        show_default=True,
        help="Ask a cap's owner, and wait: autopack cap approve.",
    ),
    click.option(
        "--alarm",
        metavar="[MEASURE:]TAU:POLICY",
        help="Note, ask about or stop what used more than a share of its like did, as 0.99:ask.",
    ),
    click.option("--prices", metavar="FILE|NAME", help="Dated prices: a file, or a plugin's."),
    click.option("--allow-unknown-price", is_flag=True, help="Under a cap in USD, go on without."),
    click.option(
        "--assume-usd-per-call",
        metavar="USD",
        callback=dollars,
        help="What a call counts as under caps whose price nobody tells.",
    ),
    click.option("--max-zero-yield", type=COUNT, help="Phases in a row without any usage."),
    click.option(
        "--give-up-after",
        "give_up_after_s",
        metavar="SPAN",
        type=SPAN,
        help="Stop once the account has let nobody in for so long, as 2h.  [default: wait]",
    ),
    click.option(
        "--max-fingerprint-repeats",
        type=COUNT,
        default=10,
        show_default=True,
        help="Leave a run that fails the same way so often, with no success in between.",
    ),
    click.option("--max-timeouts-per-run", type=COUNT, help="Leave a run after so many time-outs."),
    click.option(
        "--requests-per-minute",
        "--rpm",
        multiple=True,
        metavar="[MODEL=]N",
        callback=rates,
        help="For every model, or for one; repeatable.",
    ),
    click.option(
        "--tokens-per-minute",
        "--tpm",
        multiple=True,
        metavar="[MODEL=]N",
        callback=rates,
        help="Likewise.",
    ),
    click.option(
        "--offers",
        multiple=True,
        metavar="NAME=N|WORD",
        callback=resources,
        help="For phases that require it, as gpu=2 or label=eu; repeatable.",
    ),
    click.option("--account", metavar="LABEL", help="Whose limits the calls count under."),
    click.option(
        "--leave",
        metavar="SHARE",
        type=PART,
        help="Leave so much of each of the account's windows to others, as 10%.",
    ),
    click.option("--drain", metavar="ID", help="Join this drain: its caps bind all that do."),
    click.option(
        "--collect",
        type=click.Choice(["wait", "once"]),
        default="wait",
        show_default=True,
        help="Wait for what providers have, or ask once for what is due.",
    ),
)


def work_options(command: C) -> C:
    """Give a command all of them, in their order."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
