"""What an attempt in work will still use, by those like it."""

import math
from random import Random

import attrs
import pytest

from autopack.prediction.running.remaining_use import EndedAttempts
from autopack.projections.call_use import Use

AMOUNTS = {"calls": len, "total_tokens": sum}


def calls_of(random, scale):
    """Return the tokens of an attempt's calls: some more, each of its own size."""
    n = 2 + int(random.expovariate(1 / 12))
    return [round(scale * math.exp(random.gauss(0, 0.6))) + 1 for _ in range(n)]


def holds(found, amount):
    """Tell whether what is said of the rest holds what an attempt comes to."""
    least, most = found.used + found.least, math.inf if found.most is None else found.most
    return least <= amount * (1 + 1e-9) and amount <= found.used + most + 1e-6


@pytest.mark.parametrize("measure", ["calls", "total_tokens"])
def test_two_groups_looked_at_by_calls(ended, measure):
    """Of two groups of which one uses thirty times as much, both are held, a part of calls on."""
    scales, parts = {"low": 400, "high": 12_000}, (0, 0.25, 0.5, 0.75)
    shares = {(complexity, part): 0.0 for complexity in scales for part in parts}
    histories, new, n_own = 20, 80, 0
    for number in range(histories):
        random, past = Random(number), EndedAttempts()
        for _ in range(200):
            for complexity, scale in scales.items():
                calls = calls_of(random, scale)
                past.learn(ended(calls, complexity=complexity))
        for complexity, part in shares:
            for _ in range(new):
                calls = calls_of(random, scales[complexity])
                told = calls[: int(part * len(calls))]
                row, count = ended(told, complexity=complexity), AMOUNTS[measure]
                found = past.remaining(row, measure, count(told))
                n_own += found.like == f"docs/{complexity}/m"
                shares[complexity, part] += holds(found, count(calls)) / (histories * new)

    most = 1.0 if measure == "calls" else 0.92  # several end at an end that is a whole number
    assert n_own >= 0.9 * histories * new * len(shares)
    assert all(0.86 <= share <= most + 0.02 for share in shares.values()), shares
    for part in parts:
        assert 0.88 <= (shares["low", part] + shares["high", part]) / 2 <= most, (part, shares)


def test_other_groups_say_how_far_they_went(ended):
    """Where its own group never got as far, larger ones are asked, for the upper end alone."""
    past = EndedAttempts()
    for tokens in range(100, 160):
        past.learn(ended([tokens]))
        past.learn(ended([10 * tokens], complexity="high"))
    found = past.remaining(ended([400]), "total_tokens", 400)

    assert ("docs", 0, 60) == (found.like, found.least, found.reached)
    assert 1000 <= 400 + found.most <= 1590
    assert "docs/low/m" == past.remaining(ended([90]), "total_tokens", 90).like


def test_nobody_got_as_far(ended):
    """Past all that ended there is no upper end; of nobody nothing is said."""
    past = EndedAttempts()
    assert past.remaining(ended([1]), "total_tokens", 1) is None
    for tokens in range(100, 160):
        past.learn(ended([tokens]))
    found = past.remaining(ended([4000]), "total_tokens", 4000)

    assert ("docs/low/m", None, 0) == (found.like, found.most, found.reached)


def test_what_says_nothing(ended):
    """Attempts that go on are not learned; without calls that could be read their seconds are."""
    past = EndedAttempts()
    for tokens in range(100, 160):
        row = ended([tokens])
        past.learn(attrs.evolve(row, ending=None, success=None))
        past.learn(attrs.evolve(row, is_misread=True))
        past.learn(attrs.evolve(row, use=Use()))

    assert past.remaining(ended([90]), "total_tokens", 90) is None
    assert 120 == past.remaining(ended([90]), "seconds", 30).reached


def test_failures(ended):
    """What failed by itself is left out; what a deadline ended would have used more."""
    past, without = EndedAttempts(), EndedAttempts()
    for tokens in range(100, 160):
        for one in (past, without):
            one.learn(ended([tokens]))
        past.learn(ended([110], success=False))
    for used in (0, 90, 120, 140):
        row = ended([used])
        said = [one.remaining(row, "total_tokens", used) for one in (past, without)]
        assert said[0] == said[1]
    before = past.remaining(ended([90]), "total_tokens", 90)
    for _ in range(20):
        past.learn(attrs.evolve(ended([110], success=False), ending="timed_out"))
    after = past.remaining(ended([90]), "total_tokens", 90)

    assert 60 == before.reached == after.reached
    assert before.least < after.least


def test_unknown_totals(ended):
    """A call that did not tell its tokens leaves them out, and its call and seconds count."""
    past = EndedAttempts()
    for _ in range(30):
        row = ended([100, 200])
        past.learn(attrs.evolve(row, use=attrs.evolve(row.use, calls_without_total=1)))

    assert past.remaining(row, "total_tokens", 0) is None
    assert 2 == past.remaining(row, "calls", 0).most
    assert 60 == past.remaining(row, "seconds", 0).most


def test_limit(ended):
    """A limit is of those that ended well, of its category and complexity, and needs enough."""
    past = EndedAttempts()
    for tokens in range(1, 100):
        past.learn(ended([tokens], model="m" if tokens % 2 else "n"))
        past.learn(ended([10 * tokens], success=False))
    row = ended([1])

    assert (99, 99, "docs/low") == attrs.astuple(past.limit(row, "total_tokens", 0.99))
    assert past.limit(row, "total_tokens", 0.995) is None
    assert (91, 50, "docs/low/m") == attrs.astuple(past.limit(row, "total_tokens", 0.9))
    assert past.limit(ended([1], complexity="high"), "total_tokens", 0.9) is None
