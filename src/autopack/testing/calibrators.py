"""What every calibrator promises: subclass the suite and say how to make one."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from autopack.errors import AutopackError
from autopack.ports.calibrator_protocol import BulkCalibrator, Calibrator
from autopack.ports.prediction import Features, Proposal, Sample
from autopack.prediction.calibration.calibrator_fold import run_calibrator
from autopack.testing.generators import CATEGORIES, COMPLEXITIES, samples, unmeasured_samples
from autopack.testing.making import checked, not_written
from autopack.testing.purity import only_reading_arguments
from autopack.testing.settings import is_ever, patiently, thoroughly
from autopack.testing.state_changes import watched

_NEEDS = ("name", "initial", "set_aside", "update", "predict", "propose")
_shown = st.lists(samples, max_size=30)
_QUESTIONS = [
    (Features(category=category, complexity=complexity, predicted_output_tokens=1000), tau)
    for category, complexity in ((CATEGORIES[0], COMPLEXITIES[0]), ("unheard of", "high"))
    for tau in (0.5, 0.9)
]


class CalibratorContract:
    """
    A calibrator is a pure fold: its state is returned and never mutated.

    Subclass it with a name that pytest collects, and give :meth:`make`. States are compared by
    what the calibrator says of them, so that they may be of any kind.
    """

    def make(self) -> Calibrator[Any]:
        """Return a calibrator with the options to test; a new one each time."""
        raise not_written("make()", "return the calibrator to test")

    def _made(self) -> Calibrator[Any]:
        calibrator: Calibrator[Any] = checked(self.make(), "calibrator", _NEEDS)
        return calibrator

    def test_it_learns_something(self) -> None:
        """Some samples change what it says; a calibrator that uses none keeps every promise."""
        first = told(self._made(), self._made().initial())
        learns = is_ever(
            st.lists(samples, min_size=10, max_size=30),
            lambda shown: told(self._made(), folded(self._made(), shown)) != first,
        )

        assert learns, "whatever samples it is shown, it says what it said before"

    @patiently(shown=_shown, more=st.lists(samples, min_size=1, max_size=5))
    def test_a_state_is_never_mutated(self, shown: list[Sample], more: list[Sample]) -> None:
        """Whoever kept a state finds it as it was, however many samples came after it."""
        calibrator = self._made()
        state = folded(calibrator, shown)
        before = told(calibrator, state)
        folded(calibrator, more, state)
        if isinstance(calibrator, BulkCalibrator):
            calibrator.update_all(state, more)

        after = told(calibrator, state)
        if before != after:
            raise AssertionError(_how_changed(self._made(), shown, more, before, after))

    @patiently(shown=_shown, data=st.data())
    def test_a_fold_in_steps_equals_a_fold_at_once(
        self, shown: list[Sample], data: st.DataObject
    ) -> None:
        """Cut anywhere, the same samples in the same order give the same answers."""
        cut = data.draw(st.integers(0, len(shown)))
        calibrator = self._made()
        first = folded(calibrator, shown[:cut])

        assert told(calibrator, folded(calibrator, shown)) == told(
            calibrator, folded(calibrator, shown[cut:], first)
        )

    @patiently(shown=_shown, data=st.data())
    def test_in_bulk_equals_one_by_one(self, shown: list[Sample], data: st.DataObject) -> None:
        """A calibrator that takes many at once says what it would say of each by itself."""
        calibrator = self._made()
        if not isinstance(calibrator, BulkCalibrator):
            return
        cut = data.draw(st.integers(0, len(shown)))
        first, aside = calibrator.update_all(calibrator.initial(), shown[:cut])
        state, more = calibrator.update_all(first, shown[cut:])
        one_by_one = folded(calibrator, shown)

        assert told(calibrator, one_by_one) == told(calibrator, state)
        assert refused(calibrator, shown) == dict(Counter(aside) + Counter(more))

    @thoroughly(shown=_shown, sample=samples)
    def test_a_sample_set_aside_changes_nothing(self, shown: list[Sample], sample: Sample) -> None:
        """It comes with a reason, and the state that is returned is the one that was given."""
        calibrator = self._made()
        state = folded(calibrator, shown)
        reason = calibrator.set_aside(state, sample)

        assert reason is None or (isinstance(reason, str) and reason.strip())
        if reason is not None:
            assert state is calibrator.update(state, sample)

    @patiently(sample=unmeasured_samples)
    def test_what_nobody_measured_is_set_aside(self, sample: Sample) -> None:
        """A guessed, total-only or missing figure is no evidence."""
        calibrator = self._made()

        reason = calibrator.set_aside(calibrator.initial(), sample)
        assert reason, f"it takes a sample whose output nobody measured (split {sample.split})"

    @patiently(shown=_shown)
    def test_it_gives_the_same_answers_to_the_same_samples(self, shown: list[Sample]) -> None:
        """Asked twice, and made anew, it says the same."""
        calibrator, again = self._made(), self._made()
        state = folded(calibrator, shown)

        assert told(calibrator, state) == told(calibrator, state)
        assert told(calibrator, state) == told(again, folded(again, shown))

    @patiently(shown=_shown)
    def test_it_reads_only_its_samples(self, shown: list[Sample]) -> None:
        """It reads no clock, draws no random number and opens no file."""
        calibrator = self._made()
        with only_reading_arguments():
            told(calibrator, folded(calibrator, shown))

    @patiently(shown=_shown)
    def test_every_sample_is_used_or_set_aside(self, shown: list[Sample]) -> None:
        """The proposal accounts for each sample that was shown."""
        proposal = run_calibrator(self._made(), shown)

        used, aside = proposal.samples_used, sum(proposal.samples_set_aside.values())
        told = f"of {len(shown)} samples, {used} are said to be used and {aside} set aside"
        assert len(shown) == used + aside, told

    def test_without_evidence_nothing_is_proposed(self) -> None:
        """The state before any sample gives a proposal that changes nothing."""
        calibrator = self._made()
        proposal = calibrator.propose(calibrator.initial())

        assert isinstance(proposal, Proposal)
        assert (0, False, 0) == (
            proposal.samples_used,
            proposal.is_change,
            proposal.high_confidence,
        )


def _how_changed(
    calibrator: Calibrator[Any],
    shown: Sequence[Sample],
    more: Sequence[Sample],
    before: list[Any],
    after: list[Any],
) -> str:
    """Return which call changed a state in place, which part of it, and where."""
    says = "{}() is to return a new state, and changes the one that it is given:\n{}"
    kept = state = folded(calibrator, shown)
    for sample in more:
        reason, change = watched(kept, calibrator.set_aside, state, sample)
        if change is not None:
            return says.format("set_aside", change)
        if reason is None:
            state, change = watched(kept, calibrator.update, state, sample)
            if change is not None:
                return says.format("update", change)
    if isinstance(calibrator, BulkCalibrator):
        _, change = watched(kept, calibrator.update_all, kept, more)
        if change is not None:
            return says.format("update_all", change)
    return f"a state that said {before} says {after} after other samples"


def folded(calibrator: Calibrator[Any], shown: Sequence[Sample], state: Any = None) -> Any:
    """Return the state after samples, one by one, from *state* or from the first."""
    state = calibrator.initial() if state is None else state
    for sample in shown:
        if calibrator.set_aside(state, sample) is None:
            state = calibrator.update(state, sample)
    return state


def refused(calibrator: Calibrator[Any], shown: Sequence[Sample]) -> dict[str, int]:
    """Return how many samples are set aside for each reason, one by one."""
    state, counts = calibrator.initial(), Counter[str]()
    for sample in shown:
        reason = calibrator.set_aside(state, sample)
        if reason is None:
            state = calibrator.update(state, sample)
        else:
            counts[reason] += 1
    return dict(counts)


def told(calibrator: Calibrator[Any], state: Any) -> list[Any]:
    """Return all that a calibrator says of a state: its proposal, and some predictions."""
    answers: list[Any] = [calibrator.propose(state)]
    for features, tau in _QUESTIONS:
        try:
            answers.append(calibrator.predict(state, features, tau))
        except AutopackError as refusal:
            answers.append(str(refusal))
    return answers
