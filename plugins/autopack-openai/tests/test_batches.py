"""Phases through OpenAI's batch API: sent together, found again, answered and counted once."""

import signal
import subprocess
import sys
import time

import pytest

import autopack
from autopack import PhaseSpec
from autopack_openai import OpenAIExecutor
from drains import takes_each_once
from openai_batches import answered, batching
from openai_replies import KEY


@pytest.fixture
def provider(monkeypatch):
    """A provider of batches on loopback."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
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


def executor(provider, **options):
    """Return an executor that sends batches."""
    given = {"model": "m", "batch": True, "poll_after_s": 0.05, **options}
    return OpenAIExecutor(base_url=f"{provider.url}/v1", **given)


def drained(log, provider, **settings):
    """Drain with three workers."""
    return autopack.drain(
        log, executor=executor(provider), workers=3, backoff_base_s=0.01, **settings
    )


def rows(log):
    """Return the phases."""
    return list(autopack.replay(log, "phases").rows.values())


def calls(log):
    """Return the calls."""
    return [r.event for r in log.read_all() if r.type == "llm.usage_recorded"]


def failures(log):
    """Return the codes of what failed."""
    return {r.event.code for r in log.read_all() if r.type == "phase.failed"}


class TestAnswered:
    """What goes as it should."""

    def test_what_is_in_work_together_is_one_batch(self, log, provider):
        """Each phase has its own answer; the figures are the provider's, the price is not known."""
        report = drained(log, provider)

        assert ["COMPLETE"] * 3 == [row.status for row in rows(log)]
        assert (1, 3) == (len(provider.batches), len(provider.lines(provider.batches[0])))
        assert (3, 36, 3) == (report.calls, report.total_tokens, report.unpriced_calls)
        assert all(call.duration_s is None for call in calls(log))
        assert {"batch"} == {call.source_fields["service_tier"] for call in calls(log)}
        assert 1 == sum(one.startswith("GET /v1/files") for one in provider.asked)

    def test_each_model_has_a_batch(self, log, provider):
        """OpenAI takes one model in a batch."""
        other = PhaseSpec("d", category="docs", complexity="low", goal="Say d", model="other")
        autopack.create_run(log, "s", [other])
        autopack.drain(log, executor=executor(provider), workers=4)

        assert [1, 3] == sorted(len(provider.lines(one)) for one in provider.batches)

    def test_a_later_drain_collects(self, log, provider):
        """Also one that was given another executor of that name."""
        provider.over = False
        left = drained(log, provider, collect="once")
        provider.over = True
        report = autopack.drain(log, executor=OpenAIExecutor(base_url="http://localhost:1/v1"))

        assert ("submitted", 3) == (left.reason, left.submitted)
        assert 3 == report.collected
        assert ["COMPLETE"] * 3 == [row.status for row in rows(log)]

    def test_the_price_is_that_of_batches(self, log, provider):
        """As the prices tell it; what calls cost that are answered at once says nothing."""
        each = {"input": "1", "output": "2", "since": "2025-01-01"}
        table = [{"model": "m-*", **each}]
        drained(log, provider, prices=table, run_id="r", phase_id="a")
        table.append({**each, "model": "m-1@batch", "input": "0.5", "output": "1"})
        drained(log, provider, prices=table)
        costs = [None if one.cost_usd is None else str(one.cost_usd) for one in calls(log)]

        assert [None, "0.0000085", "0.0000085"] == costs

    def test_a_cut_answer_is_tried_again(self, log, provider):
        """By another batch, with a larger budget."""
        cut = iter([True])

        def line(request):
            return answered(request, reason="length" if next(cut, False) else "stop")

        provider.line = line
        drained(log, provider)

        assert ["COMPLETE"] * 3 == [row.status for row in rows(log)]
        assert [3, 1] == [len(provider.lines(one)) for one in provider.batches]


class TestFaults:
    """What a provider may do otherwise."""

    @pytest.mark.parametrize("refusal", [
        (429, {"retry-after": "0"}), (500, {}), (503, {}), (529, {}),
    ])  # fmt: skip
    def test_a_refusal_while_polling_loses_nothing(self, log, provider, refusal):
        """The batch is asked for again."""
        provider.refusals = [refusal] * 2
        drained(log, provider)

        assert 1 == len(provider.batches)
        assert ["COMPLETE"] * 3 == [row.status for row in rows(log)]

    @pytest.mark.parametrize("status", [401, 402])
    def test_a_refused_key_leaves_it(self, log, provider, status):
        """The drain ends and says why; the next collects what was paid."""
        provider.refusals = [(status, {})] * 50
        report = drained(log, provider)
        provider.refusals = []

        assert ("submitted", 3) == (report.reason, report.submitted)
        drained(log, provider)
        assert 1 == len(provider.batches)
        assert 3 == len(calls(log))

    @pytest.mark.parametrize(("status", "code", "state"), [
        ("expired", "batch_expired", "QUEUED"), ("cancelled", "batch_cancelled", "FAILED"),
        ("failed", "batch_failed", "FAILED"),
    ])  # fmt: skip
    def test_a_batch_that_ends_badly(self, log, provider, status, code, state):
        """What was answered counts, the rest says why."""
        provider.status = status
        provider.line = lambda one: None
        drained(log, provider, collect="once", max_phases=3)
        time.sleep(0.1)
        autopack.drain(log, executor=executor(provider), collect="once", max_phases=0 or None,
                       strategy=lambda view: autopack.Stop("only collects"))  # fmt: skip

        assert {code} == failures(log)
        assert {state} == {str(row.status) for row in rows(log)}
        assert [] == calls(log)

    def test_a_batch_that_is_partly_answered(self, log, provider):
        """One line is an error, one is no JSON, and one is an answer."""
        error = {"message": "bad request", "type": "invalid_request_error", "code": "bad"}
        lines = iter([
            lambda one: {"custom_id": one["custom_id"],
                         "response": {"status_code": 400, "body": {"error": error}}},
            lambda one: "{half a line",
            answered,
        ])  # fmt: skip
        provider.line = lambda one: next(lines)(one)
        autopack.drain(log, executor=executor(provider), workers=3, max_phases=3,
                       strategy=takes_each_once)  # fmt: skip

        assert 1 == sum(row.status == "COMPLETE" for row in rows(log))
        assert {"bad", "no_answer"} == failures(log)
        assert 1 == len(calls(log))

    def test_an_answer_without_figures(self, log, provider):
        """It stands; what it used is not known, and is no 0."""
        provider.line = lambda one: answered(one, usage=None)
        drained(log, provider)

        assert ["COMPLETE"] * 3 == [row.status for row in rows(log)]
        assert {None} == {call.output_tokens for call in calls(log)}

    @pytest.mark.parametrize("body", [{"choices": []}, {"choices": None}, {"choices": [{}]}])
    def test_a_malformed_answer(self, log, provider, body):
        """It fails, and is counted with the figures that came."""
        provider.line = lambda one: answered(one, **body)
        autopack.drain(log, executor=executor(provider), workers=3, strategy=takes_each_once)

        assert {"malformed_answer"} == failures(log)
        assert 36 == sum(call.total_tokens for call in calls(log))

    def test_an_answer_to_the_submission_that_is_lost(self, log, provider):
        """The provider has the batch: the next attempt finds it by its name, and pays once."""
        provider.fault_after_create = True
        autopack.drain(log, executor=executor(provider), workers=3, strategy=takes_each_once)
        provider.fault_after_create = False
        for row in rows(log):
            if row.status == "FAILED":
                autopack.requeue(log, row.ref, why="")
        drained(log, provider)

        assert 1 == len(provider.batches)
        assert ["COMPLETE"] * 3 == [row.status for row in rows(log)]


KILLED = """
import sys, autopack
from autopack_openai import OpenAIExecutor
executor = OpenAIExecutor(model="m", base_url=sys.argv[2], batch=True, poll_after_s=0.05)
with autopack.open_log(sys.argv[1]) as log:
    autopack.drain(log, executor=executor, workers=3, lease_s=1)
"""


def test_a_kill_between_submit_and_collect_pays_once(log, provider):
    """One batch, one answer a phase, its use once."""
    provider.over = False
    line = [sys.executable, "-c", KILLED, log.target, f"{provider.url}/v1"]
    first = subprocess.Popen(line)
    ends = time.monotonic() + 60
    while time.monotonic() < ends and {"SUBMITTED"} != {str(row.status) for row in rows(log)}:
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.wait()
    provider.over = True
    subprocess.run(line, check=True, timeout=60)

    assert 1 == sum(one == "POST /v1/batches" for one in provider.asked)
    assert ["COMPLETE"] * 3 == [row.status for row in rows(log)]
    assert (3, 36) == (len(calls(log)), autopack.status(log).total_tokens)


def test_a_kill_before_the_submission_is_recorded_pays_once(log, provider):
    """The provider has the batch, and the log knows of none: the next attempt finds it."""
    line = [sys.executable, "-c", KILLED, log.target, f"{provider.url}/v1"]
    killed = []

    def kill():
        if not killed:
            killed.append(first.pid)
            first.send_signal(signal.SIGKILL)
            first.wait()

    provider.when_created = kill
    first = subprocess.Popen(line)
    first.wait(60)
    before = {r.type for r in log.read_all()}
    subprocess.run(line, check=True, timeout=90)

    assert "phase.submitted" not in before
    assert 1 == sum(one == "POST /v1/batches" for one in provider.asked)
    assert [("COMPLETE", 2)] * 3 == [(row.status, row.attempts) for row in rows(log)]
    assert (3, 36) == (len(calls(log)), autopack.status(log).total_tokens)
