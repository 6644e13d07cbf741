"""What an attempt in work will still use, by what others like it used in the end."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal, TypeAlias

import attrs

from autopack.prediction.running.final_amounts import Ends, FinalAmounts
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.call_use import Use

RunningMeasure: TypeAlias = Literal["calls", "total_tokens", "seconds"]
"""What is measured of an attempt in work; seconds are those since it was claimed."""

MEASURES: Final[tuple[RunningMeasure, ...]] = ("calls", "total_tokens", "seconds")

GroupPath: TypeAlias = tuple[str, ...]
"""A group of attempts: category, complexity, model; an end left out is any."""

_FEWEST: Final = 9
"""Of so many it is known between what nine of ten end."""
_CUT_ENDS: Final = frozenset({"timed_out", "released", "reclaimed", "cancelled"})
_CUT_CODES: Final = frozenset({"cap_reached", "alarmed"})
_OWN: Final = 2
"""How long the place is at least by which an attempt is called odd: its category and complexity."""


@attrs.frozen(kw_only=True)
class RemainingUse:
    """
    Between what nine of ten attempts like one used that got as far, and ended well.

    Args:
        measure: ``calls``, ``total_tokens`` or ``seconds``.
        used: What the attempt has used so far.
        least, most: How much more; *most* is None where too few got this far to say.
        reached: How many like it got this far and ended well.
        like: Whom it is compared with, as ``docs/low/m``; ``all`` is everyone.
    """

    measure: RunningMeasure
    used: float
    least: float
    most: float | None
    reached: int
    like: str


@attrs.frozen(kw_only=True)
class Limit:
    """
    What the share *tau* of the attempts like one stayed under that ended well.

    Args:
        amount: In the measure's unit.
        known: How many these were.
        like: Whom it is compared with, as ``docs/low``.
    """

    amount: float
    known: int
    like: str


class EndedAttempts:
    """
    What attempts used in the end, by group, and what that says of one in work.

    It is asked at the finest group of which enough got as far; at its own category and complexity
    first, on its own model above all.

    Args:
        asked: The attempts of which alone it will be asked, so that nothing is learned of groups
            that none of them is in; None is any.
    """

    def __init__(self, asked: Iterable[AttemptRow] | None = None) -> None:
        self._asked = None if asked is None else {place for row in asked for place in _places(row)}
        self._amounts: dict[tuple[GroupPath, RunningMeasure], FinalAmounts] = {}

    def learn(self, row: AttemptRow) -> None:
        """
        Take in an attempt that ended, in the order of the ends.

        One that was cut off from outside would have used more. One that failed by itself or waits
        at a gate says nothing of what it takes to end well; one that made no call that could be
        read, how long it took.
        """
        is_whole = row.success is True
        if not (is_whole or is_cut_off(row)):
            return
        places = [one for one in _places(row) if self._asked is None or one in self._asked]
        for measure, amount in amounts_of(row.use, row.duration_s).items():
            if measure != "seconds" and (row.is_misread or not row.use.calls):
                continue
            for place in places:
                known = self._amounts.setdefault((place, measure), FinalAmounts())
                known.add(amount, is_whole=is_whole)

    def remaining(
        self, row: AttemptRow, measure: RunningMeasure, used: float
    ) -> RemainingUse | None:
        """Return what an attempt in work will still use; None where too little is known of any."""
        last: tuple[Ends, GroupPath] | None = None
        for place, known in self._at(row, measure):
            ends = known.ends(used)
            if ends.most is not None:
                # Of those few that its own group lacks others say how far they went, and no more.
                least = ends.least if last is None else used
                return _remaining(measure, used, ends._replace(least=least), place)
            if last is None and len(known) >= _FEWEST:
                last = ends, place
        return None if last is None else _remaining(measure, used, *last)

    def all_remaining(self, row: AttemptRow, seconds: float | None) -> Iterator[RemainingUse]:
        """Yield what an attempt will still use by each measure of which enough is known."""
        for measure, used in amounts_of(row.use, seconds).items():
            if (found := self.remaining(row, measure, used)) is not None:
                yield found

    def limit(self, row: AttemptRow, measure: RunningMeasure, tau: float) -> Limit | None:
        """
        Return what an attempt is past where it is odd; None until enough like it ended well.

        Only attempts of its category and complexity are like it here, of its model where these
        are enough.
        """
        for place, known in self._at(row, measure):
            amount = known.quantile(tau) if len(place) >= _OWN else None
            if amount is not None:
                return Limit(amount=amount, known=len(known), like=_named(place))
        return None

    def _at(
        self, row: AttemptRow, measure: RunningMeasure
    ) -> Iterator[tuple[GroupPath, FinalAmounts]]:
        for place in _places(row):
            if (known := self._amounts.get((place, measure))) is not None:
                yield place, known


def is_cut_off(row: AttemptRow) -> bool:
    """Tell whether an attempt was ended by a limit, its worker or somebody, and not by itself."""
    if row.success is True:
        return False
    return row.ending in _CUT_ENDS or row.reason_code in _CUT_CODES or row.truncated


def amounts_of(use: Use, seconds: float | None) -> Mapping[RunningMeasure, float]:
    """Return what an attempt used, by measure; what is not known is left out."""
    found: dict[RunningMeasure, float] = {"calls": use.calls}
    if not use.calls_without_total:
        found["total_tokens"] = use.total_tokens
    if seconds is not None:
        found["seconds"] = seconds
    return found


def _places(row: AttemptRow) -> Iterator[GroupPath]:
    """Yield the groups of an attempt, the finest first."""
    asked = row.features.get("model")
    model = row.claimed_model or (asked if isinstance(asked, str) else None)
    whole = (row.category, row.complexity, *([model] if model else []))
    for length in range(len(whole), -1, -1):
        yield whole[:length]


def _remaining(measure: RunningMeasure, used: float, ends: Ends, place: GroupPath) -> RemainingUse:
    return RemainingUse(
        measure=measure,
        used=used,
        least=max(0.0, ends.least - used),
        most=None if ends.most is None else max(0.0, ends.most - used),
        reached=ends.reached,
        like=_named(place),
    )


def _named(place: GroupPath) -> str:
    return "/".join(place) or "all"
