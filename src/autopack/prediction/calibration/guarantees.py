"""What calibrators promise of their coverage, and whether what a promise rests on was so."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol, runtime_checkable

import attrs

from autopack.prediction.calibration.scores import FAILED, Outcome

_SLIP: Final = 1e-9


@attrs.frozen(kw_only=True)
class Guarantee:
    """
    What holds for the rows of one group whatever their outcomes were, and what happened.

    Args:
        rows: The rows that its predictions were held against.
        coverage: The share of them whose outputs were at or under their prediction.
        bound: |coverage - tau| is at most this; 1 or more says nothing yet.
        tau: The share of outputs that is aimed at.
        missing: What was not so of all that the bound rests on, in words, as far as the
            calibrator can tell; if there is any, nothing is guaranteed.
    """

    group: str
    rows: int
    coverage: float
    bound: float
    tau: float
    missing: tuple[str, ...] = ()


@runtime_checkable
class Promising(Protocol):
    """A calibrator that can say what holds of its predictions, whatever the outcomes."""

    def guarantees(self, state: Any, /) -> Iterable[Any]:
        """Return objects with the fields of :class:`Guarantee`; tau and missing may be absent."""


@attrs.frozen(kw_only=True)
class Promise:
    """What a calibrator guarantees of its coverage over the rows of a group, and what it was."""

    calibrator: str
    group: str
    rows: int
    coverage: float
    bound: float


@attrs.frozen(kw_only=True)
class NoPromise:
    """A guarantee that cannot be given for these rows, and in words what it lacks."""

    calibrator: str
    group: str
    rows: int
    missing: tuple[str, ...]


def above_ceiling(n: int, ceiling: int) -> str:
    """Say that outputs exceeded what none may exceed."""
    return f"{_outputs(n)} larger than {ceiling:,} tokens, which none may exceed"


def undecided(n: int) -> str:
    """Say that outputs were cut off before anybody could tell whether they fitted."""
    return f"{_outputs(n)} cut off under the prediction, and may have fitted or not"


def known_late(n: int) -> str:
    """Say that outcomes were not known before the next prediction."""
    were = "outcome was" if n == 1 else "outcomes were"
    return f"{n:,} {were} known only after the next prediction had been asked for"


def examined(
    calibrator: str, given: Iterable[Any], outcomes: Sequence[Outcome], *, tau: float, late: int
) -> list[Promise | NoPromise]:
    """
    Return each guarantee, or what it lacks for these rows.

    Nothing is taken from the calibrator on trust that the rows themselves can tell: whether what
    it counted are the predictions that it gave, and whether its coverage is within its bound.

    Args:
        given: What the calibrator said it guarantees, at the end.
        outcomes: What it predicted, and what it was.
        tau: The share that was asked for.
        late: How many outcomes were known only after the next prediction.
    """
    told = list(given)
    succeeded = [outcome for outcome in outcomes if outcome.group != FAILED]
    miscounted = _miscounted(told, succeeded)
    found: list[Promise | NoPromise] = []
    for one in told:
        missing = [*_missing(one, _rows_of(one.group, succeeded), tau, late)]
        if not missing and miscounted:
            missing.append(miscounted)
        if not missing and abs(one.coverage - tau) > one.bound + _SLIP:
            missing.append("its coverage is further off than that, so something else was not so")
        about = {"calibrator": calibrator, "group": one.group, "rows": one.rows}
        if missing:
            found.append(NoPromise(**about, missing=tuple(missing)))
        else:
            found.append(Promise(**about, coverage=one.coverage, bound=one.bound))
    return found


def _missing(one: Any, rows: Sequence[Outcome], tau: float, late: int) -> Iterable[str]:
    tracked = getattr(one, "tau", tau)
    if tracked != tau:
        yield f"it holds {tracked:g} of the outputs, and {tau:g} was asked for"
    if late:
        yield known_late(late)
    own = tuple(getattr(one, "missing", ()))
    yield from own
    if not own and (n := sum(outcome.is_open for outcome in rows)):
        yield undecided(n)


def _miscounted(told: Sequence[Any], succeeded: Sequence[Outcome]) -> str:
    """Return what is wrong with counts that can be compared with what was predicted; or nothing."""
    compared = [([one], _rows_of(one.group, succeeded)) for one in told]
    for some, rows in (*compared, (list(told), succeeded)):
        misses = round(sum(one.rows * (1 - one.coverage) for one in some))
        seen = sum(outcome.is_missed for outcome in rows)
        if sum(one.rows for one in some) == len(rows) and misses != seen:
            return f"it counted {misses:,} misses, and these predictions had {seen:,}"
    return ""


def _rows_of(group: str, succeeded: Sequence[Outcome]) -> Sequence[Outcome]:
    """Return the rows of a group; of one that is no group of rows, such as a pool, all of them."""
    return [outcome for outcome in succeeded if outcome.group == group] or succeeded


def _outputs(n: int) -> str:
    return f"{n:,} {'output was' if n == 1 else 'outputs were'}"
