"""An account that rests is opened by hand."""

import pytest

import autopack
from autopack import Completed, Failed, create_run, drain
from autopack.errors import InvalidInputError
from drains import found, specs

LONG_S = 9e5
SLOW = Failed("http_429", "slow", retry_after_s=LONG_S)
USED_UP = Failed("used_up", "used up", failure_class="usage_limit", retry_after_s=LONG_S)


@pytest.fixture
def refuse(memory_log):
    """Lets one phase of a model be refused, by an account of its own run of one phase."""

    def refused(outcome, model):
        create_run(memory_log, model, specs("p", model=model))
        drain(memory_log, executor=lambda _p, _a: outcome, account="a", run_id=model, max_phases=1)

    return refused


@pytest.mark.parametrize(
    ("model", "opened", "resting"), [("m", ["m"], ["n"]), (None, ["m", "n"], [])]
)
def test_it_is_asked_again_at_once(memory_log, refuse, model, opened, resting):
    """All that rests of it, or the lane of one model; who did so, and why, is kept."""
    refuse(SLOW, "m")
    refuse(SLOW, "n")
    autopack.open_account(memory_log, "a", model=model, why="a larger plan", actor="ann")
    events = found(memory_log, "lane.opened")

    assert opened == [event.model for event in events]
    assert {("a larger plan", "ann")} == {(event.why, event.by) for event in events}
    assert resting == list(autopack.replay(memory_log, "accounts").rows["a"].rests)


def test_a_drain_goes_on_with_it(memory_log, refuse, virtual_clock):
    """Long before the moment that was told."""
    refuse(USED_UP, "m")
    before = virtual_clock.now
    autopack.open_account(memory_log, "a", why="paid")
    first = autopack.open_account(memory_log, "a", why="paid")
    create_run(memory_log, "more", specs("q"))
    report = drain(memory_log, executor=lambda _p, _a: Completed(), account="a", run_id="more")

    assert ([], 1) == (first, report.completed)
    assert (virtual_clock.now - before).total_seconds() < LONG_S


def test_what_is_not_known_is_refused(memory_log, refuse):
    """With those that are there; and so is a reason that says nothing."""
    refuse(SLOW, "m")
    with pytest.raises(InvalidInputError, match="There are: a"):
        autopack.open_account(memory_log, "b", why="typo")
    with pytest.raises(InvalidInputError, match="say why"):
        autopack.open_account(memory_log, "a", why=" ")

    assert [] == found(memory_log, "lane.opened")
