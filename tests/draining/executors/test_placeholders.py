"""Placeholders: what they stand for, and what is said where they stand for nothing."""

import contextlib
import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack import CommandExecutor
from autopack.draining.executors.placeholders import (
    NoValueError,
    Values,
    arguments,
    check,
    filled,
    prompt_of,
)
from autopack.errors import InvalidInputError
from autopack.ports.work import PhaseView


def values(**fields):
    phase = PhaseView(run_id="r", phase_id="p", order=0, **fields)
    settings = {"image": "py312", "deep": {"er": 1}}
    return Values(phase, SimpleNamespace(number=2, budget_tokens=900, settings=settings))


@pytest.mark.parametrize(
    ("text", "fields", "expected"),
    [
        ("{goal}", {"goal": "{run_id}"}, ["{run_id}"]),
        ("{goal}!", {"goal": "a"}, ["a!"]),
        ("{attempt}/{budget_tokens}", {}, ["2/900"]),
        ("{deliverables}", {"deliverables": ("a", "b")}, ["a", "b"]),
        ("{deliverables}", {}, []),
        ("-f={deliverables}", {"deliverables": ("a", "b")}, ["-f=a, b"]),
        ("{payload.a.b}", {"payload": {"a": {"b": 3}}}, ["3"]),
        ("{settings.image}", {}, ["py312"]),
        ("{settings.deep.er}", {}, ["1"]),
        ("{payload}", {"payload": {"a": 1}}, ['{"a": 1}']),
        ("{payload}", {"payload": ["x", 1]}, ["x", "1"]),
        ("{labels.team}", {"labels": {"team": "red"}}, ["red"]),
        ("{{goal}} {", {}, ["{goal} {"]),
        ('{"goal": 1}', {}, ['{"goal": 1}']),
        ("{timeout_s}", {"timeout_s": 5.0}, ["5.0"]),
    ],
)
def test_an_argument_is_expanded_once(text, fields, expected):
    """What was filled in is not looked at again."""
    assert expected == arguments([text], values(**fields))


@pytest.mark.parametrize(
    "text", ["{goal}", "{model}", "x{deliverables}", "{payload.a}", "{labels.x}", "{tier}"]
)
def test_a_needed_value_that_is_missing_is_named(text):
    """An optional group is left out, whole; anything else says what is missing."""
    with pytest.raises(NoValueError) as missing:
        arguments([text], values())

    assert missing.value.name in text
    assert ["a", "b"] == arguments(["a", ["--flag", text], "b"], values())


@given(st.text(max_size=40))
def test_ordinary_text_stays_as_it_is(text):
    """Text without braces is what it was, and any text is checked without a crash."""
    plain = text.replace("{", "").replace("}", "")

    assert plain == filled(plain, values())
    with contextlib.suppress(InvalidInputError):
        check({"stdin": text})


def test_a_prompt_holds_goal_and_deliverables():
    """Either is enough, without both there is none."""
    goal, files = {"goal": "do it"}, {"deliverables": ("a.py",)}

    assert "do it\n\nWrite:\n- a.py" == prompt_of(values(**goal, **files).phase)
    assert "do it" == prompt_of(values(**goal).phase)
    assert "Write:\n- a.py" == prompt_of(values(**files).phase)
    assert prompt_of(values().phase) is None


def test_a_phase_is_one_json_object():
    """Everything that was asked for, nothing of how it went."""
    told = json.loads(filled("{phase}", values(goal="g", payload={"k": [1]}, inputs={"i": "d"})))

    assert ("r", "p", "g", {"k": [1]}, {"i": "d"}) == (
        told["run_id"], told["phase_id"], told["goal"], told["payload"], told["inputs"],
    )  # fmt: skip
    assert "status" not in told


@pytest.mark.parametrize(
    "command",
    [
        ["bash", "-c", "agent '{goal}'"],
        ["/bin/sh", "-ec", "agent {payload.x}"],
        ["env", "A=1", "bash", "--norc", "-l", "-c", "agent {goal}"],
        ["timeout", "5", "sh", "-c", "--", "agent {goal}"],
        ["bash", ["-c", "agent {model}"]],
        ["fish", "--command=agent {goal}"],
    ],
)
def test_a_text_that_a_shell_reads_has_no_placeholder(command):
    """A goal is no program; the refusal says what to write instead."""
    with pytest.raises(InvalidInputError, match=r"an argument of its own"):
        CommandExecutor(command)


@pytest.mark.parametrize(
    "command",
    [
        ["bash", "-c", 'agent "$1"', "bash", "{goal}"],
        ["bash", "-c", 'agent "$AUTOPACK_GOAL"'],
        ["bash", "-c", "echo {{goal}} {a,b}"],
        ["bash", "run.sh", "-c", "{goal}"],
        ["python3", "-c", "print(1)", "{goal}"],
        ["agent", "bash", "{goal}"],
    ],
)
def test_what_a_shell_does_not_read_may_have_one(command):
    """Its arguments, its variables, a file's, and other programs' options."""
    assert CommandExecutor(command).settings["command"] == command


def test_the_refusal_names_the_variable():
    """Where there is one."""
    with pytest.raises(InvalidInputError, match=r'"\$AUTOPACK_GOAL"'):
        CommandExecutor(["bash", "-c", "agent {goal}"])
