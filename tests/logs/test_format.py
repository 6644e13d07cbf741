"""What the library's events are called, hold and leave out is pinned: logs outlive the code."""

from typing import Literal

import attrs
import pytest
from tests.logs import format as pinned
from tests.logs.format import AGAIN, FILE, RULES, as_text, broken, read, todays

from autopack import event
from autopack.events.schema import ReasonText
from autopack.testing.event_shapes import Shape, shape_of

THEN = {"door.opened": Shape(2, {"by": ("str", None), "wide": ("bool", "False")})}


def changed(schema=2, name="door.opened", **fields):
    """Return the shapes after a change of fields; None takes one away."""
    given = {**THEN["door.opened"].fields, **fields}
    return {name: Shape(schema, {k: v for k, v in given.items() if v is not None})}


def test_no_stored_log_is_broken():
    """Every event and field that was ever pinned is as it was, and new ones keep the rules."""
    faults = broken(read(FILE.read_text(encoding="utf-8")), todays())

    assert [] == faults, "\n".join([*faults, "", RULES])


def test_the_pinned_format_is_todays():
    """What is new is pinned too, from its first release on."""
    told = f"{FILE.name} lacks what is new. Write it again: {AGAIN}"

    assert as_text(todays()) == FILE.read_text(encoding="utf-8"), told


def test_what_is_written_is_read_back():
    """The file says all that is compared."""
    assert todays() == read(as_text(todays()))


def test_a_shape_has_type_and_default_in_full():
    """Limits, choices and nested types are spelled out, however they were written down."""

    @event("thing.happened", schema=3)
    class Thing:
        why: ReasonText
        kind: Literal["a", "b"] = "a"
        parts: tuple[dict[str, int], ...] = ()
        more: dict[str, float] | None = None
        rest: dict[str, int] = attrs.Factory(dict)

    assert Shape(
        3,
        {
            "why": ("str(min_length=1, free text)", None),
            "kind": ("one of a, b", "'a'"),
            "parts": ("tuple[dict[str, int], ...]", "()"),
            "more": ("dict[str, float] | None", "None"),
            "rest": ("dict[str, int]", "{}"),
        },
    ) == shape_of(Thing)


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ({}, ["event door.opened is gone, or renamed"]),
        (changed(by=None), ["door.opened: field 'by' is gone, or renamed"]),
        (changed(by=("int", None)), ["field 'by' was str, and is int"]),
        (changed(wide=("bool", "True")), ["the default of 'wide' was False, and is True"]),
        (changed(wide=("bool", None)), ["the default of 'wide' was False, and is absent"]),
        (changed(3, how=("str", None)), ["the new field 'how' has no default"]),
        (changed(how=("str", "''")), ["how is new; raise the schema from 2 to 3"]),
        (changed(1), ["the schema was 2, and is 1"]),
        (changed(how=("str", None)), ["'how' has no default", "how is new; raise the schema"]),
    ],
)
def test_what_would_break_a_stored_log_is_named(now, told):
    """Each broken rule is said, with the names and values."""
    faults = broken(THEN, now)

    assert len(told) == len(faults)
    assert all(part in fault for part, fault in zip(told, faults, strict=True)), faults


@pytest.mark.parametrize(
    "now",
    [
        THEN,
        changed(3, how=("str", "''")),
        changed(3),
        {**THEN, "door.shut": Shape(1, {"by": ("str", None)})},
    ],
)
def test_what_adds_to_the_format_breaks_nothing(now):
    """A field with a default at a higher schema, a step of upcasting, and a new event."""
    assert [] == broken(THEN, now)


def test_a_broken_rule_is_not_written_over(tmp_path, monkeypatch, capsys):
    """The command refuses, says the rules, and leaves the file; what only adds is written."""
    file = tmp_path / "format.txt"
    monkeypatch.setattr(pinned, "FILE", file)
    gone = f"{as_text(todays())}\nthing.gone schema 1\n    by: str\n"
    file.write_text(gone, encoding="utf-8")
    refused = pinned.main()
    said = capsys.readouterr().err
    kept = file.read_text(encoding="utf-8")
    file.write_text("", encoding="utf-8")

    assert (2, gone) == (refused, kept)
    assert "event thing.gone is gone, or renamed" in said
    assert RULES in said
    assert 0 == pinned.main()
    assert as_text(todays()) == file.read_text(encoding="utf-8")
