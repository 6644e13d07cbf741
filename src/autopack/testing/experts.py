"""What an expert of the mixture promises: subclass the suite and say how to make one."""

import math
import pickle
from typing import Final

import attrs
from hypothesis import strategies as st

from autopack.ports.prediction import Features, Prediction, Sample
from autopack.prediction.mixture.calibrator import Mixture
from autopack.testing.calibrators import CalibratorContract, folded, told
from autopack.testing.generators import CATEGORIES, COMPLEXITIES, samples, usable_samples
from autopack.testing.settings import patiently

_TAUS: Final = (0.01, 0.5, 0.9, 0.99)
_LARGEST: Final = 2**53
_shown = st.lists(samples, max_size=30)
_asked = st.builds(
    Features,
    category=st.sampled_from((*CATEGORIES, "unheard of")),
    complexity=st.sampled_from((*COMPLEXITIES, "unheard of")),
    model=st.sampled_from((None, "m", "unheard of")),
    prompt_tokens=st.none() | st.integers(0, _LARGEST),
    predicted_output_tokens=st.none() | st.integers(1, _LARGEST),
    tasks=st.sampled_from(((), ("t",))),
)


class ExpertContract(CalibratorContract):
    """
    An expert is a calibrator that also answers whatever is asked, of any state that was kept.

    Subclass it with a name that pytest collects, and give :meth:`make`. The mixture asks each
    expert on behalf of all that is asked of itself, late outcomes are held against what it says
    of an earlier state, and what it says is weighed as it is.
    """

    @patiently(shown=_shown, features=_asked, tau=st.sampled_from(_TAUS))
    def test_it_answers_whatever_is_asked(
        self, shown: list[Sample], features: Features, tau: float
    ) -> None:
        """Words that it never saw, no prompt and huge ones: it says a size, and for that tau."""
        expert = self._made()
        state = folded(expert, shown)
        found = expert.predict(state, features, tau)

        assert isinstance(found, Prediction)
        assert tau == found.tau
        assert 0 <= found.tokens < math.inf

    @patiently(sample=usable_samples, huge=st.integers(2**40, _LARGEST), features=_asked)
    def test_it_survives_a_huge_output(self, sample: Sample, huge: int, features: Features) -> None:
        """An output that is absurd makes no later answer infinite or no number."""
        expert = self._made()
        shown = [attrs.evolve(sample, actual_output_tokens=huge, position=n) for n in range(3)]
        found = expert.predict(folded(expert, shown), features, 0.9)

        assert 0 <= found.tokens < math.inf

    @patiently(shown=st.lists(samples, min_size=1, max_size=20))
    def test_states_of_before_are_still_asked(self, shown: list[Sample]) -> None:
        """Where an outcome is late, what it says of an earlier state is what it said then."""
        expert = self._made()
        states = [expert.initial()]
        said = [told(expert, states[0])]
        for sample in shown:
            states.append(folded(expert, [sample], states[-1]))
            said.append(told(expert, states[-1]))

        assert said[::-1] == [told(expert, state) for state in reversed(states)]

    @patiently(shown=_shown, features=st.lists(_asked, min_size=1, max_size=4))
    def test_being_asked_teaches_it_nothing(
        self, shown: list[Sample], features: list[Features]
    ) -> None:
        """Asked between samples, in any order, it learns what it would have learned unasked."""
        expert, asked = self._made(), self._made()
        state = asked.initial()
        for sample in shown:
            for one in features:
                asked.predict(state, one, 0.9)
            state = folded(asked, [sample], state)

        assert told(expert, folded(expert, shown)) == told(asked, state)

    @patiently(shown=_shown)
    def test_a_state_can_be_packed(self, shown: list[Sample]) -> None:
        """It is a value: pickled and unpacked elsewhere it says the same."""
        expert = self._made()
        state = folded(expert, shown)
        unpacked = pickle.loads(pickle.dumps(state))

        assert told(expert, state) == told(self._made(), unpacked)

    @patiently(shown=st.lists(usable_samples, min_size=1, max_size=20))
    def test_the_mixture_never_leaves_it_out(self, shown: list[Sample]) -> None:
        """Asked and taught by the mixture, it never fails it."""
        mixture = Mixture(experts=[self._made()])
        state = mixture.initial()
        for sample in shown:
            found = mixture.predict(state, sample.question(), 0.9)
            state = mixture.update(state, sample)

            assert "left out" not in found.basis

        assert "left out" not in mixture.predict(state, shown[-1].question(), 0.5).basis
