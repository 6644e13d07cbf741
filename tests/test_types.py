"""What public calls take and give back can be imported from one place, whatever is asked of it."""

import importlib
import inspect
import types as stdlib
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

import attrs
import pytest

import autopack
from autopack import types
from autopack.log import journal

ELSEWHERE = ("autopack.events", "autopack.errors")
"""Public modules of their own; what only a field tells is not asked of anybody."""
MACHINERY = {
    "AnyVersion", "Codec", "Draft", "Drafter", "EventType", "Journal", "JournalTransaction", "Pool",
}  # fmt: skip
"""What a log and a registry are made of; nobody makes or is handed one."""
KNOWN = {name: getattr(types, name) for name in types.__all__}
NAMES = {**vars(journal), **KNOWN}
"""In which annotations are looked up that stand as texts."""


def classes_in(hint):
    """Yield the library's classes in an annotation, also those that it is made of."""
    if inspect.isclass(hint) and not isinstance(hint, stdlib.GenericAlias):
        yield hint
    if inspect.isclass(origin := get_origin(hint)):
        yield origin
    for part in get_args(hint):
        for one in part if isinstance(part, list) else [part]:
            yield from classes_in(one)


def parts_of(thing):
    """Yield a function, or a class's public methods and properties."""
    if not inspect.isclass(thing):
        yield thing
        return
    for name, part in vars(thing).items():
        function = part.fget if isinstance(part, property) else getattr(part, "__func__", part)
        is_made = name == "__init__" and not attrs.has(thing)
        if inspect.isfunction(function) and (is_made or not name.startswith("_")):
            yield inspect.unwrap(function)


def told_by(thing):
    """Yield the library's classes that a public name's signatures and fields tell of."""
    hints = list(get_type_hints(thing, localns=NAMES).items()) if inspect.isclass(thing) else []
    for part in parts_of(thing):
        if part.__module__.startswith("autopack"):
            hints += get_type_hints(part, localns=NAMES).items()
    for name, hint in hints:
        if not name.startswith("_"):
            yield from (c for c in classes_in(hint) if c.__module__.startswith("autopack."))


def test_whatever_a_call_takes_or_gives_can_be_imported():
    """From ``autopack.types``, and so can what that is made of, down to the last row."""
    names = [n for n in autopack.__all__ if callable(getattr(autopack, n))]
    ahead, seen = [getattr(autopack, name) for name in names], set()
    while ahead:
        for found in told_by(ahead.pop()):
            if found not in seen and not found.__module__.startswith(ELSEWHERE):
                seen.add(found)
                ahead.append(found)
    reached = {one.__name__ for one in seen} - MACHINERY

    assert {"Status", "Estimate", "Part", "ViewAt", "OwnAttempt", "Fault", "Plan"} <= reached
    assert set() == {name for name in reached if name not in KNOWN}
    assert set() == {one for one in seen if one.__name__ in KNOWN and KNOWN[one.__name__] != one}


def test_a_name_means_the_same_in_both_places():
    """What ``autopack`` has of them too is no other class."""
    both = set(types.__all__) & set(autopack.__all__)

    assert {"Attempt", "DrainReport", "PhaseView", "Recorded"} <= both
    assert [] == [name for name in both if getattr(types, name) is not getattr(autopack, name)]


@pytest.mark.parametrize("module", [autopack, types])
class TestNames:
    """Each public name stands in one line of its module, which is all there is of it."""

    def test_each_name_is_listed_once_and_in_order(self, module):
        """As type checkers need it to pass it on; nothing else is repeated anywhere."""
        source = Path(module.__file__).read_text(encoding="utf-8")
        lines = [line for line in source.splitlines() if line.startswith("    from autopack.")]
        names = [line.split()[3] for line in lines]

        assert [f"    from {module._HOMES[n]} import {n} as {n}" for n in names] == lines
        assert names == [name for name in module.__all__ if name != "__version__"]
        assert len(names) == len(set(names))

    def test_each_name_is_a_value_of_its_home(self, module):
        """Loaded when it is asked for, and kept."""
        for name, home in module._HOMES.items():
            assert getattr(importlib.import_module(home), name) is getattr(module, name)
            assert name in vars(module)
            assert name in dir(module)

    def test_an_unknown_name_is_an_attribute_error(self, module):
        """As of any module."""
        with pytest.raises(AttributeError, match=rf"{module.__name__}' has no attribute 'nothing'"):
            _ = module.nothing
