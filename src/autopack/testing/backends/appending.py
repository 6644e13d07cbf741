"""How a backend keeps events: in order, whole, at the version that was expected."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import strategies as st

from autopack.errors import InvalidEventError, VersionConflictError
from autopack.events import PhaseQueued, RunCreated, RunPaused
from autopack.log.journal import Journal
from autopack.log.log import Log
from autopack.ports.log import ANY, NewEvent
from autopack.testing.backends.constants import NOON
from autopack.testing.facts import claimed, completed, created, paused, queued
from autopack.testing.settings import patiently
from autopack.values.ids import derived_id


class ReadingContract:
    """Events come back in order, numbered without gaps."""

    def test_positions_count_from_one_in_commit_order(self, journal: Journal) -> None:
        """Positions are 1, 2, 3 over all streams; versions count within a stream."""
        journal.append("run-r1", [created(), queued()], expected_version=0)
        journal.append("phase-r1/a", [claimed()], expected_version=0)
        journal.append("run-r1", [paused()], expected_version=2)

        assert [
            (1, "run-r1", 1),
            (2, "run-r1", 2),
            (3, "phase-r1/a", 1),
            (4, "run-r1", 3),
        ] == [(r.position, r.stream, r.version) for r in journal.read_all()]

    def test_append_answers_what_is_read_back(self, journal: Journal) -> None:
        """What append returns equals what a reader gets, envelopes included."""
        given = journal.append("run-r1", [created(goal="tidy"), queued()], expected_version=0)

        assert given == list(journal.read_all())
        assert given == list(journal.read("run-r1"))

    def test_a_stream_is_read_from_a_version_on(self, journal: Journal) -> None:
        """Reading after a version gives the stream's tail only."""
        journal.append("run-r1", [created(), queued("a"), queued("b")], expected_version=0)
        journal.append("run-r2", [created("r2")], expected_version=0)

        assert [2, 3] == [r.version for r in journal.read("run-r1", after_version=1)]
        assert [] == list(journal.read("run-none"))

    def test_reading_all_is_cut_by_place_type_and_number(self, journal: Journal) -> None:
        """After, until, types and limit narrow what is read, and combine."""
        facts = [created(), queued("a"), paused(), queued("b"), queued("c")]
        journal.append("run-r1", facts, expected_version=0)

        assert [3, 4] == [r.position for r in journal.read_all(after=2, until=4)]
        assert [2, 4, 5] == [r.position for r in journal.read_all(types=[PhaseQueued])]
        assert [4] == [r.position for r in journal.read_all(after=2, types=[PhaseQueued], limit=1)]
        assert [] == list(journal.read_all(limit=0))
        assert [] == list(journal.read_all(after=99))

    def test_long_logs_are_read_over_many_pages(self, journal: Journal) -> None:
        """A log longer than a page is read whole, once each, in order."""
        journal.append("run-r1", [paused(str(n)) for n in range(1, 2502)], expected_version=0)

        assert list(range(1, 2502)) == [r.position for r in journal.read_all()]
        assert list(range(1, 2502)) == [r.version for r in journal.read("run-r1")]
        assert 2400 == len(list(journal.read_all(limit=2400)))

    def test_types_in_a_long_log_lose_nothing_between_pages(self, journal: Journal) -> None:
        """Filtering by type pages by what was found, not by what was looked at."""
        facts = [queued(str(n)) if n % 3 else paused() for n in range(1, 3001)]
        journal.append("run-r1", [*facts, created()], expected_version=0)

        assert 1000 == len(list(journal.read_all(types=[RunPaused])))
        assert 2000 == len(list(journal.read_all(types=[PhaseQueued])))
        assert [3001] == [r.position for r in journal.read_all(types=[RunCreated])]

    def test_meta_and_times_are_kept(self, journal: Journal) -> None:
        """An event keeps when it happened and where it came from, beside when it was recorded."""
        moment = NOON - timedelta(days=400)
        (recorded,) = journal.append(
            "run-r1",
            [NewEvent(event=created(), occurred_at=moment, meta={"actor": "ann"})],
            expected_version=0,
        )

        assert moment == recorded.occurred_at
        assert {"actor": "ann"} == recorded.meta
        assert recorded.recorded_at > moment

    def test_an_id_given_twice_is_named(self, journal: Journal) -> None:
        """Two events of one call with one id are refused: the id, where they stand, and why."""
        twice = derived_id("kit", "r1", "fact")
        events = [paused(), *(NewEvent(event=paused(why), event_id=twice) for why in "ab")]
        with pytest.raises(InvalidEventError) as refused:
            journal.append("run-r1", events, expected_version=0)

        assert "run.paused" == refused.value.event_type
        assert (
            f"{twice.hex()} is given twice in one call, to events 2 and 3 of 3, with another data"
        ) in str(refused.value)
        assert 0 == journal.head().position

    def test_an_id_given_twice_for_two_moments_is_named(self, journal: Journal) -> None:
        """One fact occurred once: an id that is given for two moments is refused."""
        twice = derived_id("kit", "r1", "fact")
        moments = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2)]
        events = [NewEvent(event=paused(), event_id=twice, occurred_at=at) for at in moments]
        with pytest.raises(InvalidEventError, match="another occurred_at"):
            journal.append("run-r1", events, expected_version=0)

        assert 0 == journal.head().position

    def test_a_fact_told_twice_in_one_call_is_one_event(self, journal: Journal, log: Log) -> None:
        """A repeat adds nothing wherever it stands, and is answered with the first one."""
        twice = NewEvent(event=paused(), event_id=derived_id("kit", "r1", "fact"))
        answers = journal.append("s", [twice, created(), twice], expected_version=0)
        again = journal.append_batch([("s", [twice, twice], 0), ("t", [paused()], 0)])
        other = NewEvent(event=paused(), event_id=derived_id("kit", "r2", "fact"))
        apart = journal.append_batch([("s", [other], 2), ("s", [other, queued()], ANY)])

        assert [1, 2, 1] == [r.position for r in answers]
        assert [1, 1, 3] == [r.position for r in again]
        assert [4, 4, 5] == [r.position for r in apart]
        assert [1, 2, 3, 4] == [r.version for r in journal.read("s")]
        assert log.verify().is_clean

    def test_drawn_ids_are_distinct(self, journal: Journal) -> None:
        """Events without an id of their own get one each."""
        journal.append("run-r1", [paused() for _ in range(50)], expected_version=0)

        assert 50 == len({r.event_id for r in journal.read_all()})

    def test_an_empty_log_has_nothing(self, journal: Journal) -> None:
        """An empty log is at position 0 and yields nothing."""
        assert 0 == journal.backend.head().position
        assert [] == list(journal.read_all())
        assert 0 == journal.backend.stream_versions(["run-r1"])["run-r1"]

    def test_an_empty_append_changes_nothing(self, journal: Journal) -> None:
        """No events and no expectation are no event."""
        assert [] == journal.append("run-r1", [], expected_version=ANY)
        assert [] == journal.append_batch([])
        assert 0 == journal.backend.head().position


class VersionContract:
    """Appending at the wrong version is refused."""

    @pytest.mark.parametrize("expected", [0, 1, 3, 99])
    def test_a_conflict_names_both_versions_and_appends_nothing(
        self, journal: Journal, expected: int
    ) -> None:
        """A wrong expected version says which it was and which it is."""
        journal.append("run-r1", [created(), queued()], expected_version=0)

        with pytest.raises(VersionConflictError) as refused:
            journal.append("run-r1", [paused()], expected_version=expected)

        assert ("run-r1", expected, 2) == (
            refused.value.stream,
            refused.value.expected,
            refused.value.actual,
        )
        assert f"version 2, not {expected}" in str(refused.value)
        assert 2 == journal.backend.head().position

    def test_any_appends_wherever_the_stream_is(self, journal: Journal) -> None:
        """ANY asks for no version."""
        journal.append("run-r1", [created()], expected_version=ANY)
        journal.append("run-r1", [paused()], expected_version=ANY)

        assert 2 == journal.backend.stream_versions(["run-r1"])["run-r1"]

    def test_a_batch_is_all_or_nothing(self, journal: Journal) -> None:
        """A conflict in one stream keeps the others' events out too."""
        journal.append("run-r1", [created()], expected_version=0)

        with pytest.raises(VersionConflictError):
            journal.append_batch([("phase-r1/a", [claimed()], 0), ("run-r1", [paused()], 0)])

        assert 1 == journal.backend.head().position

    def test_an_entry_without_events_only_asserts(self, journal: Journal) -> None:
        """A batch can ask that another stream did not move, without adding to it."""
        journal.append("run-r1", [created(), queued()], expected_version=0)

        recorded = journal.append_batch([("phase-r1/a", [claimed()], 0), ("run-r1", [], 2)])
        with pytest.raises(VersionConflictError, match="run-r1"):
            journal.append_batch([("phase-r1/a", [completed()], 1), ("run-r1", [], 1)])

        assert [3] == [r.position for r in recorded]
        assert 3 == journal.backend.head().position

    def test_a_stream_may_come_twice_in_a_batch(self, journal: Journal) -> None:
        """Versions count on from entry to entry of one batch."""
        journal.append_batch([("run-r1", [created()], 0), ("run-r1", [queued()], 1)])

        assert [1, 2] == [r.version for r in journal.read("run-r1")]

    @patiently(data=st.data())
    def test_any_sequence_of_appends_equals_a_dict_of_lists(
        self, journal: Journal, data: st.DataObject
    ) -> None:
        """Whatever is appended, refused or not, the log holds what a model of lists holds."""
        before = journal.head().position
        model: dict[str, list[Any]] = {f"s1-{before}": [], f"s2-{before}": []}
        for number in range(data.draw(st.integers(1, 8))):
            stream = data.draw(st.sampled_from(sorted(model)))
            off_by = data.draw(st.sampled_from([0, 0, 0, -1, 1]))
            facts = [paused(f"{number}.{i}") for i in range(data.draw(st.integers(1, 3)))]
            try:
                journal.append(stream, facts, expected_version=len(model[stream]) + off_by)
                model[stream] += facts
            except VersionConflictError:
                assert off_by
        journal.append(f"s3-{before}", [paused()], expected_version=0)

        assert model == {name: [r.event for r in journal.read(name)] for name in model}
        assert before + sum(map(len, model.values())) + 1 == journal.head().position


class BodiesContract:
    """What events say can be read without their envelopes."""

    def test_bodies_are_the_pages_without_envelopes(self, journal: Journal) -> None:
        """Positions, types, schemas and data are those of the page, and so is the limit."""
        journal.append("run-r1", [created(), paused(), queued()], expected_version=0)
        wanted: dict[str, Any] = {
            "after": 0,
            "until": 3,
            "limit": 2,
            "types": ("run.created", "phase.queued"),
        }
        rows = journal.backend.page(**wanted)

        assert [(r[0], r[4], r[5], r[9]) for r in rows] == journal.backend.bodies(**wanted)
        assert [1, 3] == [body[0] for body in journal.backend.bodies(**wanted)]
