"""The short ways to and from the log give what the long ways give, errors included."""

from types import MappingProxyType

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.errors import InvalidEventError, StoredEventError
from autopack.events import CORE_EVENTS, LlmUsageRecorded, PhaseStarted, RunCreated, event
from autopack.events.schema import checks_alone, stored_value
from autopack.format.codec import Codec
from autopack.format.event_types import EventType
from autopack.testing.facts import queued, usage
from autopack.testing.generators import core_events, json_values

CODEC = Codec()


def _long_way(kind, data):
    """Decode by msgspec's twin and make the event by its class, as one would by hand."""
    try:
        twin = msgspec.json.Decoder(kind.mirror, dec_hook=stored_value).decode(data)
        return kind.cls(**msgspec.structs.asdict(twin))
    except (msgspec.MsgspecError, UnicodeError) as fault:
        return str(fault)
    except InvalidEventError as fault:
        return fault.why


def _short_ways(kind, data):
    """Return what a reader gets of the text: of its body, and of its row."""
    row = (7, bytes(16), "s", 1, kind.name, kind.schema, 0, 0, "", data, bytes(32))
    ways = (
        lambda: CODEC.decode(kind.name, kind.schema, data, 7),
        lambda: next(CODEC.decode_all([(7, kind.name, kind.schema, data)])),
        lambda: next(CODEC.decode_rows([row])).event,
    )
    for way in ways:
        try:
            yield way()
        except StoredEventError as fault:
            yield fault.why if (kind.name, 7) == (fault.event_type, fault.position) else fault


@st.composite
def changed_texts(draw):
    """Return an event's kind, and its JSON text with a field lost, added or of another value."""
    fact = draw(core_events)
    kind = CODEC.kind_of(type(fact))
    fields = msgspec.json.decode(kind.write(fact))
    names = [field.name for field in attrs.fields(kind.cls)]
    name = draw(st.sampled_from([*names, "colour", ""]))
    match draw(st.sampled_from(["lose", "change", "cut", "keep"])):
        case "lose":
            fields.pop(name, None)
        case "change":
            fields[name] = draw(json_values)
        case "cut":
            text = msgspec.json.encode(fields).decode()
            return kind, text[: draw(st.integers(0, len(text)))]
    return kind, msgspec.json.encode(fields).decode()


@given(changed_texts())
def test_what_is_read_does_not_depend_on_the_way(changed):
    """Every text of an event, whole or damaged, is the same event or the same error each way."""
    kind, data = changed
    expected = _long_way(kind, data)

    for found in _short_ways(kind, data):
        assert expected == found
        assert type(expected) is type(found)


@given(core_events)
def test_what_is_written_does_not_depend_on_the_way(fact):
    """An event's text is the same, whether its values are looked at once more or not."""
    kind = CODEC.kind_of(type(fact))

    assert kind.write_checked(fact) == kind.write(fact)


@given(core_events)
def test_a_read_event_is_as_frozen_as_a_made_one(fact):
    """It is of the same class, equal, of the same hash, and cannot be changed."""
    read = CODEC.decode(*CODEC.encode(fact), 1)
    name = attrs.fields(type(fact))[0].name

    assert type(fact) is type(read)
    assert attrs.asdict(fact) == attrs.asdict(read)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(read, name, "other")


def test_the_librarys_own_events_take_the_short_ways():
    """None of them checks more than its types say, or has room for more than its fields."""
    kinds = [CODEC.kind_of(cls) for cls in CORE_EVENTS]

    assert [] == [cls for cls in CORE_EVENTS if not checks_alone(cls)]
    assert [] == [kind.name for kind in kinds if kind.build == kind.construct]
    assert [] == [kind.name for kind in kinds if kind.write == kind.write_checked]


@pytest.mark.parametrize(
    ("made", "put"),
    [
        (lambda: queued(payload={"a": 1.0}), lambda e: e.payload.update(a=float("nan"))),
        (lambda: queued(payload={"a": [1]}), lambda e: e.payload["a"].append({2})),
        (lambda: queued(labels={"a": "b"}), lambda e: e.labels.update(a=3)),
        (lambda: RunCreated(run_id="r"), lambda e: e.settings.update(a=2**63)),
        (lambda: usage("c"), lambda e: e.source_fields.update({3: 1})),
    ],
)
def test_a_table_that_was_changed_since_is_checked_again(made, put):
    """What an event's own tables were made to hold after it was made is refused by name."""
    fact = made()
    put(fact)

    with pytest.raises(InvalidEventError):
        CODEC.encode(fact)


def test_a_whole_number_of_seconds_is_stored_as_it_is_read():
    """3 where a fraction may stand is 3.0 in the log, as it will be when it is read."""
    assert '"duration_s":3.0' in CODEC.encode(LlmUsageRecorded(call_id="c", duration_s=3))[2]


def test_a_mapping_that_is_no_dict_is_stored_as_one():
    """A view of a table is a table in the log."""
    fact = RunCreated(run_id="r", labels=MappingProxyType({"a": "b"}))

    assert {"a": "b"} == CODEC.decode(*CODEC.encode(fact), 1).labels


class TestOtherClasses:
    """Classes that are made in a way of their own are made by their constructor."""

    def _read(self, cls, data):
        kind = EventType(cls=cls, name="wind.blew", schema=1, upcasters={})
        codec = Codec(())
        codec.register(kind.cls)
        return codec.decode("wind.blew", 1, data, 9)

    @pytest.mark.parametrize("fault", [ZeroDivisionError, RecursionError, SystemExit])
    def test_whatever_a_validator_raises_is_a_fault_of_the_event(self, fault):
        """One that would end the program stops who needs the event, and no more."""

        def refusing(_event, _field, _value):
            raise fault("no")

        @event("wind.blew")
        class Wind:
            knots: int = attrs.field(validator=refusing)

        with pytest.raises(StoredEventError, match="position 9"):
            self._read(Wind, '{"knots":1}')

    def test_a_validator_sees_what_is_read(self):
        """A stored value that it would not have made an event of is damage, by name."""

        @event("wind.blew")
        class Wind:
            knots: int = attrs.field(validator=attrs.validators.gt(0))

        with pytest.raises(StoredEventError, match=r"wind\.blew.*knots.*> 0") as refused:
            self._read(Wind, '{"knots":-1}')

        assert 9 == refused.value.position

    def test_a_check_of_the_classs_own_is_made(self):
        """What it raises, of any kind, is said with the event's type and position."""

        @event("wind.blew")
        class Wind:
            knots: int

            def __attrs_post_init__(self) -> None:
                raise KeyError("no such wind")

        with pytest.raises(StoredEventError, match=r"position 9.*KeyError.*no such wind"):
            self._read(Wind, '{"knots":1}')

    def test_a_converter_is_called(self):
        """It makes of the stored value what it made when the event was new."""

        @event("wind.blew")
        class Wind:
            name: str = attrs.field(converter=str.upper)

        assert "MISTRAL" == self._read(Wind, '{"name":"mistral"}').name

    @pytest.mark.parametrize("slots", [True, False])
    def test_a_subclass_is_made_whole(self, slots):
        """A class that stands on an event's has the fields of both."""

        @event("wind.blew")
        class Wind(PhaseStarted):
            knots: int

        Wind = attrs.frozen(kw_only=True, slots=slots)(type("Wind", (Wind,), {}))
        read = self._read(
            Wind, '{"run_id":"r","phase_id":"p","attempt":1,"lease_token":"t","knots":4}'
        )

        assert ("r", 4, Wind) == (read.run_id, read.knots, type(read))

    def test_a_class_with_room_of_its_own_is_made_whole(self):
        """One that keeps other things beside its fields is no less an event."""

        class Noted:
            note = "none"

        @event("wind.blew")
        class Wind(Noted):
            knots: int

        read = self._read(Wind, '{"knots":4}')
        object.__setattr__(read, "note", "strong")

        assert (4, "strong", Wind) == (read.knots, read.note, type(read))
