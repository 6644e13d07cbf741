"""Phases as Anthropic's message batches: sent together, found again, answered and counted once."""

import pytest

import autopack
from anthropic_batches import answered, batching, ended
from anthropic_replies import KEY
from autopack import PhaseSpec
from autopack_anthropic import AnthropicExecutor
from drains import takes_each_once


@pytest.fixture
def provider(monkeypatch):
    """A provider of batches on loopback."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    with batching() as found:
        yield found


@pytest.fixture
def log(tmp_path):
    """A log with three phases."""
    with autopack.create_log(tmp_path / "work.db") as found:
        phases = [
            PhaseSpec(name, category="docs", complexity="low", goal=f"Say {name}") for name in "abc"
        ]
        autopack.create_run(found, "r", phases)
        yield found


def drained(log, provider, **settings):
    """Drain with three workers."""
    executor = AnthropicExecutor("m", base_url=provider.url, batch=True, poll_after_s=0.05)
    given = {"workers": 3, "backoff_base_s": 0.01, **settings}
    return autopack.drain(log, executor=executor, **given)


def rows(log):
    """Return the phases."""
    return list(autopack.replay(log, "phases").rows.values())


def calls(log):
    """Return the calls."""
    return [r.event for r in log.read_all() if r.type == "llm.usage_recorded"]


def failures(log):
    """Return the codes of what failed."""
    return {r.event.code for r in log.read_all() if r.type == "phase.failed"}


def test_what_is_in_work_together_is_one_batch(log, provider):
    """Each phase has its own answer; the figures are the provider's."""
    report = drained(log, provider)

    assert ["COMPLETE"] * 3 == [row.status for row in rows(log)]
    assert [3] == [len(one["requests"]) for one in provider.batches]
    assert (3, 36) == (report.calls, report.total_tokens)


def test_a_later_drain_collects(log, provider):
    """What the first one has left with the provider."""
    provider.over = False
    left = drained(log, provider, collect="once")
    provider.over = True
    report = drained(log, provider)

    assert ("submitted", 3) == (left.reason, left.submitted)
    assert (3, 1) == (report.collected, len(provider.batches))


@pytest.mark.parametrize("status", [429, 500, 529])
def test_a_refusal_while_polling_loses_nothing(log, provider, status):
    """The batch is asked for again."""
    provider.refusals = [(status, {"retry-after": "0"})] * 2
    drained(log, provider)

    assert (1, 3) == (len(provider.batches), len(calls(log)))


@pytest.mark.parametrize("status", [401, 402])
def test_a_refused_key_leaves_it(log, provider, status):
    """The next drain collects what was paid."""
    provider.refusals = [(status, {})] * 50
    report = drained(log, provider)
    provider.refusals = []
    drained(log, provider)

    assert "submitted" == report.reason
    assert (1, 3) == (len(provider.batches), len(calls(log)))


def test_results_of_every_kind(log, provider):
    """An error, an end by the provider, and an answer."""
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": "bad"}}
    lines = iter([
        lambda one: ended(one, "errored", error=error),
        lambda one: ended(one, "canceled"),
        answered,
    ])  # fmt: skip
    made = {}
    provider.line = lambda one: (
        made.setdefault(one["custom_id"], None)
        or made.update({one["custom_id"]: next(lines)(one)})
        or made[one["custom_id"]]
    )
    drained(log, provider, strategy=takes_each_once)

    assert {"invalid_request_error", "batch_cancelled"} == failures(log)
    assert 1 == sum(row.status == "COMPLETE" for row in rows(log))


def test_what_expired_is_sent_again(log, provider):
    """It was not answered, and not paid: its attempt is not spent."""
    provider.line = lambda one: (
        ended(one, "expired") if one in provider.batches[0]["requests"] else answered(one)
    )
    drained(log, provider)

    assert ["COMPLETE"] * 3 == [row.status for row in rows(log)]
    assert [1] * 3 == [row.attempts_spent for row in rows(log)]
    assert {"batch_expired"} == failures(log)


def test_a_lost_answer_to_the_submission(log, provider):
    """The provider has the batch: the next attempt finds it by its requests, and pays once."""
    provider.fault_after_create, provider.over = True, False
    drained(log, provider, strategy=takes_each_once)
    provider.fault_after_create = False
    drained(log, provider, collect="once")
    provider.over = True
    drained(log, provider)

    assert ["COMPLETE"] * 3 == [row.status for row in rows(log)]
    assert (1, 3) == (len(provider.batches), len(calls(log)))
