"""What claims set aside under caps, by what attempts like them used: held, and used fuller."""

import random
from types import SimpleNamespace

import pytest
from tests.drains import found

import autopack
from autopack import PhaseSpec
from autopack.draining.caps.predicted_use import newest_attempts
from autopack.draining.caps.price_book import PriceBook
from autopack.draining.caps.reservations import Reservations
from autopack.log.log import journal_of
from autopack.ports.prediction import Estimate, Features
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.call_use import Use
from autopack.values.money import Usd

CAPPED, BY_GROUP = ("tokens", "usd"), ()
"""Units of caps, under which use is predicted, and none, where it is the group's quantile."""


def attempts(kind, seed, n=120):
    """Return features of attempts and the tokens that each used."""
    rng, made = random.Random(seed), []
    effects = [rng.gauss(0, 0.8) for _ in range(15)]
    for _ in range(n):
        task, prompt = rng.randrange(15), int(rng.lognormvariate(8, 1))
        usual = prompt * 3 if kind == "prompts" else 20_000 * 2 ** effects[task]
        features = Features(
            category="docs",
            complexity="low",
            model="m",
            prompt_tokens=prompt if kind == "prompts" else None,
            tasks=(f"goal:{task}",),
        )
        made.append((features, 1 + int(usual * rng.lognormvariate(0, 0.3))))
    return made


def ended(number, features, tokens, usd=0, model="m"):
    """Return an attempt that used so much."""
    return AttemptRow(
        position=2 * number + 1,
        ended_position=2 * number + 2,
        run_id="r",
        phase_id=f"p{number}",
        attempt=1,
        category="docs",
        complexity="low",
        predicted_output_tokens=1000,
        success=True,
        ending="completed",
        claimed_model=model,
        features={
            "model": model,
            "prompt_tokens": features.prompt_tokens,
            "tasks": features.tasks,
        },
        use=Use(calls=1, total_tokens=tokens, cost_pico_usd=usd),
    )


def wanted(reservations, features, units, model="m"):
    """Return what a claim wants."""
    estimate = Estimate(
        estimator="e", estimator_version="1", predicted_output_tokens=1000, budget_tokens=4096,
        confidence=1.0, features=features,
    )  # fmt: skip
    return reservations.wanted(SimpleNamespace(model=model), estimate, units=units)


def reservations(before=tuple):
    """Return what knows of no attempt but those *before*."""
    return Reservations(PriceBook(journal_of(autopack.create_log("memory:")), None), before=before)


def worked(kind, seed, units):
    """Return how full a cap for ten attempts is after four workers did what fits, and how many."""
    made = list(enumerate(attempts(kind, seed)))
    known, waiting, flying = reservations(), made[60:], []
    for number, (features, tokens) in made[:60]:
        known.learn(ended(number, features, tokens))
    cap = 10 * sum(tokens for _, (_, tokens) in waiting) / len(waiting)
    spent = done = 0
    while True:
        held = spent + sum(aside for aside, *_ in flying)
        wants = (
            (wanted(known, one[1][0], units).tokens, place) for place, one in enumerate(waiting)
        )
        fits = ((aside, place) for aside, place in wants if held + aside <= cap)
        claim = next(fits, None) if len(flying) < 4 else None
        if claim is not None:
            flying.append((claim[0], *waiting.pop(claim[1])))
        elif flying:
            _, number, (features, tokens) = flying.pop(0)
            spent, done = spent + tokens, done + 1
            known.learn(ended(number, features, tokens))
        else:
            return spent / cap, done


@pytest.mark.parametrize("kind", ["prompts", "goals"])
def test_caps_are_held_and_used_fuller(kind):
    """Where attempts differ in what is known of them, more is done, and less goes over."""
    predicted, by_group = (
        [worked(kind, seed, units) for seed in range(12)] for units in (CAPPED, BY_GROUP)
    )

    def over(some):
        return sum(max(0, full - 1) for full, _ in some)

    assert sum(full for full, _ in predicted) > sum(full for full, _ in by_group)
    assert sum(done for _, done in predicted) > 1.15 * sum(done for _, done in by_group)
    assert over(predicted) <= over(by_group)


@pytest.mark.parametrize("kind", ["prompts", "goals"])
def test_nine_of_ten_use_no_more(kind):
    """What is set aside holds the share that it should, of small and of large attempts."""
    known, held = reservations(), {"small": [], "large": []}
    for number, (features, tokens) in enumerate(attempts(kind, 5, n=700)):
        if number > 60:
            size = "large" if tokens > 15_000 else "small"
            held[size].append(tokens <= wanted(known, features, CAPPED).tokens)
        known.learn(ended(number, features, tokens))
    all_of_them = [*held["small"], *held["large"]]

    assert abs(sum(all_of_them) / len(all_of_them) - 0.9) <= 0.03
    assert all(sum(some) / len(some) > 0.8 for some in held.values())


@pytest.mark.parametrize("is_asked_first", [False, True])
def test_a_dear_model_and_a_cheap_one(is_asked_first):
    """In US dollars each model goes by what it cost itself, and a third one by no other."""
    known, models = reservations(), ("small", "large", "other")
    asked = {one: Features(category="docs", complexity="low", model=one) for one in models}
    for number in range(40):
        if is_asked_first:
            for model in models:
                wanted(known, asked[model], CAPPED, model)
        model, usd = ("small", 1) if number % 2 else ("large", 9)
        known.learn(ended(number, asked[model], 500, usd * 10**12, model=model))
    said = {model: wanted(known, asked[model], CAPPED, model) for model in models}

    assert pytest.approx([1, 9], rel=0.01) == [float(said[m].usd) for m in ("small", "large")]
    assert said["other"].usd is None
    assert {500} == {one.tokens for one in said.values()}


def test_too_few_are_as_before():
    """Until a group's quantile rests on nine attempts, caps go by twice the largest."""
    known, of = reservations(), Features(category="docs", complexity="low")
    for number in range(8):
        known.learn(ended(number, of, 100))

    assert wanted(known, of, BY_GROUP) == wanted(known, of, CAPPED)
    assert (200, "twice the largest of 8 attempts at docs/low") == (
        wanted(known, of, CAPPED).tokens,
        wanted(known, of, CAPPED).basis,
    )


def test_what_was_before_is_looked_at_once_a_cap_binds():
    """Then earlier attempts of the log are known as well; without a cap nobody reads them."""
    asked = []

    def before():
        asked.append(True)
        return [ended(n, Features(category="docs", complexity="low"), 700) for n in range(20)]

    known, of = reservations(before), Features(category="docs", complexity="low")
    reckoned = wanted(known, of, BY_GROUP).tokens
    told = [wanted(known, of, CAPPED) for _ in range(2)]

    assert ([True], 1250) == (asked, reckoned)
    assert {700} == {one.tokens for one in told}
    assert told[0].basis == "mixture at 0.9, from 20 attempts at docs/low and others"


def spends(phase, attempt):
    """Use a thousand tokens at two cents."""
    attempt.record_usage(model="m", input_tokens=900, output_tokens=100, cost_usd="0.02")


@pytest.mark.parametrize(
    ("cap", "aside"), [({"max_tokens": 5000}, 1000), ({"max_usd": "0.1"}, 0.02)]
)
def test_a_drain_sets_aside_what_drains_before_used(log, cap, aside):
    """A later drain's first claim knows; the cap is full to the last token and cent."""
    phases = [PhaseSpec(f"p{n}", category="docs", complexity="low", model="m") for n in range(20)]
    for run in ("before", "after"):
        autopack.create_run(log, run, phases)
    autopack.drain(log, executor=spends, run_id="before", workers=1)
    report = autopack.drain(log, executor=spends, run_id="after", workers=1, **cap)
    claims = [one for one in found(log, "phase.claimed") if one.run_id == "after"]
    unit = "reserved_tokens" if "max_tokens" in cap else "reserved_usd"

    assert [float(getattr(one, unit)) for one in claims] == [aside] * 5
    assert (5, 5000, Usd.of("0.1")) == (report.completed, report.total_tokens, report.cost_usd)


def test_the_newest_attempts(log):
    """They are those that came to an end, in its order, and none of the drain that asks."""
    autopack.create_run(log, "done", [PhaseSpec(f"p{n}", category="docs") for n in range(3)])
    report = autopack.drain(log, executor=spends, run_id="done", workers=1)
    rows = newest_attempts(journal_of(log), but_of="another")

    assert ["p0", "p1", "p2"] == [row.phase_id for row in rows]
    assert [] == newest_attempts(journal_of(log), but_of=report.drain_id)
