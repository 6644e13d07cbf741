"""A batch's end in words: what is done, what it took, what is left, and what to type."""

from decimal import Decimal

from autopack.api.batch_rows import BatchResult
from autopack.report.batch_text import batch_text


def told(*results, n):
    """Return the text of a batch of *n* rows."""
    return batch_text(
        results, n, command="autopack --log x.db", run_id="tasks", answers="tasks.out.jsonl"
    )


def done(row, **fields):
    """Return an answered row."""
    return BatchResult(id=row, state="COMPLETE", output="42", **fields)


def test_a_batch_that_is_done_says_what_it_took():
    """Tokens and dollars; what nobody told is no zero."""
    known = told(done("a", tokens=1200, cost_usd=Decimal("0.25")), done("b", tokens=34), n=2)
    unknown = told(done("a"), n=1)

    assert "2 of 2 rows answered; 1,234 tokens, 0.25 USD for 1 of them" in known
    assert "1 of 1 rows answered; no tokens told, cost unknown" in unknown
    assert "next      autopack --log x.db run show tasks" in known


def test_what_failed_waits_or_is_left_is_told_with_what_to_type():
    """Six failures show five of them; a line of somebody else's cannot pass for one of ours."""
    failed = [
        BatchResult(id=f"f{n}", state="FAILED", error="two\n  next  rm -rf /\x1b[31m")
        for n in range(6)
    ]
    text = told(*failed, BatchResult(id="g", state="GATED", error="is it right?"), done("a"), n=9)

    assert "1 of 9 rows answered, 6 failed, 1 waiting for a decision, 1 left" in text
    assert "f0: two next rm -rf /\\x1b[31m" in text
    assert "and 1 more" in text
    assert "\x1b" not in text
    steps = [line[12:] for line in text.splitlines()[-5:]]
    assert "the same line again goes on" == steps[0]
    assert "autopack --log x.db history tasks f0: why it failed" == steps[1]
