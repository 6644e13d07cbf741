"""Events compare, hash and show as attrs would have them do, and as their fields are marked."""

import inspect

import attrs
import pytest

import autopack
from autopack import events
from autopack.events.event_methods import EVENT_METHODS

_OWN = [made for _, made in inspect.getmembers(events, inspect.isclass) if hasattr(made, "TYPE")]


def marked():
    """Return two classes with the same marked fields: an event, and what attrs makes of them."""

    def fields(cls):
        cls.__annotations__ = {"who": str, "near": str, "aside": str, "secret": str}
        cls.near = attrs.field(eq=str.lower, default="")
        cls.aside = attrs.field(eq=False, default="")
        cls.secret = attrs.field(repr=lambda _text: "***", default="")
        return cls

    ours = autopack.event("test.marked")(fields(type("Marked", (), {})))
    return ours, attrs.frozen(kw_only=True)(fields(type("Marked", (), {})))


@pytest.mark.parametrize("made", _OWN, ids=lambda made: made.__name__)
def test_no_event_class_has_methods_of_its_own(made):
    """Each of the library's events has the shared methods: none is compiled for it."""
    assert EVENT_METHODS == {name: vars(made)[name] for name in EVENT_METHODS}


def test_equal_events_are_equal_and_hash_alike():
    """Two events of the same fields are one in a set; another class or value is another."""
    one, same = (events.RunReopened(run_id="r", why="more") for _ in range(2))
    other = attrs.evolve(one, why="less")

    assert one == same
    assert {one} == {one, same}
    assert one != other
    assert one != marked()[0](who="r")
    assert "RunReopened(run_id='r', why='more', not_before=None)" == repr(one)


def test_an_event_with_a_table_has_no_hash():
    """What holds a table cannot be an item of a set, as with attrs."""
    event = events.PhaseEstimated(
        run_id="r", phase_id="p", attempt=1, estimator="e", estimator_version="1",
        predicted_output_tokens=1, budget_tokens=1,
    )  # fmt: skip

    with pytest.raises(TypeError, match="unhashable type"):
        hash(event)


@pytest.mark.parametrize("same", [{"near": "A"}, {"aside": "x"}, {"secret": "s"}, {"who": "u"}])
def test_marked_fields_count_as_attrs_has_them(same):
    """What ``attrs.field`` says of comparing, hashing and showing holds for an event too."""
    ours, theirs = marked()
    before, after = ({"who": "w", "near": "a"}, {"who": "w", "near": "a", **same})
    mine, plain = ((made(**before), made(**after)) for made in (ours, theirs))

    assert (plain[0] == plain[1]) is (mine[0] == mine[1])
    assert [repr(one) for one in plain] == [repr(one) for one in mine]
    if mine[0] == mine[1]:
        assert hash(plain[0]) == hash(plain[1])


def test_methods_that_a_class_has_are_kept():
    """A plugin's own way to compare, and to have no hash with it, stays."""

    @autopack.event("test.own")
    class Own:
        name: str

        def __eq__(self, other):
            return True

    assert Own(name="a") == Own(name="b")
    assert Own.__hash__ is None
    assert "Own(name='a')" in repr(Own(name="a"))
