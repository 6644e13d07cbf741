"""How checks are named: one program, one name, one table, or several of these."""

import pytest

from autopack import PhaseSpec
from autopack.errors import InvalidInputError
from autopack.ports.check_specs import CheckSpec, checks_of, tables_of

PYTEST = CheckSpec(name="pytest -q", run=("pytest", "-q"))
NAMED = CheckSpec(name="deliverables", use="deliverables")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (None, None),
        ([], ()),
        ((), ()),
        (["pytest", "-q"], (PYTEST,)),
        (("pytest", "-q"), (PYTEST,)),
        (["make"], (CheckSpec(name="make", run=("make",)),)),
        ("deliverables", (NAMED,)),
        ([["pytest", "-q"], "deliverables"], (PYTEST, NAMED)),
        ([["pytest", "-q"]], (PYTEST,)),
        ("my checks.py:works", (CheckSpec(name="my checks.py:works", use="my checks.py:works"),)),
        (
            {"name": "tests", "run": ["pytest"], "timeout_s": 5},
            (CheckSpec(name="tests", run=("pytest",), timeout_s=5.0),),
        ),
        (
            {"run": ["/usr/bin/pytest", "-q"]},
            (CheckSpec(name="pytest -q", run=("/usr/bin/pytest", "-q")),),
        ),
        (
            {"name": "json", "schema": {"type": "object"}, "output": "a"},
            (CheckSpec(
                name="json", use="json", options={"schema": {"type": "object"}, "output": "a"}
            ),),
        ),
        (
            [{"name": "shape", "use": "json"}, NAMED],
            (CheckSpec(name="shape", use="json"), NAMED),
        ),
    ],
)  # fmt: skip
def test_each_form_has_one_meaning(given, meant):
    """And what a log keeps of it means the same."""
    found = checks_of(given)
    kept = tables_of(found)

    assert meant == found
    assert meant == checks_of(None if kept is None else list(kept))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (5, "it is 5"),
        ("", "it is ''"),
        ("pytest -q", r'\["pytest", "-q"\]'),
        ([["a"], ["a"]], "Two checks are called 'a'"),
        ({"run": "pytest"}, "give a list of texts"),
        ({"name": 3}, "its name is 3"),
        ({}, "its name is None"),
        ({"name": "a", "run": ["x"], "timeout": 5}, "no 'timeout'. Did you mean 'timeout_s'"),
        ({"name": "a", "run": ["x"], "use": "json"}, "no 'use'"),
        ({"name": "a", "timeout_s": 0}, "timeout_s is 0"),
        ({"name": "a", "options": 1}, "options are no table"),
        ([1], "it is 1"),
        ([["a", 1]], "it runs"),
        ([""], "it runs"),
        ([[]], "it runs"),
        ([["a\0"]], "zero byte"),
    ],
)
def test_what_names_no_check_is_refused(given, says):
    """With what it is and what it should be."""
    with pytest.raises(InvalidInputError, match=says):
        checks_of(given)


def test_an_object_is_for_who_runs_it():
    """A log keeps names alone, so a phase cannot be queued with a function."""
    (found,) = checks_of(len, may_be_object=True)

    assert ("len", len) == (found.name, found.thing)
    with pytest.raises(InvalidInputError, match="the log cannot keep"):
        PhaseSpec("p", check=len)


def test_a_long_line_is_no_name():
    """A program's line is its check's name as far as people read it."""
    (found,) = checks_of(["sh", "-c", "one\n  two " * 40])

    assert 60 == len(found.name)
    assert "\n" not in found.name
    assert found.name.startswith("sh -c one two")
