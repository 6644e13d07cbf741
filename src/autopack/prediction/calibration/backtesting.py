"""A backtest: calibrators judged on history, each row predicted before it is learned."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import attrs

from autopack.errors import PluginError
from autopack.ports.measures import OUTPUT, Measure, figure_of_size
from autopack.ports.prediction import Prediction, Sample
from autopack.prediction.calibration import usable_samples
from autopack.prediction.calibration.guarantees import NoPromise, Promise, Promising, examined
from autopack.prediction.calibration.measure_calibrator import in_measure
from autopack.prediction.calibration.prequential import Replay, Row, late
from autopack.prediction.calibration.quantile_groups import group_of
from autopack.prediction.calibration.scores import FAILED, Outcome, Score, Step, course, scored
from autopack.prediction.running.alarm_scores import AlarmScore

_MOST_TOLD: Final = 3
"""How many reasons for leaving experts out are told of a calibrator: the most frequent ones."""


@attrs.frozen(kw_only=True)
class Backtest:
    """
    What a backtest found.

    Args:
        source: What was read, as people name it.
        by: What was judged: outputs of attempts, or what phases took in another measure.
        rows: How many rows were predicted and learned.
        set_aside: Rows that say nothing about a size, by reason.
        without: Features that were kept from the calibrators.
        notes: What a reader should know of the source, and of experts that were left out.
        guarantees: What calibrators promise, where all that it rests on was so in these rows.
        without_guarantee: What they would promise if it had been, and what was not so.
        courses: By calibrator, how the coverage went: the bounds of shares of stretches of rows,
            in order.
        alarms: What alarms about attempts in work would have saved and lost, of a log.
    """

    source: str
    by: Measure = OUTPUT
    tau: float
    rows: int
    set_aside: Mapping[str, int] = attrs.Factory(dict)
    without: tuple[str, ...] = ()
    scores: tuple[Score, ...] = ()
    notes: tuple[str, ...] = ()
    guarantees: tuple[Promise, ...] = ()
    without_guarantee: tuple[NoPromise, ...] = ()
    courses: Mapping[str, Sequence[Step]] = attrs.Factory(dict)
    alarms: tuple[AlarmScore, ...] = ()

    def score(self, calibrator: str, group: str = "all") -> Score:
        """Return one calibrator's score on one group."""
        return next(
            one for one in self.scores if (one.calibrator, one.group) == (calibrator, group)
        )


@attrs.frozen(kw_only=True)
class Judgement:
    """What was found of the calibrators, as in :class:`Backtest`."""

    scores: tuple[Score, ...]
    guarantees: tuple[Promise, ...]
    without_guarantee: tuple[NoPromise, ...]
    courses: Mapping[str, Sequence[Step]]
    notes: tuple[str, ...] = ()


def judged(
    rows: Sequence[Row], calibrators: Mapping[str, Any], tau: float, by: Measure = OUTPUT
) -> Judgement:
    """
    Return the scores of calibrators and what they promise, by the names they are given.

    Args:
        rows: Their samples are sized in the measure *by*.
    """
    scores: list[Score] = []
    promises: list[Promise | NoPromise] = []
    n_late = late(rows)
    courses: dict[str, Sequence[Step]] = {}
    notes: list[str] = []
    for name, given_one in calibrators.items():
        calibrator = in_measure(given_one, by)
        found = Replay(calibrator, rows, (tau, 0.5))
        outcomes, left_out = [], Counter[str]()
        for row, predicted in found:
            outcomes.append(_outcome(name, row, *predicted))
            left_out.update(predicted[0].left_out)
        notes += (
            f"{name}: {why} ({count:,} of {len(outcomes):,} rows)"
            for why, count in left_out.most_common(_MOST_TOLD)
        )
        scores += (_in_figures(score, by) for score in scored(name, outcomes, tau))
        courses[name] = course(outcomes)
        if isinstance(calibrator, Promising):
            given = calibrator.guarantees(found.state)
            promises += examined(name, given, outcomes, tau=tau, late=n_late)
    return Judgement(
        scores=tuple(scores),
        guarantees=tuple(one for one in promises if isinstance(one, Promise)),
        without_guarantee=tuple(one for one in promises if isinstance(one, NoPromise)),
        courses=courses,
        notes=tuple(notes),
    )


def _in_figures(score: Score, by: Measure) -> Score:
    """Return a score with its one figure that is a size as an amount of the measure."""
    if score.mae is None:
        return score
    return attrs.evolve(score, mae=float(figure_of_size(by, score.mae)))


def _outcome(name: str, row: Row, at_tau: Prediction, median: Prediction) -> Outcome:
    for one in (at_tau, median):
        if not 0 <= one.tokens < math.inf:
            raise PluginError(
                name, f"predicted {one.tokens!r} tokens at {one.tau:g}; a size is finite, 0 or more"
            )
    return Outcome(
        group=group_named(row.sample),
        at_tau=at_tau.tokens,
        median=median.tokens,
        actual=row.sample.actual_output_tokens or 0,
        is_cut=row.sample.truncated,
    )


def rows_of(samples: Iterable[Sample]) -> tuple[list[Row], Mapping[str, int]]:
    """
    Return a log's samples as rows on its own clock, the positions, and the others by reason.

    A prediction stands where it was recorded, and its outcome where its attempt ended.
    """
    rows: list[Row] = []
    aside: Counter[str] = Counter()
    for sample in samples:
        reason = usable_samples.unfit_as_size(sample)
        if reason is not None:
            aside[reason] += 1
            continue
        known_at = max(sample.position, sample.ended_position or sample.position)
        rows.append(
            Row(at=sample.position, known_at=known_at, features=sample.question(), sample=sample)
        )
    return rows, dict(sorted(aside.items()))


def group_named(sample: Sample) -> str:
    """Return the group that a row is scored in."""
    if usable_samples.stratum(sample) == "failed":
        return FAILED
    return "/".join(group_of(sample.category, sample.complexity))


def kept_from(rows: Iterable[Row], names: Sequence[str]) -> list[Row]:
    """Return the rows without these features, so that calibrators neither ask nor learn them."""
    if not names:
        return list(rows)
    nothing: dict[str, Any] = {name: () if name == "tasks" else None for name in names}
    return [
        attrs.evolve(
            row,
            features=attrs.evolve(row.features, **nothing),
            sample=attrs.evolve(row.sample, features={**row.sample.features, **nothing}),
        )
        for row in rows
    ]
