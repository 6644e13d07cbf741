"""Budgets by a calibrator's quantile, and the next one after an output was cut."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack import Completed, Drain, Failed, PhaseSpec, create_run, drain, estimate
from autopack.draining.attempts.escalation import Escalation, Factor, NextQuantile, share_below
from autopack.errors import InvalidInputError, PluginError, UnknownNameError
from autopack.ports.prediction import Prediction
from drains import found, specs, states

SIZES = [1000 + 75 * n for n in range(1, 41)]


def quantile_of(sizes):
    """Return the quantile function of sizes that are all that is known."""
    ordered = sorted(sizes)

    def quantile(tau):
        place = min(len(ordered), math.ceil(tau * (len(ordered) + 1)))
        return Prediction(tokens=ordered[max(0, place - 1)], tau=tau, basis=f"{len(ordered)} sizes")

    return quantile


def written(phase, attempt):
    """Write as much as the phase's id says, or as the budget allows."""
    size = int(phase.phase_id[1:])
    is_cut = size > attempt.budget_tokens
    attempt.record_usage(
        model="m", input_tokens=10, output_tokens=min(size, attempt.budget_tokens),
        max_tokens=attempt.budget_tokens, truncated=is_cut,
    )  # fmt: skip
    return Failed("bad_json", "it does not parse") if is_cut else Completed()


@pytest.fixture
def taught(any_log):
    """A log in which 40 phases of docs/low wrote 1,075 to 4,000 tokens."""
    create_run(any_log, "before", specs(*(f"p{size}" for size in SIZES)))
    drain(any_log, executor=written)
    return any_log


def test_the_next_quantile_holds_nine_in_ten_of_those_beyond_the_cut():
    """Half of the sizes lie beyond the cut: the next budget is the quantile at 0.95."""
    quantile = quantile_of(range(10_000, 110_000, 1_000))
    cut = int(quantile(0.5).tokens)
    policy = NextQuantile(least=Factor(factor=1.0), cap_tokens=200_000)
    found = policy.escalated(None, selected=cut, sent=None, used=cut, quantile=quantile)

    assert pytest.approx(0.5, abs=0.01) == share_below(cut, quantile)
    assert 105_000 == found.tokens
    assert "the calibrator's quantile at 0.9504, 100 sizes" == found.why


@given(
    st.lists(st.integers(1, 70_000), min_size=1, max_size=60),
    st.integers(1, 64_000),
    st.none() | st.integers(1, 64_000),
    st.integers(0, 64_000),
)
def test_an_escalation_is_larger_and_within_the_cap(sizes, selected, sent, used):
    """Whatever is known, it is above the budget, no less than the factor's, at most the cap."""
    quantile = quantile_of(sizes)
    asked = {"selected": selected, "sent": sent, "used": used, "quantile": quantile}
    least = Factor().escalated(None, **asked)
    found = NextQuantile().escalated(None, **asked)

    assert (found is None) <= (least is None)
    assert found is None or selected < found.tokens <= 64_000
    assert least is None or found.tokens >= least.tokens


@pytest.mark.parametrize(
    ("said", "tokens", "by"),
    [(1249, 1250, "1.25 times the 1000"), (1250, 1250, "the cal"), (1251, 1251, "the cal")],
)
def test_who_says_as_much_as_the_least_is_believed(said, tokens, by):
    """The calibrator's reason stands wherever its figure does."""
    found = NextQuantile().escalated(
        None, selected=1000, sent=None, used=1000, quantile=quantile_of([said])
    )

    assert tokens == found.tokens
    assert found.why.startswith(by)


@pytest.mark.parametrize(
    ("selected", "sent", "used"), [(800, None, 10), (700, 800, 10), (700, None, 800), (1, 2, 800)]
)
def test_the_factor_is_of_the_largest_that_was_given_or_used(selected, sent, used):
    """Of the budget, of what was sent to the model, and of what it wrote."""
    found = Factor().escalated(None, selected=selected, sent=sent, used=used, quantile=None)

    assert Escalation(1000, "1.25 times the 800 tokens that were given or used") == found


@pytest.mark.parametrize("said", [63_999, 64_000, 64_001])
def test_a_ceiling_is_named_where_it_holds_an_escalation_down(any_log, said):
    """Not where the policy says just as much."""
    create_run(any_log, "r", specs("p9000", max_attempts=2))

    class Policy:
        def escalated(self, phase, *, selected, sent, used, quantile):
            return Escalation(said, "mine")

    drain(any_log, executor=written, escalation=Policy())
    (escalated,) = found(any_log, "budget.escalated")
    why = "mine" if said <= 64_000 else "the ceiling; 64001 would be mine"

    assert min(said, 64_000) == escalated.to_tokens
    assert escalated.why.endswith(f"tokens: {why}")


def test_a_drain_budgets_by_quantile(taught):
    """The budget is what `estimate` says for that calibrator; the prediction is the estimator's."""
    spec = PhaseSpec("p1500", category="docs", complexity="low")
    expected = estimate(spec, log=taught, calibrator="shrinkage-quantile", tau=0.8)
    create_run(taught, "now", [spec])
    drain(taught, executor=written, calibrator="shrinkage-quantile", tau=0.8)
    estimated = found(taught, "phase.estimated")[-1]

    assert expected.budget_tokens == estimated.budget_tokens < 4096
    assert estimate(spec, log=taught).predicted_output_tokens == estimated.predicted_output_tokens
    assert (0.8, expected.budget_basis) == (estimated.tau, estimated.budget_basis)
    assert estimated.budget_basis.startswith("shrinkage-quantile at 0.8: 40 samples of ")


def test_a_cut_output_gets_the_next_quantile(taught):
    """A phase that outgrows the median budget gets what the calibrator says of the larger ones."""
    create_run(taught, "now", specs("p3500"))
    drain(taught, executor=written, calibrator="shrinkage-quantile", tau=0.5)
    (escalated,) = found(taught, "budget.escalated")
    first, second = found(taught, "phase.estimated")[-2:]

    assert first.budget_tokens == escalated.from_tokens < 3500 < escalated.to_tokens <= 4000
    assert "calibrator's quantile at 0.9" in escalated.why
    assert (escalated.to_tokens, None) == (second.budget_tokens, second.tau)
    assert "escalated: the output of an attempt before was cut" == second.budget_basis


def test_what_is_learned_counts_at_once(any_log):
    """The tenth sample of a group is the one from which its quantile is budgeted."""
    create_run(any_log, "r", specs(*(f"p{size}" for size in SIZES[11::-1])))
    drain(any_log, executor=written, calibrator="shrinkage-quantile")
    taus = [event.tau for event in found(any_log, "phase.estimated")]

    assert [None] * 9 + [0.9] * 3 == taus


def test_a_claim_sets_the_quantile_aside(taught):
    """Under a cap: what an attempt takes in all, with its prompt, and not its budget of output."""
    create_run(taught, "now", specs("p1500"), caps={"tokens": 100_000})
    drain(taught, executor=written, calibrator="shrinkage-quantile", run_id="now")
    estimated, claimed = found(taught, "phase.estimated")[-1], found(taught, "phase.claimed")[-1]

    assert estimated.budget_basis.startswith("shrinkage-quantile")
    assert claimed.basis.startswith("mixture")
    assert estimated.budget_tokens < claimed.reserved_tokens < 100_000


def test_a_resumed_drain_budgets_alike(taught):
    """The calibrator and tau come from the log."""
    create_run(taught, "now", specs("p1500", "p1600"))
    drain(taught, executor=written, calibrator="split-conformal:cap_tokens=9000", tau=0.7,
          max_phases=1, drain="tonight", escalation="factor")  # fmt: skip
    settings = Drain(taught, resumes="tonight", executor=written)._settings

    assert ("split-conformal", 9000) == (settings.calibrator.name, settings.calibrator.cap_tokens)
    assert (0.7, Factor()) == (settings.tau, settings.escalation)


class Odd:
    """A calibrator that says what it is told to, or raises it."""

    name = "odd"

    def __init__(self, answer):
        self.answer = answer

    def initial(self):
        return 0

    def update(self, state, _sample):
        return state

    def predict(self, _state, _features, tau):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer and Prediction(tokens=self.answer, tau=tau, basis="a guess")


@pytest.mark.parametrize("answer", [math.nan, math.inf, -1, "9", None, LookupError("no idea")])
def test_a_calibrator_that_fails_is_named_and_loses_no_phase(taught, answer):
    """The drain ends with an error that names it; the phase was not claimed."""
    create_run(taught, "now", specs("p1500"))
    with pytest.raises(PluginError, match="odd"):
        drain(taught, executor=written, calibrator=Odd(answer), run_id="now")

    assert "QUEUED" == states(taught)["p1500"]


@pytest.mark.parametrize("answer", [math.nan, LookupError("no idea")])
def test_a_calibrator_that_fails_at_an_escalation_is_told(any_log, answer):
    """The failure is recorded, the factor is used, and why is kept."""
    create_run(any_log, "r", specs("p9000", max_attempts=2))
    asked = []

    class Later(Odd):
        def predict(self, state, features, tau):
            asked.append(tau)
            self.answer = 100 if len(asked) != 2 else answer
            return super().predict(state, features, tau)

    report = drain(any_log, executor=written, calibrator=Later(100))
    (escalated,) = found(any_log, "budget.escalated")

    assert (2, "empty") == (report.failed, report.reason)
    assert ": 1.25 times " in escalated.why
    assert "the policy failed: PluginError: Plugin 'odd'" in escalated.why


@pytest.mark.parametrize(
    "answer", [LookupError("no"), 5, Escalation(math.nan, "w"), Escalation(0, "w"),
               Escalation(9000, None)],
)  # fmt: skip
def test_a_policy_that_fails_loses_no_attempt(any_log, answer):
    """What it raised, or answered amiss, is in the reason; the factor is used."""
    create_run(any_log, "r", specs("p9000", max_attempts=2))

    class Policy:
        def escalated(self, phase, *, selected, sent, used, quantile):
            if isinstance(answer, Exception):
                raise answer
            return answer

    report = drain(any_log, executor=written, escalation=Policy())
    (escalated,) = found(any_log, "budget.escalated")

    assert (2, "empty") == (report.failed, report.reason)
    assert "the policy failed: " in escalated.why


def test_an_estimator_that_fails_is_named(any_log):
    """Its error is a PluginError, and nothing was claimed."""

    class Broken:
        name, base_version = "broken", "1"

        def estimate(self, _features, _coefficients):
            raise ZeroDivisionError("nought")

    create_run(any_log, "r", specs("a"))
    with pytest.raises(PluginError, match=r"broken.*ZeroDivisionError: nought"):
        drain(any_log, executor=written, estimator=Broken())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"tau": "much"}, "tau is 'much'"),
        ({"calibrator": object()}, "is no calibrator: it has no name, initial, update, predict"),
        ({"escalation": NextQuantile}, "is no escalation policy"),
        ({"tau": 1}, "tau is 1"),
        ({"calibrator": "nobody"}, "nobody"),
        ({"escalation": "larger"}, "'quantile', 'factor', 'none'"),
    ],
)
def test_wrong_settings(any_log, given, said):
    """They are refused before anything is written."""
    create_run(any_log, "r", specs("a"))
    head = any_log.head()
    with pytest.raises((InvalidInputError, UnknownNameError), match=said):
        drain(any_log, executor=written, **given)

    assert head == any_log.head()
