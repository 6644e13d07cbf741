"""A plugin's events are held to what was stored; each way to break that is found."""

from contextlib import suppress
from typing import Literal

import attrs
import pytest

import autopack
from autopack import ANY, hookimpl
from autopack.errors import StoredEventError
from autopack.testing.events import EventContract


def reviews(fields, *, schema=1, upcasters=None):
    """Return a plugin that has the event ``review.given`` with these fields."""
    made = {name: kind if isinstance(kind, tuple) else (kind,) for name, kind in fields.items()}
    hints = {name: kind[0] for name, kind in made.items()}
    defaults = {name: kind[1] for name, kind in made.items() if len(kind) == 2}
    bare = type("Review", (), {"__annotations__": hints, **defaults})
    review = autopack.event("review.given", schema=schema)(bare)

    class Plugin:
        @hookimpl
        def autopack_register_events(self, register):
            register(review, upcasters=upcasters or {})

    plugin = Plugin()
    plugin.review = review
    return plugin


def suite(plugin, file):
    """Return the suite of a plugin whose format is pinned in a file."""
    made = type("TestReviews", (EventContract,), {"make": lambda _: plugin, "pin": lambda _: file})
    return made()


def broken(plugin, file):
    """Return the tests of the format that fail, in their order."""
    found, made = [], suite(plugin, file)
    for name in (
        "test_no_field_is_lost_or_changed",
        "test_what_was_stored_says_what_it_said",
        "test_its_format_is_pinned",
    ):
        try:
            getattr(made, name)()
        except pytest.skip.Exception:
            continue
        except AssertionError as fault:
            found.append(str(fault).splitlines()[0])
    return found


FIRST = {"who": str, "stars": int, "how": Literal["kind", "harsh"], "weight": (int, 1)}
"""The fields that were released first."""


def but(**changed):
    """Return the first fields with some changed; None takes one away."""
    return {name: kind for name, kind in {**FIRST, **changed}.items() if kind is not None}


@pytest.fixture
def released(tmp_path):
    """Return a log with events of the first version, and the pin that was released with it."""
    pin, path = tmp_path / "format.txt", tmp_path / "log.db"
    plugin = reviews(FIRST)
    assert 1 == len(broken(plugin, pin)), "the pin is written, and said to be new"
    assert [] == broken(plugin, pin)
    with autopack.create_log(path, plugins=autopack.load_plugins(extra=[plugin])) as log:
        given = [plugin.review(who="kim", stars=4, how=how) for how in ("kind", "harsh")]
        log.append("reviews", given, expected_version=ANY)
    return path, pin


def read(path, plugin):
    """Return what the stored events are to a version of the plugin."""
    with autopack.open_log(path, plugins=autopack.load_plugins(extra=[plugin])) as log:
        return [attrs.asdict(recorded.event) for recorded in log.read("reviews")]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (but(weight=(int, 5)), "the default of 'weight' was 1, and is 5"),
        (but(stars=None, score=int), "field 'stars' is gone, or renamed"),
        (but(stars=None), "field 'stars' is gone, or renamed"),
        (but(stars=str), "field 'stars' was int, and is str"),
        (but(place=str), "the new field 'place' has no default"),
        (but(how=Literal["kind"]), "field 'how' was one of kind, harsh, and is one of kind"),
    ],
)
@pytest.mark.parametrize("schema", [1, 2])
def test_a_change_without_an_upcaster_is_refused_or_says_what_it_said(
    fields, told, schema, released
):
    """The pin names it before it is released; a log never reads it as something else."""
    path, pin = released
    plugin = reviews(fields, schema=schema)

    assert any(told in one for one in broken(plugin, pin))
    found = []
    with suppress(StoredEventError):
        found = read(path, plugin)

    assert [] == [one for one in found if one["weight"] != 1]
    assert bool(found) == ("weight" in told)


@pytest.mark.parametrize(
    ("fields", "step", "now"),
    [
        (but(weight=(int, 5)), lambda f: f, {"weight": 1}),
        (but(stars=None, score=int), lambda f: {"score": f.pop("stars"), **f}, {"score": 4}),
        (but(stars=None), lambda f: {k: v for k, v in f.items() if k != "stars"}, {"who": "kim"}),
        (but(stars=str), lambda f: {**f, "stars": "*" * f["stars"]}, {"stars": "****"}),
        (but(place=str), lambda f: {**f, "place": "?"}, {"place": "?"}),
        (but(how=Literal["kind"]), lambda f: {**f, "how": "kind"}, {"how": "kind"}),
    ],
)
def test_an_upcaster_brings_what_was_stored_to_today(fields, step, now, released):
    """The pin takes it, once it was kept; the log reads it, and its bytes are as they were."""
    path, pin = released
    plugin = reviews(fields, schema=2, upcasters={1: step})

    assert 1 == len(broken(plugin, pin))
    assert [] == broken(plugin, pin)
    assert all(one.items() >= now.items() for one in read(path, plugin))


def test_an_upcaster_that_forgets_a_value_is_found(released):
    """Each choice that could be stored is among the examples."""
    _path, pin = released
    plugin = reviews(
        but(how=None, kind=bool),
        schema=2,
        upcasters={1: lambda f: {"kind": {"kind": True}[f.pop("how")], **f}},
    )

    assert any("'harsh'" in one for one in broken(plugin, pin))


def test_a_default_that_was_read_once_stays(tmp_path):
    """A field that was added with a default keeps it for what was stored before it."""
    pin = tmp_path / "format.txt"
    for plugin in (reviews({"who": str}), reviews({"who": str, "weight": (int, 1)}, schema=2)):
        broken(plugin, pin)
        assert [] == broken(plugin, pin)
    forgetful = reviews({"who": str, "weight": (int, 5)}, schema=3, upcasters={2: lambda f: f})
    mindful = reviews(
        {"who": str, "weight": (int, 5)}, schema=3, upcasters={2: lambda f: {"weight": 1, **f}}
    )

    assert "it no longer does: weight: 1 became 5" in broken(forgetful, pin)[0]
    assert 1 == len(broken(mindful, pin))
    assert [] == broken(mindful, pin)


def test_a_plugin_that_keeps_all_passes_its_suite(tmp_path):
    """With nullable, nested and bounded fields, and checks of its own."""
    fields = {
        "who": str,
        "stars": (int | None, None),
        "parts": (tuple[str, ...], ()),
        "more": (dict[str, float], attrs.Factory(dict)),
        "how": (Literal["kind", "harsh"], "kind"),
    }
    made = suite(reviews(fields), tmp_path / "format.txt")
    with pytest.raises(AssertionError, match="keep it with the code"):
        made.test_its_format_is_pinned()

    for name in [name for name in dir(made) if name.startswith("test_")]:
        getattr(made, name)()


def test_what_registers_nothing_or_fails_is_said(tmp_path):
    """Not each test by another error."""

    class Broken:
        @hookimpl
        def autopack_register_events(self, register):
            register(int)

    class Empty:
        pass

    with pytest.raises(AssertionError, match="not made with @event"):
        suite(Broken(), tmp_path / "format.txt").test_it_registers_events()
    with pytest.raises(AssertionError, match="registers no event"):
        suite(Empty(), tmp_path / "format.txt").test_it_registers_events()
