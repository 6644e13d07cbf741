"""What calibrators promise of their coverage, and whether what a promise rests on was so."""

import math
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
        missed: The share of them whose outputs were larger than predicted.
        at_most: That share is at most this; 1 or more says nothing yet.
        tau: The share of outputs that predictions are to hold.
        late: How many outcomes were known only after the next prediction, and
        missing: what else was not so of all that the bound rests on, in words, as far as the
            calibrator can tell; if there is any, nothing is guaranteed.
    """

    group: str
    rows: int
    missed: float
    at_most: float
    tau: float
    late: int = 0
    missing: tuple[str, ...] = ()


@runtime_checkable
class Promising(Protocol):
    """A calibrator that can say what holds of its predictions, whatever the outcomes."""

    def guarantees(self, state: Any, /) -> Iterable[Any]:
        """Return objects like :class:`Guarantee`; tau, late and missing may be absent."""


@attrs.frozen(kw_only=True)
class Promise:
    """
    What share of a group's outputs a calibrator guarantees to be missed at most, and what it was.

    Args:
        missed: The share of *rows* that were larger than predicted.
        at_most: What that share is at most, whatever the outputs are.
    """

    calibrator: str
    group: str
    rows: int
    missed: float
    at_most: float


@attrs.frozen(kw_only=True)
class NoPromise:
    """A guarantee that cannot be given for these rows, and in words what it lacks."""

    calibrator: str
    group: str
    rows: int
    missing: tuple[str, ...]


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
    it counted are the predictions that it gave, and whether its misses are within its bound.

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
        if not missing and one.missed > one.at_most + _SLIP:
            missing.append("more were missed than it says, so something else was not so")
        about = {"calibrator": calibrator, "group": one.group, "rows": one.rows}
        if missing:
            found.append(NoPromise(**about, missing=tuple(missing)))
        else:
            found.append(Promise(**about, missed=one.missed, at_most=one.at_most))
    return found


def _missing(one: Any, rows: Sequence[Outcome], tau: float, late: int) -> Iterable[str]:
    tracked = getattr(one, "tau", tau)
    if tracked != tau:
        yield f"it holds {tracked:g} of the outputs, and {tau:g} was asked for"
    if late := max(late, getattr(one, "late", 0)):
        yield known_late(late)
    own = tuple(getattr(one, "missing", ()))
    yield from own
    if not own and (n := sum(outcome.is_open for outcome in rows)):
        yield undecided(n)


def _miscounted(told: Sequence[Any], succeeded: Sequence[Outcome]) -> str:
    """Return what is wrong with counts that can be compared with what was predicted; or nothing."""
    compared = [([one], _rows_of(one.group, succeeded)) for one in told]
    for some, rows in (*compared, (list(told), succeeded)):
        misses = round(sum(one.rows * one.missed for one in some))
        seen = sum(outcome.is_missed for outcome in rows)
        if sum(one.rows for one in some) == len(rows) and misses != seen:
            return f"it counted {misses:,} misses, and these predictions had {seen:,}"
    return ""


def _rows_of(group: str, succeeded: Sequence[Outcome]) -> Sequence[Outcome]:
    """Return the rows of a group; of one that is no group of rows, such as a pool, all of them."""
    return [outcome for outcome in succeeded if outcome.group == group] or succeeded


def _outputs(n: int) -> str:
    return f"{n:,} {'output was' if n == 1 else 'outputs were'}"


def in_words(one: Guarantee) -> str:
    """Return what is guaranteed in a line, or what it lacks."""
    missing = [known_late(one.late)] if one.late else []
    missing += one.missing
    if missing:
        return f"{one.group}: no guarantee over {one.rows} rows: {'; '.join(missing)}"
    most = math.ceil((one.at_most - _SLIP) * 1e4) / 1e4
    return (
        f"{one.group}: the share missed of {one.rows} rows is at most {most:.4f}; it is "
        f"{one.missed:.4f}"
    )
