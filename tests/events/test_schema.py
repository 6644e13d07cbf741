"""Event classes: bare ones and those that attrs has made; what is stored of their defaults."""

import json

import attrs
import pytest

import autopack
from autopack import ANY, UnrecognisedEvent, hookimpl
from autopack.errors import InvalidEventError, StoredEventError
from autopack.plugins.discovery import load_plugins

MAKERS = {
    "frozen": attrs.frozen,
    "by keyword": attrs.frozen(kw_only=True),
    "with a dict": attrs.frozen(slots=False),
    "defined": attrs.define(frozen=True),
    "bare": lambda cls: cls,
}


def plugins_with(*classes):
    """Return the plugins with one more, which registers these event classes."""

    class Plugin:
        @hookimpl
        def autopack_register_events(self, register):
            for cls in classes:
                register(cls)

    registry = load_plugins(extra=[Plugin()])
    assert () == registry.infos[-1].faults
    return registry


def review(make, default=1):
    """Return an event class as *make* makes it, with this default."""

    @autopack.event("review.given")
    @make
    class Review:
        who: str
        marks: tuple[int, ...] = ()
        weight: int = default
        seen: dict[str, int] = attrs.Factory(lambda: {"times": default})

        @property
        def total(self):
            return self.weight * sum(self.marks)

    return Review


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
class TestMade:
    """However the class was made, its events are the same."""

    def test_it_is_recorded_and_read(self, log_path, make):
        """Fields, defaults and methods come back; a list for a tuple is one."""
        given = review(make)(who="kim", marks=[1, 2], weight=3)
        with autopack.open_log(log_path, plugins=plugins_with(type(given))) as log:
            log.append("reviews", [given], expected_version=0)
            (read,) = (recorded.event for recorded in log.read("reviews", types=[type(given)]))

        assert given == read
        assert ((1, 2), 9, {"times": 1}) == (read.marks, read.total, read.seen)

    def test_wrong_values_do_not_construct(self, make):
        """A value is of its field's type, and JSON through and through."""
        cls = review(make)
        for wrong in ({"weight": "1"}, {"marks": ["x"]}, {"seen": {"times": 2**70}}):
            with pytest.raises(InvalidEventError, match=r"review\.given"):
                cls(who="kim", **wrong)
        with pytest.raises(InvalidEventError):
            attrs.evolve(cls(who="kim"), weight=0.5)

    def test_it_cannot_be_changed(self, make):
        """An event is a fact."""
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            review(make)(who="kim").weight = 2

    def test_a_changed_default_does_not_change_the_past(self, log_path, make):
        """What an event meant when it was recorded is stored with it, its defaults too."""
        before, after = review(make, 1), review(make, 5)
        with autopack.open_log(log_path, plugins=plugins_with(before)) as log:
            log.append("reviews", [before(who="kim")], expected_version=ANY)
            stored = json.loads(next(log.read("reviews")).row[9])
        with autopack.open_log(log_path, plugins=plugins_with(after)) as log:
            log.append("reviews", [after(who="ann")], expected_version=ANY)
            read = [(r.event.weight, r.event.seen["times"]) for r in log.read("reviews")]

        assert {"who": "kim", "marks": [], "weight": 1, "seen": {"times": 1}} == stored
        assert [(1, 1), (5, 5)] == read


def test_the_librarys_own_defaults_are_left_out():
    """They are part of the format, so rows are small."""
    with autopack.create_log("memory:") as log:
        autopack.create_run(log, "r")

        assert {"run_id": "r"} == json.loads(next(log.read_all()).row[9])


def test_a_field_that_was_added_has_its_default_in_older_events(log_path):
    """A schema that only added a field needs no upcaster; one pins what older events mean."""

    @autopack.event("review.given", schema=2)
    class Review:
        who: str
        weight: int = 5

    old = UnrecognisedEvent("review.given", 1, '{"who":"kim"}')
    with autopack.open_log(log_path, plugins=plugins_with(Review)) as log:
        log.append("reviews", [old], expected_version=ANY)

        assert [5] == [recorded.event.weight for recorded in log.read("reviews")]


def test_ones_own_methods_after_making_are_called():
    """A class may check what types cannot say, before or after the types are looked at."""
    seen = []

    def told(self):
        seen.append(self.size)

    for make in MAKERS.values():
        cls = type("Sized", (), {"__annotations__": {"size": int}, "__attrs_post_init__": told})
        autopack.event("thing.sized")(make(cls))(size=5)

    assert len(MAKERS) * [5] == seen


def made_with(name, **how):
    """Return what makes a frozen class with one field."""
    return lambda _cls: attrs.make_class("Mine", {name: attrs.field(**how)}, frozen=True)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (attrs.define, "can be changed; use attrs.frozen"),
        (attrs.define(slots=False), "can be changed; use attrs.frozen"),
        (made_with("_size"), "'_size' is not given by that name"),
        (made_with("size", init=False, default=1), "'size' is not given by that name"),
        (
            made_with("size", default=attrs.Factory(lambda self: 1, takes_self=True)),
            "the default of 'size' is made of other fields",
        ),
    ],
)
def test_a_class_that_is_no_fact_is_refused(make, why):
    """One that can be changed, or that its stored fields alone cannot make again."""
    bare = type("Mine", (), {"__annotations__": {"size": int}})
    with pytest.raises(InvalidEventError, match=why):
        autopack.event("thing.sized")(make(bare))


def test_an_event_that_its_own_class_refuses_is_named_by_its_position(log_path):
    """A validator of a plugin's stops the view that needs the event, and says which it is."""

    @autopack.event("wind.blew")
    @attrs.frozen
    class Wind:
        knots: int = attrs.field(validator=attrs.validators.gt(0))

    with autopack.open_log(log_path, plugins=plugins_with(Wind)) as log:
        stored = [UnrecognisedEvent("wind.blew", 1, f'{{"knots":{n}}}') for n in (3, -1)]
        log.append("wind", stored, expected_version=0)

        with pytest.raises(StoredEventError, match=r"position 2.*'knots' must be > 0"):
            list(log.read("wind"))
        with pytest.raises(StoredEventError, match="position 2"):
            list(log.read_all())
