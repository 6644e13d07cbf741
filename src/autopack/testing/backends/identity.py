"""How a backend knows a fact again, and what it does not take."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from autopack.errors import (
    EventIdConflictError,
    InvalidEventError,
    InvalidInputError,
    InvalidNameError,
)
from autopack.events import event
from autopack.log.journal import Journal
from autopack.log.log import Log, journal_of
from autopack.ports.backend import Backend
from autopack.ports.log import ANY, NewEvent, UnrecognisedEvent
from autopack.testing.backends.constants import ID, NOON, OTHER_ID
from autopack.testing.facts import created, failed, paused


class EventIdContract:
    """The same fact is stored once, however often it is reported."""

    def test_a_repeat_returns_the_first_answer(self, journal: Journal) -> None:
        """An id that is known with equal content adds nothing."""
        new = NewEvent(event=paused(), event_id=ID)
        first = journal.append("run-r1", [new], expected_version=0)

        assert first == journal.append("run-r1", [new], expected_version=0)
        assert first == journal.append("run-r1", [new], expected_version=ANY)
        assert 1 == journal.backend.head().position

    def test_a_repeat_holds_after_the_stream_moved_on(self, journal: Journal) -> None:
        """Ids are looked at before versions, so a late repeat is no conflict."""
        new = NewEvent(event=paused(), event_id=ID)
        first = journal.append("run-r1", [new], expected_version=0)
        journal.append("run-r1", [paused("tea"), paused("nap")], expected_version=1)

        assert first == journal.append("run-r1", [new], expected_version=0)

    @pytest.mark.parametrize(
        ("stream", "new", "differs"),
        [
            ("run-r2", NewEvent(event=paused(), event_id=ID, occurred_at=NOON), "stream"),
            ("run-r1", NewEvent(event=failed(), event_id=ID, occurred_at=NOON), "type and data"),
            ("run-r1", NewEvent(event=paused("tea"), event_id=ID, occurred_at=NOON), "data"),
            (
                "run-r1",
                NewEvent(event=paused(), event_id=ID, occurred_at=NOON + timedelta(seconds=1)),
                "occurred_at",
            ),
        ],
    )
    def test_other_content_under_a_known_id_is_refused(
        self, journal: Journal, stream: str, new: NewEvent, differs: str
    ) -> None:
        """The refusal names id, position and what differs, and appends nothing."""
        first = NewEvent(event=paused(), event_id=ID, occurred_at=NOON)
        journal.append("run-r1", [first], expected_version=0)

        with pytest.raises(EventIdConflictError) as refused:
            journal.append(stream, [new], expected_version=ANY)

        assert (ID, 1, differs) == (
            refused.value.event_id,
            refused.value.position,
            refused.value.differs,
        )
        assert 1 == journal.backend.head().position

    def test_any_appends_the_unknown_rest_of_a_list(self, journal: Journal) -> None:
        """Of a partly known list, ANY appends what is new and answers for all, in order."""
        one, two = (
            NewEvent(event=paused("one"), event_id=ID),
            NewEvent(event=paused("two"), event_id=OTHER_ID),
        )
        journal.append("run-r1", [one], expected_version=0)
        journal.append("run-r1", [created()], expected_version=1)

        answers = journal.append("run-r1", [two, one], expected_version=ANY)

        assert [3, 1] == [r.position for r in answers]
        assert ["two", "one"] == [r.event.why for r in answers]
        assert 3 == journal.backend.head().position

    @pytest.mark.parametrize("expected", [0, 1])
    def test_a_checked_version_refuses_a_partly_known_list(
        self, journal: Journal, expected: int
    ) -> None:
        """A list that is in part new cannot be checked against one version."""
        one = NewEvent(event=paused("one"), event_id=ID)
        two = NewEvent(event=paused("two"), event_id=OTHER_ID)
        journal.append("run-r1", [one], expected_version=0)

        with pytest.raises(EventIdConflictError) as refused:
            journal.append("run-r1", [one, two], expected_version=expected)

        assert (ID, 1) == (refused.value.event_id, refused.value.position)
        assert 1 == journal.backend.head().position

    def test_the_refused_list_names_the_known_event_of_its_own_stream(
        self, journal: Journal
    ) -> None:
        """The refusal's position is that of the id it names, also in a batch."""
        one, two = (
            NewEvent(event=paused("one"), event_id=ID),
            NewEvent(event=paused("two", "r2"), event_id=OTHER_ID),
        )
        journal.append("run-r1", [one], expected_version=0)
        journal.append("run-r2", [two], expected_version=0)

        with pytest.raises(EventIdConflictError) as refused:
            journal.append_batch([("run-r1", [one], 0), ("run-r2", [two, paused("x", "r2")], 1)])

        assert (OTHER_ID, 2) == (refused.value.event_id, refused.value.position)

    def test_one_id_twice_in_a_call_is_refused(self, journal: Journal) -> None:
        """Two events of one call cannot share an id."""
        with pytest.raises(InvalidEventError, match="twice"):
            journal.append(
                "run-r1",
                [NewEvent(event=paused(why), event_id=ID) for why in "ab"],
                expected_version=ANY,
            )

        assert 0 == journal.backend.head().position

    @pytest.mark.parametrize("wrong", [b"short", "0" * 16, bytes(17)])
    def test_an_id_has_sixteen_bytes(self, journal: Journal, wrong: Any) -> None:
        """Anything else is no event id."""
        with pytest.raises(InvalidEventError, match="16 bytes"):
            journal.append("s", [NewEvent(event=paused(), event_id=wrong)], expected_version=ANY)


class RefusalContract:
    """A refused event leaves no trace."""

    @pytest.mark.parametrize("name", ["", " s", "s\n", "x" * 421, "a\x00b", "\ud800"])
    def test_stream_names_are_checked(self, journal: Journal, name: str) -> None:
        """A stream has a printable name."""
        with pytest.raises(InvalidNameError):
            journal.append(name, [paused()], expected_version=ANY)

        assert 0 == journal.backend.head().position

    @pytest.mark.parametrize("meta", [{"a": float("nan")}, {"a": object()}, {"a": {1}}])
    def test_meta_is_json(self, journal: Journal, meta: Any) -> None:
        """What is known of an event's origin must be JSON."""
        with pytest.raises(InvalidEventError, match="meta"):
            journal.append("s", [NewEvent(event=paused(), meta=meta)], expected_version=ANY)

        assert 0 == journal.backend.head().position

    def test_a_naive_time_is_refused(self, journal: Journal) -> None:
        """When it happened needs a time zone."""
        new = NewEvent(event=paused(), occurred_at=datetime(2026, 1, 1))

        with pytest.raises(InvalidEventError, match="time zone"):
            journal.append("s", [new], expected_version=ANY)

    def test_a_long_text_that_is_no_unicode_is_refused(self, journal: Journal) -> None:
        """A lone surrogate is refused as such, short or long, in events and artifacts."""
        for text in ("\ud800", "\ud800" * 600):
            with pytest.raises(InvalidEventError):
                journal.append("s", [paused(text)], expected_version=ANY)
        with pytest.raises(InvalidInputError, match="UTF-8"):
            journal.put_artifact("\ud800")

        assert 0 == journal.backend.head().position


class UnrecognisedContract:
    """What nobody registered is kept."""

    def test_an_unknown_type_is_kept_and_verified(self, journal: Journal, log: Log) -> None:
        """An event of an absent plugin is read as it was written, and the chain covers it."""
        kept = UnrecognisedEvent("weather.changed", 3, '{"sky": "grey" }')
        journal.append("weather-1", [kept], expected_version=0)

        (recorded,) = journal.read_all()

        assert kept == recorded.event
        assert ("weather.changed", 3) == (recorded.type, recorded.schema)
        assert log.verify().is_clean

    def test_a_registered_class_reads_what_was_kept(self, backend: Backend) -> None:
        """Once its plugin is back, the stored event is read as its class."""

        @event("weather.changed")
        class WeatherChanged:
            sky: str

        Log(backend).append(
            "w", [UnrecognisedEvent("weather.changed", 1, '{"sky":"grey"}')], expected_version=0
        )
        log = Log(backend)
        journal_of(log).codec.register(WeatherChanged)

        assert [WeatherChanged(sky="grey")] == [r.event for r in log.read_all()]
