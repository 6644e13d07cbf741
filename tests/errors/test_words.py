"""What to do is said as a function in Python, and as a command where a command was typed."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import autopack
from autopack.errors import LogDamagedError, MoveRefusedError, StoredEventError, UnknownNameError

SOURCE = Path(autopack.__file__).parent
COMMAND = re.compile(r"(?<![\w-])--[a-z][a-z-]+|\bautopack (?!to\b|reads\b)[a-z]+\b")
PYTHON = re.compile(r"\b[A-Za-z_]{3,}\(|\b[a-z_]+=(?:True|False|\[)")
BY_A_COMMAND_ALONE = {"exchange/run_files.py"}
"""A file that only a command writes is named by that command."""
BY_CODE_ALONE = {
    "amend_usage", "PhaseSpec", "Escalation", "record_usage", "escalated", "read_prices",
    "execute", "set_caps", "event", "replace", "astimezone", "project", "key", "Drain", "commit",
    "rollback", "executescript", "Prediction",
}  # fmt: skip
"""What only somebody who writes Python can be told about: no command leads there."""


def texts(node: ast.AST) -> str:
    """Return what an expression says, without its values."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(texts(part) or "X" for part in parts)
        case ast.BinOp(left=left, right=right):
            return texts(left) + texts(right)
        case ast.IfExp(body=body, orelse=other):
            return f"{texts(body)} | {texts(other)}"
    return ""


def messages() -> Iterator[tuple[str, str, str, bool]]:
    """Yield each text of an error: its place, its part, itself, and whether it has two forms."""
    for path in sorted(SOURCE.rglob("*.py")):
        place = path.relative_to(SOURCE)
        if place.parts[0] in ("cli", "testing"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _is_error(node.func):
                parts = {"message": "".join(map(texts, node.args))}
                parts |= {one.arg: texts(one.value) for one in node.keywords if one.arg}
                for part in ("message", "do", "typed"):
                    yield str(place), part, parts.get(part, ""), "typed" in parts


def _is_error(called: ast.expr) -> bool:
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name.endswith("Error") or name == "__init__"


def test_no_error_names_a_command_to_who_calls_a_function():
    """Options and commands stand in what is said to who typed one."""
    found = [
        (place, text)
        for place, part, text, _has_both in messages()
        if part != "typed" and COMMAND.search(text) and place not in BY_A_COMMAND_ALONE
    ]

    assert [] == found


def test_no_error_names_a_function_to_who_typed_a_command():
    """Unless no command leads there."""
    found = [
        (place, text)
        for place, part, text, has_both in messages()
        if (part == "typed" or not has_both or part == "message")
        for called in PYTHON.findall(text)
        if called.rstrip("(") not in BY_CODE_ALONE
    ]

    assert [] == found


@pytest.mark.parametrize(
    ("error", "said", "typed"),
    [
        (UnknownNameError("strategy", "x", []), "load_plugins().infos", "autopack plugins"),
        (LogDamagedError("w.db", "torn"), "log.verify()", "autopack log verify"),
        (
            StoredEventError("a.b", position=7, why="odd"),
            "log.read_all(after=6)", "autopack log tail --after 6",
        ),
        (
            MoveRefusedError("r/p", state="DONE", to="QUEUED", what="requeued"),
            "history(log, run, phase)", "autopack history r/p",
        ),
    ],
)  # fmt: skip
def test_each_is_told_in_its_own_words(error, said, typed):
    """The same fact, and another thing to do."""
    assert str(error).endswith(said)
    assert error.typed.endswith(typed)
    assert typed not in str(error)


def test_what_else_there_is_to_do_follows():
    """Where a move says more than why."""
    error = MoveRefusedError("r/p", state="DONE", to="X", what="y", do="Try a().", typed="Try --a.")

    assert str(error).endswith("history(log, run, phase). Try a().")
    assert error.typed.endswith("autopack history r/p. Try --a.")
