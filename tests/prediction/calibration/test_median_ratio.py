"""The median-ratio calibrator: what it uses, its groups, gates, versions and bulk fold."""

from collections import Counter

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.errors import InvalidInputError
from autopack.ports.prediction import Features, Proposal, Sample
from autopack.prediction.calibration.calibrator_fold import run_calibrator
from autopack.prediction.calibration.median_ratio import MedianRatio
from autopack.prediction.calibration.multipliers import version_of

DOCS = Features(category="docs", complexity="low")


def sample(actual=500, predicted=1000, **fields):
    """Return a usable sample, but for the fields given."""
    defaults = {
        "position": 1,
        "run_id": "r",
        "phase_id": "p",
        "attempt": 1,
        "category": "docs",
        "complexity": "low",
        "estimator": "deliverables",
        "estimator_version": "v1",
        "success": True,
    }
    return Sample(
        actual_output_tokens=actual, predicted_output_tokens=predicted, **(defaults | fields)
    )


def samples(*actuals, **fields):
    """Return one sample a phase."""
    return [sample(actual, phase_id=f"p{i}", **fields) for i, actual in enumerate(actuals)]


def imported(actual=500, **fields):
    """Return an imported sample that does not say which estimator made it."""
    return sample(
        actual, **{"estimator": None, "estimator_version": None, "is_imported": True, **fields}
    )


def test_a_group_that_passes():
    """Its multiplier becomes the old one times the true median of the ratios."""
    evidence = samples(400, 500, 520, 540, 560, 580)
    found = run_calibrator(MedianRatio(old={"docs/low": 2.0, "tests/low": 3.0}), evidence)

    (group,) = found.groups
    assert (6, 0.53, 1.06) == (group.n, group.median_ratio, group.proposed_multiplier)
    assert (1000, pytest.approx(3100 / 6)) == (group.mean_estimated, group.mean_actual)
    assert (True, "") == (group.is_high_confidence, group.note)
    assert {"docs/low": 1.06, "tests/low": 3.0} == found.new
    assert (6, {}, 1) == (found.samples_used, found.samples_set_aside, found.high_confidence)
    assert ("v1", version_of("v1", found.new)) == (found.base_version, found.new_version)


@pytest.mark.parametrize(
    ("evidence", "note"),
    [
        (samples(500, 500, 500, 500), "4 of at least 5 samples"),
        (samples(100, 300, 900, 2000, 5000), "confidence 0.411, under 0.7"),
    ],
)
def test_gates(evidence, note):
    """A group that is small or spread keeps its multiplier, and says why."""
    found = run_calibrator(MedianRatio(old={"docs/low": 2.0}), evidence)

    (group,) = found.groups
    assert (False, note) == (group.is_high_confidence, group.note)
    assert ({"docs/low": 2.0}, False) == (found.new, found.is_change)
    assert found.base_version == found.new_version


def test_a_multiplier_of_zero_is_never_proposed():
    """Even open gates do not let a median of 0 through."""
    found = run_calibrator(MedianRatio(min_samples=1, confidence_threshold=0), samples(0))

    assert ({}, 0) == (found.new, found.high_confidence)


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (sample(), None),
        (sample(is_test=True), "test_data"),
        (sample(predicted=0), "no_prediction"),
        (sample(None, split="inferred"), "unmeasured_split"),
        (sample(None), "no_measurement"),
        (sample(0), "no_output"),
        (sample(success=None), "no_outcome"),
        (sample(success=False), "unsuccessful"),
        (sample(truncated=True), "truncated"),
        (sample(estimator="legacy"), "other_estimator"),
        (sample(estimator_version="v0"), "other_estimator_version"),
        (imported(), "imported_without_version"),
        (sample(is_imported=True), None),
    ],
)
def test_reasons(one, why):
    """Each sample that may not be used is set aside under its own reason, and counted."""
    calibrator = MedianRatio(estimator_version="v1")
    found = run_calibrator(calibrator, [one])
    state = calibrator.initial()

    assert (why is not None) == (state is calibrator.update(state, one))
    assert why == calibrator.set_aside(calibrator.initial(), one)
    assert ({why: 1} if why else {}) == found.samples_set_aside


def test_repeats():
    """The same phase with the same figures counts once; without run and phase nobody can tell."""
    calibrator = MedianRatio()
    state = calibrator.update(calibrator.initial(), sample())
    nameless = sample(run_id=None, phase_id=None)
    found = run_calibrator(calibrator, [sample(), sample(position=9), sample(501)] + [nameless] * 3)

    assert "repeat" == calibrator.set_aside(state, sample(position=2))
    assert (5, {"repeat": 1}) == (found.samples_used, found.samples_set_aside)


def test_imported_samples_inform():
    """With include_imported the groups show them, and nothing new is proposed."""
    evidence = [imported(500 + i, phase_id=f"p{i}") for i in range(9)]
    found = run_calibrator(MedianRatio(include_imported=True, old={"docs/low": 2.0}), evidence)

    assert (9, 0.504) == (found.samples_used, found.groups[0].median_ratio)
    assert ({"docs/low": 2.0}, False) == (found.new, found.is_change)
    assert "do not say which version" in found.note


def test_an_imported_sample_of_another_estimator():
    """Including imports does not include what another estimator predicted."""
    found = run_calibrator(MedianRatio(include_imported=True), [imported(estimator="legacy")])

    assert {"other_estimator": 1} == found.samples_set_aside


def test_mixed_versions_propose_nothing():
    """Without a version to hold to, samples of two versions only inform."""
    evidence = samples(*[500] * 6) + samples(*[900] * 6, estimator_version="v2")
    found = run_calibrator(MedianRatio(), evidence)

    assert (False, "unknown") == (found.is_change, found.base_version)
    assert "2 versions" in found.note


def test_no_error_is_corrected_twice():
    """Once a proposal is applied, its own evidence is of another version."""
    evidence = samples(*[500] * 8)
    first = run_calibrator(MedianRatio(estimator_version="v1"), evidence)
    second = run_calibrator(
        MedianRatio(estimator_version=first.new_version, old=first.new), evidence
    )

    assert {"docs/low": 0.5} == first.new
    assert ({"other_estimator_version": 8}, first.new) == (second.samples_set_aside, second.new)


def test_groups_have_one_word():
    """Synonyms of a category fall into the group that the estimator looks up."""
    evidence = [*samples(*[500] * 3), *samples(*[501] * 3, category="documentation")]
    found = run_calibrator(MedianRatio(), evidence)

    assert [("docs", "low", 6)] == [(g.category, g.complexity, g.n) for g in found.groups]


@pytest.mark.parametrize("options", [{"min_samples": 0}, {"confidence_threshold": 1.5}])
def test_options_that_make_no_sense(options):
    """Gates that no group could meet or miss are refused."""
    with pytest.raises(InvalidInputError):
        MedianRatio(**options)


def test_predict():
    """A prediction is the group's quantile, of sizes or of ratios times the estimator's figure."""
    calibrator = MedianRatio()
    state, _ = calibrator.update_all(calibrator.initial(), samples(*range(100, 1000, 100)))
    with_base = attrs.evolve(calibrator, base=lambda features: 2000.0)
    other = attrs.evolve(DOCS, category="tests")

    assert (900, "9 samples of docs/low") == (
        calibrator.predict(state, DOCS, 0.9).tokens,
        calibrator.predict(state, DOCS, 0.9).basis,
    )
    assert (1000, 1800) == (
        with_base.predict(state, DOCS, 0.5).tokens,
        with_base.predict(state, DOCS, 0.9).tokens,
    )
    assert "9 samples of all groups" == calibrator.predict(state, other, 0.9).basis
    assert ("no samples", 2000) == (
        calibrator.predict(calibrator.initial(), DOCS, 0.9).basis,
        with_base.predict(with_base.initial(), DOCS, 0.9).tokens,
    )


SAMPLES = st.lists(
    st.builds(
        sample,
        st.none() | st.integers(0, 3),
        st.integers(0, 3),
        phase_id=st.sampled_from(["a", "b"]),
        run_id=st.none() | st.just("r"),
        category=st.sampled_from(["docs", "tests", "testing"]),
        estimator_version=st.sampled_from(["v1", "v2"]),
        success=st.sampled_from([True, True, False, None]),
    ),
    max_size=25,
)


@given(SAMPLES, st.integers(0, 25), st.integers(1, 80))
def test_bulk_equals_one_by_one(some, cut, repeat):
    """Folding all at once, in two parts and one by one gives the same state and proposal."""
    calibrator = MedianRatio()
    many = some + [sample(5, phase_id=f"x{i}") for i in range(repeat)]
    once, aside = calibrator.update_all(calibrator.initial(), many)
    half, early = calibrator.update_all(calibrator.initial(), many[:cut])
    both, late = calibrator.update_all(half, many[cut:])
    single, reasons = calibrator.initial(), Counter()
    for one in many:
        if reason := calibrator.set_aside(single, one):
            reasons[reason] += 1
        single = calibrator.update(single, one)

    assert once == both
    assert once == single
    assert reasons == aside
    assert reasons == Counter(early) + Counter(late)
    assert calibrator.propose(once) == calibrator.propose(single)


@given(SAMPLES)
def test_updating_leaves_the_old_state(some):
    """A state that was returned stays what it was: it can be folded on from twice."""
    calibrator = MedianRatio()
    before, _ = calibrator.update_all(calibrator.initial(), samples(1, 2, 3))
    twin, _ = calibrator.update_all(calibrator.initial(), samples(1, 2, 3))
    calibrator.update_all(before, some)

    assert twin == before


@given(SAMPLES)
def test_every_sample_is_accounted_for(some):
    """Used and set aside add up to what was given, and the median is that of the ratios."""
    found = run_calibrator(MedianRatio(), some)

    assert len(some) == found.samples_used + sum(found.samples_set_aside.values())


class Counting:
    """A calibrator without a bulk fold, which keeps a count and a reason of its own."""

    name = "counting"

    def initial(self):
        return 0

    def set_aside(self, state, given):
        return None if given.success else "unsuccessful"

    def update(self, state, given):
        return state + 1

    def predict(self, state, features, tau):
        raise NotImplementedError

    def propose(self, state):
        return Proposal(
            calibrator=self.name,
            estimator="e",
            base_version="v1",
            new_version="v1",
            samples_used=state,
            samples_set_aside={"small_group": 2},
        )


def test_any_calibrator_runs():
    """One that only keeps to the protocol gets its set-aside samples counted beside its own."""
    found = run_calibrator(Counting(), [sample(), sample(success=False), sample()])

    assert 2 == found.samples_used
    assert {"small_group": 2, "unsuccessful": 1} == found.samples_set_aside


@pytest.mark.parametrize(
    ("options", "multiplier"),
    [
        ({}, 0.5),
        ({"damping": 0.5}, 0.25**0.5 * 2.0),
        ({"max_change": 2.0}, 1.0),
        ({"max_change": 10.0}, 0.5),
        ({"damping": 0.5, "max_change": 1.5}, 2.0 / 1.5),
    ],
)
def test_how_far_a_multiplier_moves(options, multiplier):
    """The whole ratio at once, a power of it, or no further than a limit."""
    calibrator = MedianRatio(old={"docs/low": 2.0}, **options)
    (group,) = run_calibrator(calibrator, samples(*[250] * 6)).groups

    assert (0.25, pytest.approx(multiplier)) == (group.median_ratio, group.proposed_multiplier)


def test_the_intervals_level():
    """The median lies in its interval, which is wider for a higher level."""
    evidence = samples(*range(300, 800, 20))
    (narrow,), (wide,) = (
        run_calibrator(MedianRatio(interval=level), evidence).groups for level in (0.5, 0.95)
    )

    assert wide.ratio_low < narrow.ratio_low < narrow.median_ratio
    assert narrow.median_ratio < narrow.ratio_high < wide.ratio_high


def test_a_rule_of_thumb():
    """With a buffer it predicts the median times that, whatever tau is asked for."""
    calibrator = MedianRatio(buffer=1.2)
    state, _ = calibrator.update_all(calibrator.initial(), samples(400, 500, 600))
    told = Features(category="docs", complexity="low", predicted_output_tokens=2000)

    assert [pytest.approx(1200)] * 2 == [
        calibrator.predict(state, told, tau).tokens for tau in (0.5, 0.99)
    ]
    assert pytest.approx(2400) == calibrator.predict(calibrator.initial(), told, 0.9).tokens


def test_the_estimators_figure_is_scaled():
    """Where the features name it, it is multiplied by the ratio at tau."""
    calibrator = MedianRatio()
    state, _ = calibrator.update_all(calibrator.initial(), samples(*range(100, 1000, 100)))
    told = Features(category="docs", complexity="low", predicted_output_tokens=50)

    assert pytest.approx(50 * 0.9) == calibrator.predict(state, told, 0.9).tokens


@pytest.mark.parametrize(
    "options",
    [{"damping": 0.0}, {"damping": 1.1}, {"max_change": 1.0}, {"interval": 1.0}, {"buffer": 0.0}],
)
def test_options_that_move_nothing(options):
    """They are refused by value."""
    with pytest.raises(InvalidInputError, match="give"):
        MedianRatio(**options)
