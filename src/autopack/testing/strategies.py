"""What every drain strategy promises: subclass the suite and say how to make one."""

import copy
from datetime import UTC, datetime
from typing import Any

import attrs

from autopack.ports.drain import Choose, DrainView, Retry, Stop, Strategy, Wait
from autopack.testing.generators import drain_views
from autopack.testing.making import checked, not_written
from autopack.testing.purity import only_reading_arguments
from autopack.testing.replays import replayed_choices
from autopack.testing.settings import is_ever, thoroughly
from autopack.testing.short_failures import changes

_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class StrategyContract:
    """
    A drain strategy is pure and deterministic, and never picks what may not run.

    Subclass it with a name that pytest collects, and give :meth:`make`. A class of strategies is
    given as an object that can be called: ``return MyStrategy(...)``.
    """

    def make(self) -> Strategy:
        """Return a strategy as a drain would call it; a new one each time, if it is an object."""
        raise not_written("make()", "return the strategy to test")

    def _made(self) -> Strategy:
        strategy: Strategy = checked(self.make(), "strategy", ["__call__"])
        return strategy

    @thoroughly(view=drain_views())
    def test_it_chooses_waits_or_stops(self, view: DrainView) -> None:
        """The answer is one of the four, with a reason that is not empty."""
        answer: Any = self._made()(view)

        assert isinstance(answer, Choose | Retry | Wait | Stop), f"{answer!r} is no answer"
        assert isinstance(answer.reason, str)
        assert answer.reason.strip()

    @thoroughly(view=drain_views())
    def test_it_picks_only_what_is_ready(self, view: DrainView) -> None:
        """A choice names one of the ready phases; where none is ready, nothing is chosen."""
        answer = self._made()(view)
        picked = [answer.ref] if isinstance(answer, Choose) else []

        assert set(picked) <= {phase.ref for phase in view.ready}

    @thoroughly(view=drain_views())
    def test_it_retries_only_what_has_failed(self, view: DrainView) -> None:
        """A retry names one of the failed phases that this drain has not tried."""
        answer = self._made()(view)
        again = [answer.ref] if isinstance(answer, Retry) else []

        assert set(again) <= {phase.ref for phase in view.failed}

    def test_it_takes_something(self) -> None:
        """Of all moments that a drain may come to, there is one at which it picks a phase."""
        picks = is_ever(drain_views(), lambda view: isinstance(self._made()(view), Choose | Retry))

        assert picks, "whatever is ready or has failed, it picks no phase"

    def test_it_copes_with_an_empty_queue(self) -> None:
        """Nothing ready, nothing waiting, nothing in work: it waits or stops."""
        answer: Any = self._made()(DrainView(now=_NOON, ready=[]))

        assert isinstance(answer, Wait | Stop), f"{answer!r} is no Wait and no Stop"

    @thoroughly(view=drain_views())
    def test_it_waits_for_an_aware_moment(self, view: DrainView) -> None:
        """Until when it waits has a time zone, or is left open."""
        answer = self._made()(view)
        until = answer.until if isinstance(answer, Wait) else None

        told = f"it waits until {until}, which has no time zone; reckon with view.now"
        assert until is None or until.tzinfo is not None, told

    @thoroughly(view=drain_views())
    def test_it_gives_the_same_answer_to_the_same_view(self, view: DrainView) -> None:
        """Asked twice, and asked anew, it says the same."""
        strategy = self._made()
        first = strategy(view)

        assert first == strategy(view)
        assert first == self._made()(view)

    @thoroughly(view=drain_views(), other=drain_views())
    def test_it_remembers_nothing(self, view: DrainView, other: DrainView) -> None:
        """What it was shown before changes no answer: the view has all there is to know."""
        strategy = self._made()
        strategy(other)
        strategy(attrs.evolve(other, ready=view.ready))

        assert self._made()(view) == strategy(view)

    @thoroughly(view=drain_views())
    def test_it_reads_only_the_view(self, view: DrainView) -> None:
        """It reads no clock, draws no random number and opens no file."""
        strategy = self._made()
        with only_reading_arguments():
            strategy(view)

    def test_it_chooses_the_same_on_replay(self) -> None:
        """A drain that goes by it is asked again on its log alone, and each choice is the same."""
        for choice in replayed_choices(self._made):
            told = f"at position {choice.position} it took {choice.recorded}, now {choice.answer}"
            assert not choice.differs, told

    @thoroughly(view=drain_views())
    def test_it_leaves_the_view_as_it_is(self, view: DrainView) -> None:
        """It sorts no list of the drain's and changes no mapping."""
        before = copy.deepcopy(view)
        self._made()(view)

        changed = [f"{field}: {how}" for field, how in changes(before, view).items()]
        assert not changed, f"it changed {', '.join(changed)}"
