"""``autopack replay-drain``: a drain's choices, asked again."""

import json

import pytest

from autopack import Choose, Failed, Stop, create_log, create_run, drain
from drains import specs

STRATEGIES = """\
import itertools

from autopack import Choose, Stop

COUNT = itertools.count()


def last(view):
    return Choose(view.ready[-1].ref, "the last first") if view.ready else Stop("done")


def counting(view):
    if not view.ready:
        return Stop("done")
    return Choose(view.ready[next(COUNT) % len(view.ready)].ref, "its turn")
"""


def works(phase, attempt):
    """Do a phase with one call; those of ``b`` fail."""
    attempt.record_usage(model="m", input_tokens=10, output_tokens=90, cost_usd="0.01")
    return Failed("tests_failed", "2 of 9", retryable=False) if phase.run_id == "b" else None


@pytest.fixture
def drained(tmp_path):
    """A log in which a drain took five of six phases; and a file of strategies."""
    (tmp_path / "mine.py").write_text(STRATEGIES, encoding="utf-8")
    path = tmp_path / "drained.db"
    with create_log(path) as log:
        for run_id in "ab":
            create_run(log, run_id, specs(*(f"{run_id}{n}" for n in range(3))))
        drain(log, executor=works, max_phases=5)
    return path


def test_its_own_strategy_chooses_the_same(cli, drained):
    """That is said in a line, and is no fault."""
    result = cli("--log", drained, "replay-drain", "last")

    assert 0 == result.exit_code
    assert "5 choices, asked again of its own strategy, fifo." in result.stdout
    assert "All 5 answers are the same." in result.stdout


@pytest.mark.remembers
def test_an_impure_one_is_told_with_the_position(cli, tmp_path):
    """The first choice that differs, what was chosen and what is now; exit 1."""
    (tmp_path / "mine.py").write_text(STRATEGIES, encoding="utf-8")
    (tmp_path / "works.py").write_text("def works(phase, attempt):\n    pass\n", encoding="utf-8")
    with create_log(tmp_path / "other.db") as log:
        create_run(log, "r", specs(*"abcdef"))
    executor = f"{tmp_path / 'works.py'}:works"
    started = ("--log", tmp_path / "other.db", "drain", "--executor", executor)
    strategy = f"{tmp_path / 'mine.py'}:counting"
    cli(*started, "--strategy", strategy)
    result = cli("--log", tmp_path / "other.db", "replay-drain", "last")
    again = cli("--log", tmp_path / "other.db", "replay-drain", "last", "--json")
    found = json.loads(again.stdout)

    assert (1, 1) == (result.exit_code, again.exit_code)
    assert "It is no function of what it is shown: " in result.stdout
    assert f"the first at position {found['parted_at']:,}." in result.stdout
    assert (True, True) == (found["is_own"], found["is_impure"])


def test_another_one_is_shown_beside_it(cli, drained, tmp_path):
    """Where they part, both paths from there, and what nobody knows."""
    strategy = ("--strategy", f"{tmp_path / 'mine.py'}:last")
    result = cli("--log", drained, "replay-drain", "last", *strategy)
    found = json.loads(cli("--log", drained, "replay-drain", "last", *strategy, "--json").stdout)
    lines = result.stdout.splitlines()

    assert 0 == result.exit_code
    assert any(line.split() == ["tokens", "500", "≥", "400"] for line in lines)
    assert "Only mine.py:last takes 1 phase: b/b2." in lines
    assert "mine.py:last would have ended: after 5 phases, as many as were taken." in lines
    assert any("nobody knows what would have come (1 because it never ran)" in one for one in lines)
    assert (5, 1, 400) == (
        len(found["path"]["steps"]), found["path"]["n_unknown"], found["path"]["known"]["tokens"],
    )  # fmt: skip


def test_budgets_are_shown_beside_those_that_were(cli, drained):
    """By a calibrator that is named; no strategy is asked."""
    result = cli("--log", drained, "replay-drain", "last", "--calibrator", "median-ratio")
    asked = ("--calibrator", "median-ratio", "--tau", "0.5", "--json")
    found = json.loads(cli("--log", drained, "replay-drain", "last", *asked).stdout)

    assert 0 == result.exit_code
    assert "Budgets of 5 attempts, by what the log had taught before each." in result.stdout
    assert "deliverables, median-ratio at 0.9" in result.stdout
    assert ([], 0.5) == (found["choices"], found["budgets"]["tau"])


def test_what_is_wrong_is_said_before_anything_is_read(cli, drained, tmp_path):
    """A drain that is not there, options without a strategy, a strategy that was an object."""
    missing = cli("--log", drained, "replay-drain", "nightly")
    options = cli("--log", drained, "replay-drain", "last", "-s", "width=1")
    path = tmp_path / "object.db"
    with create_log(path) as log:
        create_run(log, "r", specs("a"))
        drain(
            log,
            executor=works,
            strategy=lambda view: Choose(view.ready[0].ref, "x") if view.ready else Stop("done"),
        )
    gone = cli("--log", path, "replay-drain", "last")

    assert (2, 2, 2) == (missing.exit_code, options.exit_code, gone.exit_code)
    assert "There is no drain 'nightly'" in missing.stderr
    assert "--strategy NAME or FILE.PY:NAME" in gone.stderr


def test_what_was_said_of_failures_and_the_end_are_asked_too(cli, tmp_path):
    """Counted in the first line; one that differs is shown as what it is."""
    (tmp_path / "mine.py").write_text(
        "import os\n"
        "from autopack import Choose, GiveUp, Stop\n"
        "class Mine:\n"
        "    def __call__(self, view):\n"
        "        if view.failures:\n"
        "            return Stop('one has failed')\n"
        "        return Choose(view.ready[0].ref, 'the first')\n"
        "    def after_failure(self, phase, attempts):\n"
        "        hard = os.environ.get('AUTOPACK_TEST_MOOD') == 'bad'\n"
        "        return GiveUp(phase.ref, 'in a bad mood') if hard else None\n",
        encoding="utf-8",
    )
    with create_log(tmp_path / "ends.db") as log:
        create_run(log, "b", specs(*"xyz"))
        drain(log, executor=works, strategy=f"{tmp_path / 'mine.py'}:Mine")
    asked = ("--log", tmp_path / "ends.db", "replay-drain", "last")
    same = cli(*asked)
    other = cli(*asked, env={"AUTOPACK_TEST_MOOD": "bad"})
    found = json.loads(cli(*asked, "--json").stdout)

    assert (0, 1) == (same.exit_code, other.exit_code)
    assert "1 choice, 1 failure, 1 end, asked again of its own strategy" in same.stdout
    assert "All 3 answers are the same." in same.stdout
    assert "1 answer of 3 differ, the first at position" in other.stdout
    assert "b/x failed: says nothing" in other.stdout
    assert "b/x failed: give up" in other.stdout
    assert ["failure", "end"] == [found[name][0]["about"] for name in ("afterwards", "ends")]
