"""Free text is redacted, cut, and kept whole beside the log; a time without a zone is refused."""

from datetime import datetime

import pytest

from autopack.errors import InvalidEventError
from autopack.log.drafts import FREE_TEXT_MOST
from autopack.log.log import Log
from autopack.ports.log import ANY, NewEvent, UnrecognisedEvent
from autopack.testing.facts import failed, queued, usage
from autopack.values.ids import derived_id

ID = derived_id("test", "1", "fact")


def test_a_time_without_a_zone_is_refused_with_its_event(memory_log):
    """The error names the event and the field, and shows a time that would do."""
    new = NewEvent(event=usage(), occurred_at=datetime(2026, 1, 31, 12))
    with pytest.raises(InvalidEventError, match=r"occurred_at: .*no time zone.*12:00:00\+00:00"):
        memory_log.append("s", [new], expected_version=0)

    assert 0 == memory_log.head().position


class TestFreeText:
    """Free text is redacted and kept short."""

    def test_long_text_is_cut_and_kept_whole_beside_the_log(self, journal):
        """The event keeps the beginning and the digest under which the whole is stored."""
        whole = "é" * 3000
        (recorded,) = journal.append("s", [failed(message=whole)], expected_version=0)
        message = recorded.event.message
        digest = message.rpartition("artifact ")[2].rstrip("]")

        assert FREE_TEXT_MOST == len(message)
        assert message.startswith("é" * 400)
        assert whole == journal.get_artifact(digest)
        assert [recorded] == list(journal.read_all())

    def test_text_at_the_limit_is_left_alone(self, journal):
        """500 characters stay as they are."""
        (recorded,) = journal.append("s", [failed(message="x" * 500)], expected_version=0)

        assert "x" * 500 == recorded.event.message

    def test_free_text_is_redacted_before_it_is_stored(self, backend):
        """The secret reaches neither the event nor the artifact; a key is not touched."""
        log = Log(backend, redact=lambda text: text.replace("sk-1", "***"))
        short, long = log.append(
            "s",
            [failed("sk-1", message="key sk-1", code="sk-1"), failed(message="sk-1 " * 300)],
            expected_version=0,
        )
        digest = long.event.message.rpartition("artifact ")[2].rstrip("]")

        assert ("key ***", "***") == (short.event.message, short.event.code)
        assert "sk-1" == short.event.phase_id
        assert "*** " * 300 == log.artifacts.get(digest)
        assert "***" == log.artifacts.get(log.artifacts.put("sk-1"))

    def test_a_reason_that_is_redacted_whole_is_still_one(self, backend):
        """A reason is never empty, also when all of it was secret."""
        log = Log(backend, redact=lambda _text: "")
        (recorded,) = log.append("s", [failed(message="sk-1")], expected_version=0)

        assert "(redacted)" == recorded.event.message

    def test_a_repeat_of_a_long_text_is_the_same_fact(self, journal):
        """Cutting gives the same content each time, so a repeat is recognised."""
        new = NewEvent(event=failed(message="y" * 900), event_id=ID)
        first = journal.append("s", [new], expected_version=0)

        assert first == journal.append("s", [new], expected_version=0)

    def test_names_are_not_cut(self, journal):
        """Only free text is."""
        (recorded,) = journal.append("s", [usage("c" * 900)], expected_version=0)

        assert "c" * 900 == recorded.event.call_id


class TestNesting:
    """What is nested without end is refused before a stack is at its own."""

    def test_a_payload_that_holds_itself_is_refused(self):
        """So is meta, and what is in itself a million times."""
        deep = []
        deep.append(deep)
        many = ["ha"]
        for _level in range(9):
            many = [many] * 10
        for payload, why in ((deep, "nested more than 100 deep"), (many, "over 1,000,000 values")):
            with pytest.raises(InvalidEventError, match=f"payload.*{why}"):
                queued(payload=payload)

    @pytest.mark.parametrize("depth", [120, 5_000])
    @pytest.mark.parametrize("hook", [None, lambda text: text])
    def test_nor_is_it_taken_as_text(self, backend, depth, hook):
        """As an import may bring it, of a type that nobody registered, with and without a hook."""
        log = Log(backend, redact=hook)
        data = '{"a":' + "[" * depth + "]" * depth + "}"
        with pytest.raises(InvalidEventError, match="nested more than 100 deep"):
            log.append("s", [UnrecognisedEvent("nobody.knows", 1, data)], expected_version=ANY)

        assert 0 == log.head().position
