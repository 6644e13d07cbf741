"""Why phases are passed over is told once, and counted by what holds them."""

from datetime import UTC, datetime, timedelta

from autopack.draining.queue.hold_reasons import Held, HeldBy
from autopack.draining.queue.passed_over import PassedOver

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_phases_that_back_off_are_one_number():
    """Their moments differ; each is told with its own."""
    passed_over = PassedOver("d")
    later = NOON + timedelta(seconds=1)

    told = passed_over.fresh({"r/a": Held.until(NOON), "r/b": Held.until(later)})

    assert {"backs off": 2} == passed_over.counts
    assert [Held.until(NOON).words, Held.until(later).words] == [one.reason for one in told]


def test_words_make_no_back_off():
    """What somebody says of a run is counted as it was said."""
    passed_over = PassedOver("d")
    passed_over.fresh({"r/a": Held(HeldBy.RUN_HELD, "backs off for the night")})

    assert {"backs off for the night": 1} == passed_over.counts


def test_a_reason_is_told_once():
    """The same again is no news, and another takes its place in the count."""
    passed_over = PassedOver("d")
    paused = Held(HeldBy.RUN_PAUSED, "its run is paused")
    told = [passed_over.fresh({"r/a": paused}), passed_over.fresh({"r/a": paused})]
    told.append(passed_over.fresh({"r/a": Held.until(NOON)}))

    assert [1, 0, 1] == [len(events) for events in told]
    assert {"backs off": 1} == passed_over.counts
