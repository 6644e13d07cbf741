"""What phases took in tokens, dollars and calls, from the log to what is predicted of the next."""

import random

import pytest

import autopack
from autopack import PhaseSpec
from autopack.errors import InvalidInputError
from autopack.values.money import Usd

NEXT = PhaseSpec("next", category="docs", complexity="low", model="m")


def spend(usd, calls=1, *, is_failed=lambda phase, attempt: False):
    """Return an executor whose calls cost so much each."""

    def work(phase, attempt):
        for _ in range(calls):
            attempt.record_usage(
                call_id=f"{phase.key}-{attempt.number}-{_}",
                model="m", input_tokens=900, output_tokens=100, cost_usd=usd(phase),
            )  # fmt: skip
        return autopack.Failed("tests_failed", "no") if is_failed(phase, attempt) else None

    return work


def drained(log, executor, n=30, **settings):
    """Drain so many phases alike."""
    names = [PhaseSpec(f"p{i}", category="docs", complexity="low", model="m") for i in range(n)]
    autopack.create_run(log, "r", names)
    autopack.drain(log, executor=executor, workers=1, **settings)
    return log


def test_what_a_phase_takes(log):
    """Phases that were all alike take the same again, exactly, in each measure."""
    drained(log, spend(lambda _: "0.02", calls=3))
    found = {
        by: autopack.estimate(NEXT, log=log, by=by).takes
        for by in ("total_tokens", "cost_usd", "calls")
    }

    assert [3000, Usd.of("0.06"), 3] == [one.most for one in found.values()]
    assert [3000, Usd.of("0.06"), 3] == [one.expected for one in found.values()]
    assert {"mixture: 30 samples like it"} == {one.basis for one in found.values()}


def test_budgets_stay_output_tokens(log):
    """Whatever is asked for beside it, the budget is what it was."""
    drained(log, spend(lambda _: "0.02"))
    plain, beside = (autopack.estimate(NEXT, log=log, **by) for by in ({}, {"by": "cost"}))

    assert plain.takes is None
    assert (plain.budget_tokens, plain.tau) == (beside.budget_tokens, beside.tau)


def test_retries_are_paid_for(log):
    """A phase that failed first took both attempts; each attempt is still known by itself."""
    executor = spend(lambda _: "0.02", is_failed=lambda _phase, attempt: attempt.number == 1)
    drained(log, executor, max_fingerprint_repeats=100)
    for i in range(30):
        autopack.requeue(log, f"r/p{i}", why="once more")
    autopack.drain(log, executor=executor, workers=1)

    found = autopack.estimate(NEXT, log=log, by="cost_usd").takes

    assert 0.04 <= found.most <= 0.046
    assert {Usd.of("0.02")} == {one.cost_usd for one in autopack.list_samples(log)}


def test_costs_that_are_told_late(log):
    """An amendment changes what its phase took, and so what is predicted."""
    drained(log, spend(lambda _: "0.02"))
    before = autopack.estimate(NEXT, log=log, by="cost_usd").takes.most
    for i in range(30):
        autopack.amend_usage(log, call_id=f"r/p{i}-1-0", cost_usd="0.5", why="the invoice")

    assert Usd.of("0.02") == before
    assert Usd.of("0.5") == autopack.estimate(NEXT, log=log, by="cost_usd").takes.most


def test_unknown_costs_are_not_nothing(log):
    """Phases without a price say nothing of costs, and are counted where calibrators are judged."""
    rng = random.Random(1)
    told = [rng.random() < 0.7 for _ in range(60)]
    price = lambda phase: "0.02" if told[int(phase.phase_id[1:])] else None  # noqa: E731
    drained(log, spend(price), n=60)
    found = autopack.backtest(log, by="cost_usd", calibrators=["mixture"])

    assert Usd.of("0.02") == autopack.estimate(NEXT, log=log, by="cost_usd").takes.expected
    assert (sum(told), {"no_measurement": 60 - sum(told)}) == (found.rows, found.set_aside)


def test_what_cost_nothing_is_known(log):
    """Models of one's own are free, and so is the next phase."""
    drained(log, spend(lambda _: 0))

    assert Usd() == autopack.estimate(NEXT, log=log, by="cost_usd").takes.most


@pytest.mark.parametrize("by", ["cost_usd", "calls"])
def test_nothing_is_known_of_it(log, by):
    """Without a phase that told it nothing is made up."""
    with pytest.raises(InvalidInputError, match=f"what it took in {by}: all calls") as caught:
        autopack.estimate(NEXT, log=log, by=by)

    assert ("by", by) == (caught.value.name, caught.value.value)


def test_without_a_log():
    """What phases took is in a log."""
    with pytest.raises(InvalidInputError, match="name a log"):
        autopack.estimate(NEXT, by="calls")
