"""The importer reads the real databases of both schemas, and says what is unclean."""

from collections import Counter

import pytest

from autopack.format.codec import Codec

autopack_legacy = pytest.importorskip("autopack_legacy")

pytestmark = pytest.mark.real


@pytest.fixture(scope="module", params=["autopack_legacy.db", "autopack_rebuilt.db"])
def either(real_data, request):
    """Return the path of each database in turn."""
    return str(real_data / request.param)


def read(path):
    """Return the events, with their streams, and the findings."""
    source = autopack_legacy.LegacyImporter().read(str(path))
    return list(source.events), source.findings


def by_type(events):
    """Return how many events there are of each type."""
    return dict(Counter(new.event.TYPE for _, new in events))


def test_legacy_database(real_data):
    """The first database gives its runs, phases, states, usage and samples, no more, no fewer."""
    events, _ = read(real_data / "autopack_legacy.db")

    assert {
        "run.created": 70,
        "run.finished": 63,
        "phase.queued": 456,
        "phase.completed": 141,
        "phase.failed": 207,
        "phase.gated": 1,
        "llm.usage_recorded": 1371,
        "sample.recorded": 28,
    } == by_type(events)
    assert {"inferred": 1371} == dict(
        Counter(new.event.split for _, new in events if new.event.TYPE == "llm.usage_recorded")
    )


def test_legacy_findings(real_data):
    """What is unclean in the first database is counted."""
    _, found = read(real_data / "autopack_legacy.db")
    expected = {
        "inferred_splits": 1371,
        "splits_of_unknown_shares": 0,
        "usage_of_unlisted_phases": 303,
        "failed_without_reason": 179,
        "queued_in_finished_runs": 101,
        "test_samples": 1,
        "rows_without_a_known_run": {"token_estimation_v2_events": 6},
        "unparsable_values": {},
        "rows_left_out": {},
    }

    assert expected == {name: found[name] for name in expected}
    assert 15 == len(found["implied_runs"])


def test_rebuilt_database(real_data):
    """The later database gives measured and total-only usage, reclaims and an escalation."""
    events, found = read(real_data / "autopack_rebuilt.db")

    assert {
        "run.created": 67,
        "run.finished": 42,
        "phase.queued": 302,
        "phase.completed": 112,
        "phase.failed": 109,
        "phase.reclaimed": 17,
        "llm.usage_recorded": 574,
        "sample.recorded": 97,
        "budget.escalated": 1,
    } == by_type(events)
    assert (147, 0, 427) == tuple(
        found[name] for name in ("measured_splits", "inferred_splits", "total_only_splits")
    )


def test_reading_twice_is_equal(either):
    """A second reading gives equal events with equal ids, each id once, in order of time."""
    (one, _), (two, _) = read(either), read(either)
    times = [new.occurred_at for _, new in one]

    assert two == one
    assert len(one) == len({new.event_id for _, new in one})
    assert sorted(times) == times


def test_a_copy_elsewhere_has_equal_ids(either, tmp_path):
    """The file's name and place have no part in an id."""
    copy = tmp_path / "copy.db"
    with open(either, "rb") as source:
        copy.write_bytes(source.read())

    assert read(either)[0] == read(copy)[0]


def test_databases_do_not_collide(real_data):
    """No two rows of the two databases share an id or a call."""
    (one, _), (two, _) = (read(real_data / f"autopack_{n}.db") for n in ("legacy", "rebuilt"))
    ids = [new.event_id for _, new in one + two]
    calls = [new.event.call_id for _, new in one + two if new.event.TYPE == "llm.usage_recorded"]

    assert len(ids) == len(set(ids))
    assert len(calls) == len(set(calls))


def test_every_event_can_be_stored(either):
    """Each event comes back from its text as it went."""
    codec = Codec()
    events = [new.event for _, new in read(either)[0]]

    assert events == [codec.decode(*codec.encode(event), 1) for event in events]


def test_a_phase_is_queued_before_its_state(either):
    """A run comes before its phases, a phase before its state, in the order of time."""
    seen: set[tuple[str, str | None]] = set()
    for _, new in read(either)[0]:
        event = new.event
        if event.TYPE == "phase.queued":
            assert (event.run_id, None) in seen
            seen.add((event.run_id, event.phase_id))
        elif event.TYPE == "run.created":
            seen.add((event.run_id, None))
        elif event.TYPE.startswith("phase."):
            assert (event.run_id, event.phase_id) in seen
