"""What strategies would make of a log's history, or of made-up work."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import attrs

from autopack.log.log import Log, registry_of
from autopack.plugins.discovery import load_plugins
from autopack.ports.drain import StrategyLike

if TYPE_CHECKING:
    from autopack.draining.settings.parameters import DrainLimits
    from autopack.draining.simulation.backlogs import Backlog
    from autopack.draining.simulation.simulation import Simulated


def simulate(
    source: "Log | Backlog | Path | str",
    strategies: StrategyLike | Sequence[StrategyLike] = ("fifo", "triage", "explore"),
    *,
    width: float = 0.5,
    columns: Mapping[str, str] | None = None,
    **limits: "Unpack[DrainLimits]",
) -> "list[Simulated]":
    """
    Run strategies side by side on work whose outcome is known; nothing is executed or written.

    Args:
        source: A log, whose ended phases are taken as if none had been tried, a backlog such
            as ``synthetic_backlog(seed)``, or the path of a matrix of trials, whose tasks are the
            phases; ``docs/cascades.md`` has its fields.
        strategies: A registered name or a strategy, or several of them.
        width: How narrow every group's interval should get, for the tokens that this takes.
        columns: Columns of the matrix by field, where they have unusual names.
        limits: As of a drain, each by its name in :class:`autopack.types.DrainLimits`; minutes are
            those that the work would take. ``max_usd`` stops nothing.

    Returns:
        One result a strategy, in order; the same source gives the same results.
    """
    from autopack.draining.settings.named_parts import named_strategy
    from autopack.draining.simulation.simulation import backlog_of, simulate_backlog
    from autopack.errors import InvalidInputError

    if not width > 0:
        raise InvalidInputError(
            f"width is {width!r}; give a number above 0, such as 0.5.", name="width", value=width
        )
    registry = registry_of(source) if isinstance(source, Log) else load_plugins()
    if isinstance(strategies, str) or not isinstance(strategies, Sequence):
        strategies = [strategies]
    chosen = [named_strategy(registry, one) for one in strategies]
    work = backlog_of(_work(source, columns))
    return simulate_backlog(work, chosen, width=width, **limits)


def _work(
    source: "Log | Backlog | Path | str", columns: Mapping[str, str] | None
) -> "Log | Backlog":
    if not isinstance(source, Path | str):
        return source
    from autopack.draining.simulation.matrix_backlog import matrix_backlog
    from autopack.exchange.trace_files import records_of
    from autopack.prediction.cascades.trial_rows import NEEDED, trials_of

    aside: Counter[str] = Counter()
    records = records_of(Path(source), needed=NEEDED, set_aside=aside)
    trials = trials_of(records, columns=columns)
    work = matrix_backlog(trials, source=Path(source).name)
    if not aside:
        return work
    why = ", ".join(f"{n} {reason.replace('_', ' ')}" for reason, n in sorted(aside.items()))
    return attrs.evolve(work, source=f"{work.source}; set aside: {why}")
