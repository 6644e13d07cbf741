"""Errors of input carry what was wrong as facts: its name, and the value that was given."""

import ast
import copy
import pickle
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import autopack
from autopack.draining.executors.command import CommandExecutor
from autopack.errors import AttemptsSpentError, AutopackError, InvalidInputError, RunMissingError
from autopack.exchange.run_files import read_run_file

SOURCE = Path(autopack.__file__).parent

STATES = {
    ("log/backends/memory/store.py", "transaction"): "another transaction is open",
    ("log/backends/memory/transaction.py", "_refuse"): "the transaction is over",
    ("log/backends/sqlite/store.py", "transaction"): "another transaction is open",
    ("log/backends/sqlite/transaction.py", "_check"): "the transaction is over",
}
"""Where no argument is wrong, but the moment."""

SECRETS = {
    ("draining/executors/command.py", "again"): "variables hold keys",
    ("draining/executors/model_endpoints.py", "__attrs_post_init__"): "an address with a password",
    ("draining/executors/program_variables.py", "given_variables"): "variables hold keys",
}
"""Where a value is not to be kept."""


def makers() -> Iterator[tuple[tuple[str, str], int, set[str]]]:
    """Yield each call that makes such an error: its function, its line, the facts it gives."""
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)]
        for function in functions:
            place = (path.relative_to(SOURCE).as_posix(), function.name)
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and _called(call) == "InvalidInputError":
                    yield place, call.lineno, {str(one.arg) for one in call.keywords}


def _called(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def test_every_error_of_input_names_what_is_wrong():
    """One that names nothing is of a moment, not of an argument."""
    nameless = [(place, line) for place, line, facts in makers() if "name" not in facts]

    assert STATES.keys() == {place for place, _line in nameless}
    assert len(STATES) == len(nameless)


def test_every_error_of_input_keeps_the_value():
    """One that keeps none would keep a secret."""
    found = [(place, facts) for place, _line, facts in makers() if "name" in facts]

    assert SECRETS.keys() == {place for place, facts in found if "value" not in facts}


def _queued(log: autopack.Log, **fields: Any) -> None:
    spec = autopack.PhaseSpec("p", category="docs", complexity="low", **fields)
    autopack.create_run(log, "r", [spec])


def _drained(log: autopack.Log, **settings: Any) -> None:
    autopack.drain(log, executor=lambda phase, attempt: None, **settings)


NAIVE = datetime(2026, 1, 31)

CALLS: list[tuple[Callable[[autopack.Log], object], str, object]] = [
    (lambda log: _drained(log, tau=1.5), "tau", 1.5),
    (lambda log: _drained(log, when_empty="sleep"), "when_empty", "sleep"),
    (lambda log: _drained(log, workers=0), "workers", 0),
    (lambda log: _drained(log, timeout_s=-1), "timeout_s", -1),
    (lambda log: _drained(log, max_attempts_total=3), "max_attempts_total", 3),
    (lambda log: _drained(log, requests_per_minute=0), "requests_per_minute", 0),
    (lambda log: _queued(log, timeout_s=-2), "timeout_s", -2),
    (lambda log: _queued(log, after=["q"]), "after", "q"),
    (lambda log: autopack.create_run(log, "r", [], caps={"usd": -1}), "caps.usd", -1),
    (lambda log: autopack.create_run(log, "r", [], caps={"cups": 1}), "caps.cups", 1),
    (lambda log: autopack.replay(log, "runs", until=9), "until", 9),
    (lambda log: autopack.replay(log, "runs", until=NAIVE), "moment", NAIVE),
    (lambda log: log.skip_event("s", 7, why="bad"), "position", 7),
    (lambda log: autopack.amend_usage(log, call_id="c", why="w", output_tokens=1), "call_id", "c"),
    (lambda _log: CommandExecutor([]), "command", []),
    (lambda _log: CommandExecutor(["ls"], env={"KEY": 1}), "env.KEY", None),
    (lambda _log: autopack.open_log(""), "target", ""),
]


@pytest.mark.parametrize(("call", "name", "value"), CALLS)
def test_facts_of_a_call(call: Callable[[autopack.Log], object], name: str, value: object):
    """What is wrong is known by name, and what was given is kept as it was."""
    with autopack.create_log("memory:") as log, pytest.raises(InvalidInputError) as refused:
        call(log)

    assert (name, value) == (refused.value.name, refused.value.value)


FILES = [
    ("id = 7\n", "phases[1].id", 7),
    ('id = "b"\ntimeout_s = -3\n', "phases[1].timeout_s", -3),
    ('id = "b"\nmax_atempts = 3\n', "phases[1].max_atempts", 3),
    ('id = "a"\n', "phases[1].id", "a"),
    ("", "phases[1].id", None),
]


@pytest.mark.parametrize(("second", "name", "value"), FILES)
def test_facts_of_a_run_file(tmp_path: Path, second: str, name: str, value: object):
    """The first thing that is wrong is named by its place in the file."""
    path, rest = tmp_path / "run.toml", 'category = "docs"\ncomplexity = "low"\n'
    path.write_text(f'[[phases]]\nid = "a"\n{rest}[[phases]]\n{second}{rest}', encoding="utf-8")

    with pytest.raises(InvalidInputError) as refused:
        read_run_file(path)

    assert (name, value) == (refused.value.name, refused.value.value)


def test_whose_it_is_is_told_apart():
    """A message begins with whose a value is; what is said of it stands alone too."""
    error = InvalidInputError("tau is 2.", name="tau", value=2, whose="Phase 'a'", do="Mend it.")

    assert "Phase 'a': tau is 2. Mend it." == str(error)
    assert ("Phase 'a'", "tau is 2. Mend it.") == (error.whose, error.says)


@pytest.mark.parametrize(
    "error",
    [
        InvalidInputError("tau is 2.", name="tau", value=2, do="Mend it.", typed="--tau"),
        RunMissingError("r", known=["s"]),
        AttemptsSpentError("r/p", spent=3, max_attempts=3),
    ],
)
def test_an_error_is_copied_with_its_facts(error: AutopackError):
    """A copy, here or in another process, says and knows the same."""
    copies = [copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))]

    assert [str(error)] * 3 == [str(one) for one in copies]
    assert [vars(error)] * 3 == [vars(one) for one in copies]
    assert [type(error)] * 3 == [type(one) for one in copies]


def test_a_value_that_cannot_leave_its_process_goes_as_it_reads():
    """A function of one process is a text in another."""
    given = lambda: None  # noqa: E731 - one that cannot be pickled

    copied = pickle.loads(pickle.dumps(InvalidInputError("no", name="executor", value=given)))

    assert ("executor", repr(given)) == (copied.name, copied.value)
