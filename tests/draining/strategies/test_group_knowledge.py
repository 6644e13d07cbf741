"""What a log knows of its groups, and what predicted output would cost."""

from decimal import Decimal

import pytest

from autopack import Completed, Drain, Failed, create_run, drain
from autopack.draining.caps.price_book import PriceBook
from autopack.draining.strategies.group_knowledge import Knowledge
from autopack.log.log import journal_of, registry_of
from autopack.plugins.discovery import load_plugins
from autopack.plugins.hookspecs import hookimpl
from drains import specs


def works(phase, attempt):
    """Complete with the output that the phase's id says, or fail those that begin with x."""
    output = int(phase.phase_id[1:])
    attempt.record_usage(
        model="m", input_tokens=10, output_tokens=output, cost_usd=output / 1000,
        cost_source="reported", truncated=phase.phase_id.startswith("t"),
    )  # fmt: skip
    if phase.phase_id.startswith("x"):
        return Failed("tests_failed", "it failed", retryable=False)
    return Completed()


def test_evidence_follows_the_log(any_log):
    """Whenever it is asked, it is what reading the whole log anew would give."""
    create_run(any_log, "r", specs("p900", "p1100", "x700", "t500"))
    early = Knowledge(journal_of(any_log), "deliverables", lambda: any_log.head().position)
    assert {} == dict(early)
    drain(any_log, executor=works, max_phases=1)
    one = dict(early)
    drain(any_log, executor=works)
    late = Knowledge(journal_of(any_log), "deliverables", lambda: any_log.head().position)

    assert [1] == [found.n for found in one.values()]
    assert {"docs/low": 2} == {group: found.n for group, found in late.items()}
    assert late["docs/low"].log_sum == pytest.approx(early["docs/low"].log_sum)
    assert {} == dict(Knowledge(journal_of(any_log), "another", lambda: any_log.head().position))


def test_a_price_is_what_calls_cost_before(any_log):
    """Of the same model, and for a phase without a model of all; unknown stays unknown."""
    create_run(any_log, "r", specs("p900", "p1100"))
    size = {"input_tokens": None, "output_tokens": 500}
    before = PriceBook(journal_of(any_log), registry_of(any_log)).ahead(None, **size)
    drain(any_log, executor=works)
    prices = PriceBook(journal_of(any_log), registry_of(any_log))

    assert [None, "0.5", "0.5", None] == [
        before, str(prices.ahead(None, **size)), str(prices.ahead("m", **size)),
        prices.ahead("other", **size),
    ]  # fmt: skip


class TableOfPrices:
    @hookimpl
    def autopack_price_usage(self, usage):
        return usage.output_tokens * 2.0 if usage.request_model == "dear" else None


def test_a_plugin_prices_first(any_log):
    """The price hook is asked with what is predicted, before the log is."""
    registry = load_plugins(extra=[TableOfPrices()])
    prices = PriceBook(journal_of(any_log), registry)

    assert 1000.0 == prices.ahead("dear", input_tokens=None, output_tokens=500)


def test_a_plan_holds_its_cost(any_log):
    """Each planned phase has what its prediction would cost."""
    create_run(any_log, "r", specs("p900"))
    drain(any_log, executor=works)
    create_run(any_log, "s", specs("p800"))
    (planned,) = Drain(any_log, executor=works).plan()

    assert Decimal(planned.predicted_output_tokens) / 1000 == planned.predicted_usd
