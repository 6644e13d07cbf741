"""What is still used, on phases of another system whose calls are known one by one."""

import sqlite3

import pytest

from autopack.prediction.running.final_amounts import FinalAmounts

pytestmark = pytest.mark.real

TOKENS = {
    "autopack_legacy.db": "prompt_tokens + completion_tokens",
    "autopack_rebuilt.db": "coalesce(total_tokens, prompt_tokens + completion_tokens)",
}
KNOWN = 60


@pytest.fixture(scope="module", params=TOKENS)
def phases(real_data, request):
    """Return the tokens of each phase's calls, by which phase began first."""
    place = f"file:{real_data / request.param}?mode=ro"
    database = sqlite3.connect(place, uri=True)
    rows = database.execute(
        f"SELECT run_id, phase_id, {TOKENS[request.param]} FROM llm_usage_events "
        "WHERE phase_id IS NOT NULL ORDER BY id"
    ).fetchall()
    database.close()
    found = {}
    for run, phase, tokens in rows:
        found.setdefault((run, phase), []).append(tokens or 0)
    return [calls for calls in found.values() if sum(calls)]


def _shares(phases, used):
    """Return the share of phases held by those before them, for each part of a phase."""
    known, held, n = FinalAmounts(), dict.fromkeys((0.0, 0.25, 0.5, 0.75), 0), 0
    for calls in phases:
        whole = sum(calls)
        if len(known) >= KNOWN:
            n += 1
            for part in held:
                ends = known.ends(used(calls, part))
                held[part] += ends.least <= whole + 1e-9 and (
                    ends.most is None or whole <= ends.most
                )
        known.add(whole, is_whole=True)
    return {part: count / n for part, count in held.items()}


def test_by_tokens(phases):
    """Nine of ten or more end within the interval: many phases used the very same."""
    shares = _shares(phases, lambda calls, part: part * sum(calls))

    assert all(share >= 0.88 for share in shares.values()), shares


def test_by_calls(phases):
    """So it is after a part of the calls, where half of the phases have two of them."""
    shares = _shares(phases, lambda calls, part: sum(calls[: int(part * len(calls))]))

    assert all(share >= 0.8 for share in shares.values()), shares
