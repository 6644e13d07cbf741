"""What came of asking a strategy again at each choice of a drain."""

from datetime import datetime

import attrs

from autopack.draining.simulation.other_path import OtherPath
from autopack.prediction.replayed_budgets import ReplayedBudgets


@attrs.frozen(kw_only=True)
class StrategyAnswer:
    """
    What a strategy answered.

    Args:
        act: ``choose``, ``retry``, ``wait`` or ``stop``; of a failure ``retry``, ``ask``,
            ``give_up``, or ``none`` if it leaves that to others. ``failed`` where it gave no such
            answer.
        phase: ``RUN/PHASE``, of the first two, and of failures.
        model, executor: With what it is to be done, the phase's and the drain's own among them.
        reason: The strategy's own, or why it failed.
    """

    act: str
    phase: str | None = None
    model: str | None = None
    executor: str | None = None
    reason: str

    @property
    def what(self) -> tuple[str, str | None, str | None, str | None]:
        """All but the reason."""
        return self.act, self.phase, self.model, self.executor


@attrs.frozen(kw_only=True)
class ReplayedChoice:
    """
    A choice on record, and what a strategy answers to what was shown then.

    Args:
        position: Where ``drain.phase_selected`` stands, or the failure, or ``drain.stopped``.
        at: The time that the strategy was shown; when it was recorded, where nobody noted that.
        about: ``choice``, or ``end`` where it ended the drain, or ``failure`` where it was asked
            what comes after an attempt that had just failed.
        recorded: What was chosen.
        answer: What the strategy answers; None where it cannot be asked.
        second: What it answers to the same view once more, if that is something else.
        why_not: Why it cannot be asked.
    """

    position: int
    at: datetime
    worker: str
    recorded: StrategyAnswer
    answer: StrategyAnswer | None = None
    second: StrategyAnswer | None = None
    why_not: str | None = None
    about: str = "choice"

    @property
    def differs(self) -> bool:
        """Whether the strategy chooses something else, or now this and now that."""
        is_other = self.answer is not None and self.answer.what != self.recorded.what
        return is_other or self.second is not None


@attrs.frozen(kw_only=True)
class DrainReplay:
    """
    A drain's choices, asked again.

    Args:
        strategy: What the drain went by, by name; ``asked`` is what was asked now.
        is_own: Whether that is the same: then a choice that differs shows that it is not a
            function of what it is shown.
        choices: In the order of the log.
        afterwards: What the strategy says of failures, where it was asked then.
        ends: What it answers where it ended the drain, once for each worker.
        path: Where another strategy would have gone from where they part.
        budgets: What the attempts would have been given, where that was asked.
    """

    drain_id: str
    strategy: str
    asked: str
    is_own: bool
    choices: tuple[ReplayedChoice, ...]
    afterwards: tuple[ReplayedChoice, ...] = ()
    ends: tuple[ReplayedChoice, ...] = ()
    path: OtherPath | None = None
    budgets: ReplayedBudgets | None = None

    @property
    def answers(self) -> tuple[ReplayedChoice, ...]:
        """The choices, what was said of failures, and ends, in the order of the log."""
        every = (*self.choices, *self.afterwards, *self.ends)
        return tuple(sorted(every, key=lambda one: one.position))

    @property
    def parted(self) -> ReplayedChoice | None:
        """The first answer that differs."""
        return next((one for one in self.answers if one.differs), None)

    @property
    def is_impure(self) -> bool:
        """Whether the strategy that was asked is no function of what it is shown."""
        is_other = self.is_own and self.parted is not None
        return is_other or any(one.second is not None for one in self.answers)

    @property
    def n_asked(self) -> int:
        """How many choices could be asked again."""
        return sum(one.answer is not None for one in self.choices)

    @property
    def n_same(self) -> int:
        """How many were answered as they were then."""
        return sum(one.answer is not None and not one.differs for one in self.choices)
