"""The run board: every run as it stands, created or only implied."""

import pytest
from hypothesis import given

from autopack.events import RunFinished, RunPrepared, RunPrepareFailed, RunReopened, RunResumed
from autopack.log import views
from autopack.log.backends.memory import MemoryBackend
from autopack.log.log import Log, journal_of
from autopack.plugins.discovery import load_plugins
from autopack.projections.runs import RUNS
from autopack.testing.facts import append_all, claimed, created, paused, queued, usage
from autopack.testing.generators import any_order

REGISTRY = load_plugins()
FINISHED = RunFinished(run_id="r1", outcome="failed")
REOPENED = RunReopened(run_id="r1", why="more")
RESUMED = RunResumed(run_id="r1", why="back", actor="ann")


def board(*events):
    """Return the board after events."""
    log = Log(MemoryBackend(), registry=REGISTRY)
    append_all(log, events)
    return views.replay(journal_of(log), RUNS)


@pytest.mark.parametrize(
    ("events", "status", "outcome"),
    [
        ([], "OPEN", None),
        ([paused()], "PAUSED", None),
        ([paused(), RESUMED], "OPEN", None),
        ([FINISHED], "FINISHED", "failed"),
        ([FINISHED, REOPENED], "OPEN", None),
        ([FINISHED, paused()], "FINISHED", "failed"),
        ([FINISHED, paused(), RESUMED], "FINISHED", "failed"),
        ([paused(), FINISHED, REOPENED], "PAUSED", None),
    ],
)
def test_a_run_stands_where_its_events_left_it(events, status, outcome):
    """A pause outlasts an end and a reopening; an end outlasts a pause."""
    row = board(created(), *events).rows["r1"]

    assert (status, outcome) == (row.status, row.outcome)


def test_a_run_shows_what_it_was_created_with():
    """Goal, caps and labels are there without reading the log."""
    row = board(created(goal="g", caps={"tokens": 5}, labels={"l": "v"})).rows["r1"]

    assert ("g", {"tokens": 5}, {"l": "v"}) == (row.goal, row.caps, row.labels)
    assert row.created_at is not None


@pytest.mark.parametrize("event", [queued(), claimed(), usage(), paused()])
def test_a_run_that_only_other_events_name_is_implied(event):
    """It is listed, and counted apart."""
    view = board(event)

    assert (False, (0, 1)) == (
        view.rows["r1"].created,
        (view.total.created, view.total.implied),
    )


def test_a_creation_that_comes_late_ends_the_implication():
    """A run is implied no longer once its creation is read."""
    total = board(queued(), created()).total

    assert (1, 0) == (total.created, total.implied)


def test_usage_without_a_run_implies_none():
    """A call that names no run makes no row."""
    assert {} == board(usage(run_id=None)).rows


def test_preparation_is_known_failed_or_unknown():
    """Three answers, the last one holds."""
    done, failed = (
        RunPrepared(run_id="r1"),
        RunPrepareFailed(run_id="r1", code="c", message="m"),
    )
    told = [
        board(created(), *events).rows["r1"].is_prepared
        for events in ([], [done], [failed], [failed, done])
    ]

    assert [None, True, False, True] == told


@given(events=any_order)
def test_the_counts_are_those_of_the_rows(events):
    """What the total says without rows is what counting rows says."""
    view = board(*events)
    made = sum(row.created for row in view.rows.values())

    assert (made, len(view.rows) - made) == (view.total.created, view.total.implied)
    orders = [row.order for row in view.rows.values()]
    assert sorted(orders) == orders
