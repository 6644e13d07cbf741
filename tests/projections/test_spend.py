"""Spend: what each run has used, for its caps."""

from hypothesis import given

from autopack import views
from autopack.backends.memory import MemoryBackend
from autopack.events import LlmUsageRecorded
from autopack.log import Log
from autopack.plugins import load_plugins
from autopack.projections.spend import SPEND
from autopack.testing.facts import append_all, usage
from autopack.testing.generators import any_order

REGISTRY = load_plugins()


def spent(*events):
    """Return the runs' spend after events."""
    log = Log(MemoryBackend(), registry=REGISTRY)
    append_all(log, events)
    return views.replay(log, SPEND).rows


def test_calls_are_summed_by_run():
    """Late calls count; a total that was not given is input and output."""
    rows = spent(
        usage("c1", total_tokens=10, cost_usd=0.5),
        usage("c2", input_tokens=3, output_tokens=4, late=True),
        usage("c3", run_id="r2", cost_usd=0.25),
    )

    assert {"r1": (17, 0.5), "r2": (0, 0.25)} == {k: (r.tokens, r.usd) for k, r in rows.items()}


def test_a_call_without_a_run_is_nobodys_spend():
    """No run's cap counts it."""
    assert {} == spent(usage("c1", run_id=None, total_tokens=10))


@given(events=any_order)
def test_no_call_of_a_run_is_missed(events):
    """The tokens of all runs are those of all calls that name one."""
    calls = [e for e in events if isinstance(e, LlmUsageRecorded) and e.run_id is not None]
    tokens = sum(
        (e.input_tokens or 0) + (e.output_tokens or 0) if e.total_tokens is None else e.total_tokens
        for e in calls
    )

    assert tokens == sum(row.tokens for row in spent(*events).values())
