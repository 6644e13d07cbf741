"""Which models to try one after the other, by what each of them did with the same tasks."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from autopack.api.recorded_trials import trials_of_log
from autopack.errors import InvalidInputError
from autopack.errors.nearest import did_you_mean
from autopack.exchange.trace_files import records_of
from autopack.log.log import Log
from autopack.prediction.calibration.price_table import PriceTable
from autopack.prediction.cascades.advice import ModelAdvice
from autopack.prediction.cascades.advisor import advised
from autopack.prediction.cascades.attempt_trials import RecordedTrials
from autopack.prediction.cascades.trial_rows import NEEDED, trials_of
from autopack.prediction.cascades.trials import Trial

LONGEST: Final = 5
"""How many models a chain may have at most."""


def advise_models(
    log: Log | None = None,
    runs: Sequence[str] | str = (),
    *,
    trace: Path | str | None = None,
    check: str | None = None,
    models: Sequence[str] = (),
    max_length: int = 3,
    margin: float = 0.01,
    false_passes: float | None = None,
    false_failures: float | None = None,
    columns: Mapping[str, str] | None = None,
    prices: PriceTable | None = None,
    seed: int = 0,
) -> ModelAdvice:
    """
    Find the chain of models that costs least without being right less often than the best model.

    Each model of a chain is tried until the check passes its work. ``docs/cascades.md`` says what
    is read, how chains are chosen and judged, and when no chain is advised.

    Args:
        log: Its recorded attempts are the trials.
        runs: Only those of these runs, whose phases of one id are one task; by default all.
        trace: Instead of a log, a matrix of trials: JSON lines or CSV, also ``.gz``.
        check: The check of the log that a chain would go by; by default all that judged an attempt
            before it ended.
        models: Only these; by default all that there are.
        max_length: How many models a chain may have, 2 to 5.
        margin: By how much less often than the best model a chain may be right, from 0 below 1.
        false_passes: The share of wrong work that the check passes, instead of what is measured.
        false_failures: The share of right work that it fails, likewise.
        columns: Columns of the trace by field, where they have unusual names.
        prices: For rows of the trace that tell their tokens, and no cost; see
            :func:`autopack.read_prices`.
        seed: For the random order of the tasks and the intervals; the same gives the same.

    Returns:
        The advice; its ``refusal`` says why there is none.

    Raises:
        InvalidInputError: Neither a log nor a trace is given, or both; a setting is out of its
            range, or the trace cannot be read.
        RunMissingError: There is no such run.
    """
    _check(max_length, margin, {"false_passes": false_passes, "false_failures": false_failures})
    if (log is None) == (trace is None):
        raise InvalidInputError("Give a log or a trace, and not both.", name="trace", value=trace)
    if log is not None:
        found = trials_of_log(log, [runs] if isinstance(runs, str) else runs, check=check)
        source = f"log {log.head().log_id}"
    else:
        path, aside = Path(trace or ""), Counter[str]()
        records = records_of(path, needed=NEEDED, set_aside=aside)
        trials = trials_of(records, columns=columns, prices=prices)
        found, source = RecordedTrials(trials=trials, left_out=aside), path.name
    return advised(
        _only(found.trials, models),
        random.Random(seed).random,
        source=source,
        max_length=max_length,
        margin=margin,
        false_passes=false_passes,
        false_failures=false_failures,
        left_out=found.left_out,
        notes=found.notes,
    )


def _check(max_length: int, margin: float, shares: Mapping[str, float | None]) -> None:
    if not 2 <= max_length <= LONGEST:
        raise InvalidInputError(
            f"max_length is {max_length}; give 2 to {LONGEST}.", name="max_length", value=max_length
        )
    for name, share in {"margin": margin, **shares}.items():
        if share is not None and not 0 <= share < 1:
            raise InvalidInputError(
                f"{name} is {share:g}; give a share from 0 to below 1.", name=name, value=share
            )


def _only(trials: Sequence[Trial], models: Sequence[str]) -> Sequence[Trial]:
    if isinstance(models, str):
        models = [models]
    known = {one.model for one in trials}
    for name in models:
        if name not in known:
            hint = did_you_mean(name, known)
            raise InvalidInputError(
                f"No trial is of a model {name!r}.{hint} There are: {', '.join(sorted(known))}.",
                name="models",
                value=name,
            )
    return [one for one in trials if not models or one.model in models]
