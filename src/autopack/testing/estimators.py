"""What every estimator promises: subclass the suite and say how to make one."""

import math

import attrs
from hypothesis import strategies as st

from autopack.events import PhaseEstimated
from autopack.ports.prediction import Coefficients, Estimate, Estimator, Features
from autopack.testing.generators import features
from autopack.testing.making import checked, not_written
from autopack.testing.purity import only_reading_arguments
from autopack.testing.settings import thoroughly

_factors = st.sampled_from((0.25, 0.5, 0.8, 1.25, 2.0, 4.0))


class EstimatorContract:
    """
    An estimator is a pure function that says what it predicts, and learns what it is taught.

    Subclass it with a name that pytest collects, and give :meth:`make`.
    """

    def make(self) -> Estimator:
        """Return an estimator; a new one each time, if it is not frozen."""
        raise not_written("make()", "return the estimator to test")

    def _made(self) -> Estimator:
        estimator: Estimator = checked(
            self.make(), "estimator", ["name", "base_version", "estimate"]
        )
        return estimator

    def test_it_has_a_name_and_a_version(self) -> None:
        """Its stream and its predictions are known by them, so neither may be empty."""
        made = self._made()

        for word in (made.name, made.base_version):
            assert isinstance(word, str), f"{word!r} is no text"
            assert word.strip(), "name or base_version is empty"

    @thoroughly(asked=features)
    def test_it_answers_with_an_estimate_of_its_own(self, asked: Features) -> None:
        """It names itself, the coefficients it used, and the features as they were given."""
        made = self._made()
        found = made.estimate(asked, taught(made, {}, version="taught-7"))

        assert isinstance(found, Estimate), f"{found!r} is no Estimate"
        assert (made.name, "taught-7") == (found.estimator, found.estimator_version)
        assert asked == found.features

    @thoroughly(asked=features)
    def test_its_figures_can_be_used(self, asked: Features) -> None:
        """At least one token, a budget that holds the prediction or is the ceiling, a share."""
        found = predicted(self._made(), asked)
        tokens, ceiling = found.predicted_output_tokens, found.ceiling_tokens or math.inf

        assert tokens >= 1
        assert min(tokens, ceiling) <= found.budget_tokens <= ceiling
        assert 0 <= found.confidence <= 1

    @thoroughly(asked=features)
    def test_an_event_can_hold_it(self, asked: Features) -> None:
        """Whole tokens, and nothing that JSON cannot say: it is recorded before the attempt."""
        found = predicted(self._made(), asked)

        PhaseEstimated(
            run_id="r",
            phase_id="p",
            attempt=1,
            estimator=found.estimator,
            estimator_version=found.estimator_version,
            predicted_output_tokens=found.predicted_output_tokens,
            budget_tokens=found.budget_tokens,
            ceiling_tokens=found.ceiling_tokens,
            tau=found.tau,
        )

    @thoroughly(asked=features)
    def test_the_parts_add_up(self, asked: Features) -> None:
        """Where it explains itself, the parts give the prediction, but for rounding."""
        found = predicted(self._made(), asked)
        total = math.fsum(part.tokens for part in found.parts)
        told = f"the parts add up to {total}, it predicts {found.predicted_output_tokens}"

        assert not found.parts or abs(total - found.predicted_output_tokens) <= 1, told

    @thoroughly(asked=features, factor=_factors)
    def test_it_learns_what_it_is_taught(self, asked: Features, factor: float) -> None:
        """The multiplier of its group scales the whole prediction: it was fitted to the whole."""
        made = self._made()
        group = f"{asked.category}/{asked.complexity}"
        before = predicted(made, asked).predicted_output_tokens
        after = predicted(made, asked, {group: factor}).predicted_output_tokens
        told = f"{before} tokens times {factor:g} for {group} became {after}"

        assert abs(after - factor * before) <= 1 + factor, told

    @thoroughly(asked=features, factor=_factors)
    def test_what_another_group_is_taught_changes_nothing(
        self, asked: Features, factor: float
    ) -> None:
        """A multiplier holds for its own category and complexity."""
        made = self._made()

        assert predicted(made, asked) == predicted(made, asked, {"another/group": factor})

    @thoroughly(asked=features)
    def test_it_gives_the_same_answer_to_the_same_features(self, asked: Features) -> None:
        """Asked twice, and made anew, it says the same."""
        made = self._made()
        first = predicted(made, asked)

        assert first == predicted(made, asked)
        assert first == predicted(self._made(), asked)

    @thoroughly(asked=features)
    def test_it_reads_only_its_features(self, asked: Features) -> None:
        """It reads no clock, draws no random number and opens no file."""
        made = self._made()
        with only_reading_arguments():
            predicted(made, asked)

    @thoroughly(asked=features)
    def test_it_is_not_told_what_it_said(self, asked: Features) -> None:
        """A prediction that stands in the features is for calibrators, and changes nothing."""
        told = attrs.evolve(asked, predicted_output_tokens=123_456)
        first, second = (predicted(self._made(), one) for one in (asked, told))

        assert first.predicted_output_tokens == second.predicted_output_tokens


def taught(made: Estimator, multipliers: dict[str, float], *, version: str = "v1") -> Coefficients:
    """Return what an estimator was taught."""
    return Coefficients(estimator=made.name, version=version, multipliers=multipliers)


def predicted(
    made: Estimator, asked: Features, multipliers: dict[str, float] | None = None
) -> Estimate:
    """Return an estimate by these multipliers, by category/complexity."""
    return made.estimate(asked, taught(made, multipliers or {}))
