"""Events to JSON text and back."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given

from autopack.errors import InvalidEventError, NewerEventError, StoredEventError
from autopack.events import (
    CORE_EVENTS,
    CalibrationProposed,
    LlmUsageRecorded,
    PhaseEstimated,
    PhaseFailed,
    PhaseRequeued,
    RunCreated,
    event,
)
from autopack.format.codec import Codec
from autopack.ports.log import UnrecognisedEvent
from autopack.testing.facts import paused, queued
from autopack.testing.generators import core_events

CODEC = Codec()


@given(core_events)
def test_every_core_event_comes_back_as_it_went(fact):
    """Decoding what was encoded gives an equal event of the same class."""
    type_name, schema, data = CODEC.encode(fact)

    assert fact == CODEC.decode(type_name, schema, data, 1)
    assert type(fact) is type(CODEC.decode(type_name, schema, data, 1))


@given(core_events)
def test_encoding_is_stable(fact):
    """What was decoded is encoded to the same text again."""
    type_name, schema, data = CODEC.encode(fact)

    assert (type_name, schema, data) == CODEC.encode(CODEC.decode(type_name, schema, data, 1))


def test_type_names_are_distinct_and_dotted():
    """Each core event has a name of its own in the log, and it is no import path."""
    names = [cls.TYPE for cls in CORE_EVENTS]

    assert len(names) == len(set(names))
    assert all(name.count(".") == 1 and name == name.lower() for name in names)
    assert tuple(sorted(names)) == CODEC.types()


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: LlmUsageRecorded(call_id="c", output_tokens="3"), "output_tokens"),
        (lambda: LlmUsageRecorded(call_id="c", output_tokens=True), "output_tokens"),
        (lambda: LlmUsageRecorded(call_id="c", output_tokens=-1), "output_tokens"),
        (lambda: LlmUsageRecorded(call_id="c", output_tokens=1.0), "output_tokens"),
        (lambda: LlmUsageRecorded(call_id="c", cost_usd=float("inf")), "cost_usd"),
        (lambda: LlmUsageRecorded(call_id="c", cost_usd=float("nan")), "cost_usd"),
        (lambda: LlmUsageRecorded(call_id="c", split="guessed"), "split"),
        (lambda: LlmUsageRecorded(call_id=3), "call_id"),
        (lambda: PhaseFailed(run_id="r", phase_id="p", code="", message="m"), "code"),
        (lambda: PhaseFailed(run_id="r", phase_id="p", code="c", message=""), "message"),
        (lambda: queued(deliverables=("a", 3)), "deliverables"),
        (lambda: queued(payload={"a": float("nan")}), "payload"),
        (lambda: queued(payload={"a": [1, {2: 3}]}), "payload"),
        (lambda: queued(payload={"a": {1, 2}}), "payload"),
        (lambda: queued(payload=2**63), "payload"),
        (lambda: queued(payload=(1, 2)), "payload"),
        (lambda: queued(payload=datetime(2026, 1, 1, tzinfo=UTC)), "payload"),
        (lambda: queued(payload=b"bytes"), "payload"),
        (lambda: RunCreated(run_id="r", settings={"a": (1, 2)}), "settings"),
        (lambda: RunCreated(run_id="r", caps={"usd": float("inf")}), "caps"),
        (
            lambda: CalibrationProposed(
                estimator="e",
                proposal_id="p",
                calibrator="c",
                estimator_version="1",
                logs=({"position": float("nan")},),
            ),
            "logs",
        ),
        (
            lambda: PhaseEstimated(
                run_id="r",
                phase_id="p",
                attempt=1,
                estimator="e",
                estimator_version="1",
                predicted_output_tokens=1,
                budget_tokens=1,
                tau=float("nan"),
            ),
            "tau",
        ),
        (
            lambda: PhaseRequeued(
                run_id="r", phase_id="p", by="b", why="w", not_before=datetime(2026, 1, 1)
            ),
            "not_before",
        ),
    ],
)
def test_wrong_values_do_not_construct(make, field):
    """A value that its field does not allow is refused when the event is made, by name."""
    with pytest.raises(InvalidEventError) as refused:
        make()

    assert field in str(refused.value)


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ('{"run_id":"r","why":"w","actor":"a","colour":"red"}', "colour"),
        ('{"run_id":"r","why":"w"}', "actor"),
        ('{"run_id":3,"why":"w","actor":"a"}', "run_id"),
        ('{"run_id":"r","why":"","actor":"a"}', "why"),
        ('["r"]', "array"),
        ("{", "truncated"),
    ],
)
def test_stored_fields_that_do_not_fit_are_named_with_their_position(data, named):
    """A stored event with an unknown, missing or wrong field stops with field and position."""
    with pytest.raises(StoredEventError) as refused:
        CODEC.decode("run.paused", 1, data, 17)

    assert named in str(refused.value)
    assert refused.value.position == 17
    assert refused.value.event_type == "run.paused"


def test_a_number_in_quotes_is_no_number():
    """The text "3" is not read as 3, and true is not read as 1."""
    for wrong in ('"3"', "true", "3.5"):
        with pytest.raises(StoredEventError, match="output_tokens"):
            CODEC.decode("llm.usage_recorded", 1, f'{{"call_id":"c","output_tokens":{wrong}}}', 1)


def test_a_stored_naive_time_is_refused():
    """A time without a zone is not read as if it were UTC."""
    data = '{"run_id":"r","why":"w","not_before":"2026-01-01T00:00:00"}'

    with pytest.raises(StoredEventError, match="not_before"):
        CODEC.decode("run.reopened", 1, data, 1)


def test_a_newer_schema_asks_for_an_upgrade():
    """A schema above the known one names type, both schemas and position."""
    with pytest.raises(NewerEventError) as refused:
        CODEC.decode("run.paused", 2, "{}", 9)

    assert ("run.paused", 2, 1, 9) == (
        refused.value.event_type,
        refused.value.found,
        refused.value.known,
        refused.value.position,
    )
    assert "Upgrade" in str(refused.value)


@pytest.mark.parametrize("schema", [0, -1, -(2**63)])
def test_a_schema_below_the_first_is_damage(schema):
    """A number that no version wrote is refused at once, however many steps away it is."""
    with pytest.raises(StoredEventError, match="the first is 1"):
        CODEC.decode("run.paused", schema, "{}", 17)


@pytest.mark.parametrize("data", ["[" * 100_000, '{"run_id":' + "[" * 100_000])
def test_data_that_is_nested_without_end_is_damage(data):
    """A stored text that would exhaust the reader is an error with its position."""
    with pytest.raises(StoredEventError) as refused:
        CODEC.decode("run.paused", 1, data, 17)

    assert refused.value.position == 17


def test_an_unknown_type_is_kept_as_it_is():
    """An event whose type nobody registered is encoded to the very text it came with."""
    kept = CODEC.decode("weather.changed", 4, '{ "sky" : "grey" }', 3)

    assert UnrecognisedEvent("weather.changed", 4, '{ "sky" : "grey" }') == kept
    assert ("weather.changed", 4, '{ "sky" : "grey" }') == CODEC.encode(kept)


def test_an_unregistered_class_is_refused():
    """An event class that the codec does not know cannot be encoded; the way out is named."""

    @event("weather.changed")
    class WeatherChanged:
        sky: str

    with pytest.raises(InvalidEventError, match="not registered"):
        CODEC.encode(WeatherChanged(sky="grey"))


def test_a_taken_type_name_is_refused():
    """Two classes cannot share one name in the log."""

    @event("run.paused")
    class Impostor:
        sky: str

    with pytest.raises(InvalidEventError, match="taken by RunPaused"):
        Codec().register(Impostor)


def test_a_plain_class_is_refused():
    """Only classes made with the decorator can be registered."""
    with pytest.raises(InvalidEventError, match="@event"):
        Codec().register(dict)


def test_defaults_are_left_out():
    """Fields at their default take no room in the log."""
    _type, _schema, data = CODEC.encode(LlmUsageRecorded(call_id="c", output_tokens=3))

    assert {"call_id": "c", "output_tokens": 3} == msgspec.json.decode(data)


def test_texts_that_are_no_unicode_are_refused():
    """A lone surrogate has no UTF-8 form, so the event is refused rather than changed."""
    with pytest.raises(InvalidEventError):
        CODEC.encode(paused("\ud800"))
