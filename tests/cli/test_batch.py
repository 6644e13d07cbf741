"""``autopack batch``: a file of tasks answered by a program, each row once."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """\
import json, pathlib, sys, time
row, folder = sys.argv[1], pathlib.Path(sys.argv[2])
with (folder / "asked.txt").open("a") as asked:
    asked.write(row + "\\n")
if row == "slow":
    time.sleep(3600)
if row == "bad":
    sys.exit("two of nine tests failed")
usage = {"model": "m", "input_tokens": 3, "output_tokens": 4, "cost_usd": "0.01"}
print(json.dumps({"type": "autopack.usage", **usage}))
print("answer to", *sys.argv[3:])
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with tasks and a program, to be in."""
    monkeypatch.chdir(tmp_path)
    Path("tasks.csv").write_text('id,prompt,first name\na,say "x"; $HOME,Ada\nb,two,Bob\n')
    Path("answer.py").write_text(PROGRAM)
    return tmp_path


@pytest.fixture
def batch(cli, folder):
    """Run ``autopack batch`` on the tasks with the program."""
    program = ["--", sys.executable, "answer.py", "{id}", ".", "{prompt}", "{first_name}"]

    def run(*options, file="tasks.csv", then=program, **settings):
        return cli("batch", file, *options, *then, **settings)

    return run


def answers(path="tasks.out.jsonl"):
    """Return the answers in a file, by their ids."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return {line["id"]: line for line in map(json.loads, lines)}


def asked():
    """Return which rows the program was asked for, in order."""
    return Path("asked.txt").read_text().split()


def test_one_line_answers_a_file_and_the_same_line_goes_on(batch):
    """The log is made beside the file and said so, the answers are in a file, nobody asks twice."""
    first = batch("--workers", 2)
    second = batch()

    assert (0, 0) == (first.exit_code, second.exit_code)
    assert "made tasks.csv.autopack, the log of tasks.csv" in first.stderr
    assert "made" not in second.stderr
    assert "2 of 2 rows answered; 14 tokens, 0.02 USD" in first.stdout
    assert ["a", "b"] == sorted(asked())
    assert ['answer to say "x"; $HOME Ada\n', "answer to two Bob\n"] == [
        answers()[row]["output"] for row in "ab"
    ]
    keys = ["id", "state", "output", "tokens", "cost_usd", "seconds", "error"]
    assert keys == list(answers()["a"])


def test_rows_that_failed_are_told_with_what_to_type(batch):
    """The exit code says that not all is well; what is typed then has them asked again."""
    with Path("tasks.csv").open("a") as tasks:
        tasks.write("bad,three,Eve\n")
    result = batch("--max-attempts", 1)

    assert 1 == result.exit_code
    assert "2 of 3 rows answered, 1 failed" in result.stdout
    assert "its last words: two of nine tests failed" in result.stdout
    assert "the same line again" in result.stdout
    assert ("FAILED", None) == (answers()["bad"]["state"], answers()["bad"]["output"])


def test_a_changed_row_is_told_and_asked_again_only_if_that_is_said(batch):
    """Its answer is kept otherwise."""
    batch()
    Path("tasks.csv").write_text("id,prompt,first name\na,new,Ada\nb,two,Bob\n")
    kept = batch()
    before = answers()["a"]["output"]
    batch("--changed", "requeue")

    assert "1 rows changed under their ids and keep their answers (a)" in kept.stderr
    assert ('answer to say "x"; $HOME Ada\n', "answer to new Ada\n") == (
        before, answers()["a"]["output"],
    )  # fmt: skip
    assert ["a", "b", "a"] == asked()


def test_a_pipe_needs_a_log_and_answers_go_to_standard_output(batch):
    """What people are told goes to standard error then."""
    rows = '{"id": "a", "prompt": "one", "first name": "Ada"}\n'
    refused = batch(file="-", input=rows)
    result = batch("--log", "named.db", file="-", input=rows)

    assert 2 == refused.exit_code
    assert "give --log PATH" in refused.stderr
    assert "made named.db, the log of the pipe" in result.stderr
    assert "answer to one Ada\n" == json.loads(result.stdout)["output"]
    assert "1 of 1 rows answered" in result.stderr


def test_an_executor_of_ones_own_answers(batch):
    """A function in a file, in place of a program; its text is the answer."""
    Path("mine.py").write_text("def answer(phase, attempt):\n    return phase.payload['id'] * 2\n")
    result = batch(then=["--executor", "mine.py:answer"])

    assert 0 == result.exit_code
    assert {"a": "aa", "b": "bb"} == {row: one["output"] for row, one in answers().items()}


def test_an_executor_takes_options(batch):
    """By -x, as drain has it: of one that is named, and of the program after the two dashes."""
    shares = ("latency_scale", "failure_share", "truncated_share", "zero_usage_share")
    options = [word for share in shares for word in ("-x", f"{share}=0")]
    named = batch(*options, then=["--executor", "recorded"])
    program = ["--", sys.executable, "-c", "import sys; print(sys.stdin.read())"]
    place = ["--run-id", "piped", "--out", "piped.jsonl"]
    piped = batch("-x", "stdin={prompt}", *place, then=program)
    unknown = batch("-x", "speed=9", then=["--executor", "recorded"])

    assert [0, 0, 2] == [named.exit_code, piped.exit_code, unknown.exit_code]
    assert "two" == answers("piped.jsonl")["b"]["output"].strip()
    assert "has no option speed" in unknown.output


def test_what_an_executor_lacks_is_said_before_a_log_is_made(batch):
    """Its check is asked first: a missing key leaves nothing behind."""
    Path("mine.py").write_text(
        "from autopack.errors import InvalidInputError\n"
        "class Mine:\n"
        "    def check(self):\n"
        "        raise InvalidInputError('the key is missing', name='key')\n"
        "    def execute(self, phase, attempt):\n"
        "        pass\n"
    )
    result = batch(then=["--executor", "mine.py:Mine"])

    assert (2, True) == (result.exit_code, "the key is missing" in result.output)
    assert not Path("tasks.csv.autopack").exists()


@pytest.mark.parametrize(
    ("options", "then", "told"),
    [
        ([], [], "Say who answers, once"),
        ([], ["--executor", "mine.py:answer", "--", "echo"], "Say who answers, once"),
        ([], ["--", "echo", "{idd}"], "There is no column {idd}. Did you mean 'id'?"),
        ([], ["--", "sh", "-c", "echo {prompt}"], "{prompt} stands in the text that sh reads"),
        ([], ["--", "sh", "-c", "echo {prompt}"], """sh -c 'my-agent "$1"' sh {prompt}."""),
        (["--goal", "none"], ["--", "echo"], "has no column 'none' for its goal"),
        (["--out", "tasks.csv"], ["--", "echo"], "is no file of answers"),
        ([], ["--", "no-such-program"], "There is no program 'no-such-program'"),
    ],
)
def test_what_cannot_be_meant_is_refused(batch, options, then, told):
    """Before anything is asked; the tasks stay as they are."""
    before = Path("tasks.csv").read_bytes()
    result = batch(*options, then=then)

    assert 2 == result.exit_code
    assert told in " ".join(result.stderr.split())
    assert before == Path("tasks.csv").read_bytes()


def test_a_check_judges_the_answer_that_a_program_printed(batch):
    """The text that the file of answers tells is that which the check sees."""
    check = "grep -q 'answer to two {first_name}' {outputs}/stdout"
    result = batch("--check", "deliverables", "--check", check, "--max-attempts", "1")
    told = {row: (one["state"], one["output"]) for row, one in answers().items()}

    assert 1 == result.exit_code
    assert {"a": ("FAILED", None), "b": ("COMPLETE", "answer to two Bob\n")} == told


def test_the_same_line_goes_on_after_a_kill(folder, batch):
    """What was answered stays so; the row that was in work is asked again."""
    Path("tasks.csv").write_text("id,prompt,first name\na,one,A\nslow,two,B\nb,three,C\n")
    line = [sys.executable, "-m", "autopack", "batch", "tasks.csv", "--", sys.executable]
    line += ["answer.py", "{id}", ".", "{prompt}"]
    process = subprocess.Popen(line, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not (Path("asked.txt").exists() and "slow" in asked()) and time.monotonic() < until:
        time.sleep(0.02)
    written = answers()
    os.kill(process.pid, signal.SIGKILL)
    process.wait(60)
    Path("answer.py").write_text(PROGRAM.replace("3600", "0"))
    result = batch("--log", "tasks.csv.autopack", then=line[5:])

    assert {"a": "COMPLETE"} == {row: one["state"] for row, one in written.items()}
    assert 0 == result.exit_code, result.stderr
    assert {"a", "slow", "b"} == set(answers())
    assert ["a", "slow", "slow", "b"] == sorted(asked(), key=["a", "slow", "b"].index)


def test_a_cap_in_dollars_needs_a_price_or_a_word_for_one(batch):
    """Without either nobody is asked; with one the batch ends where the cap does."""
    silent = ["--", sys.executable, "-c", "print('hello')"]
    refused = batch("--max-usd", "0.05", then=silent)
    capped = batch("--max-usd", "0.05", "--assume-usd-per-call", "0.05", then=silent)

    assert 1 == refused.exit_code
    assert "0 of 2 rows answered, 2 left" in refused.stdout
    assert "1 of 2 rows answered, 1 left" in capped.stdout
    assert "the same line again goes on" in capped.stdout


LONG = """\
import os, sys
print(len(sys.argv[1]), len(os.environ["AUTOPACK_GOAL"]))
"""


def test_a_long_task_reaches_the_program_whole(batch):
    """However long a goal is: what its event holds of it is not what is asked."""
    Path("long.py").write_text(LONG)
    rows = json.dumps([{"id": "a", "goal": "word " * 400}])
    program = ["--", sys.executable, "long.py", "{goal}"]
    result = batch("--log", "x.db", file="-", input=rows, then=program)

    assert "2000 2000\n" == json.loads(result.stdout)["output"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--run-id", "a/b"], "'a/b' cannot be a run id"),
        (["--out", "nowhere/x.jsonl"], "There is no folder"),
        (["--executor", "odd.py:noargs"], "cannot be called with (phase, attempt)"),
        (["--executor", "odd.py:number"], "is no executor"),
    ],
)
def test_what_is_odd_is_refused_before_anything_is_made(batch, options, said):
    """No log, no queue, no file of answers."""
    Path("odd.py").write_text("def noargs(): pass\nnumber = 7\n")
    then = [] if "--executor" in options else ["--", "echo", "{prompt}"]
    result = batch(*options, then=then)

    assert 2 == result.exit_code
    assert said in " ".join(result.stderr.split())
    left = {path.name for path in Path().iterdir()} - {"__pycache__"}
    assert {"answer.py", "odd.py", "tasks.csv"} == left


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x,y\n1,2\n", "No column says what is to be done"),
        ("id;goal\n1;2\n", "one column is called 'id;goal'"),
    ],
)
def test_a_table_without_goals_is_refused(batch, text, said):
    """Else each row would fail by itself."""
    Path("odd.csv").write_text(text)
    result = batch(file="odd.csv", then=["--", "echo", "{goal}"])

    assert 2 == result.exit_code
    assert said in " ".join(result.stderr.split())


def test_a_cap_is_kept_and_used(batch):
    """What rows cost is learned at once, so that a cap ends nothing that fits under it."""
    Path("many.csv").write_text("id,prompt\n" + "".join(f"r{n},x\n" for n in range(12)))
    then = ["--", sys.executable, "answer.py", "{id}", ".", "{prompt}"]
    options = ["--max-usd", "0.2", "--assume-usd-per-call", "0.02"]
    result = batch(*options, file="many.csv", then=then)

    assert 0 == result.exit_code, result.stderr
    assert "12 of 12 rows answered" in result.stdout


def test_a_missing_price_says_what_to_type(batch):
    """The same line again would be refused again."""
    result = batch("--max-usd", "1")

    assert 1 == result.exit_code
    assert "the same line with --assume-usd-per-call USD" in result.stdout
    assert "goes on" not in result.stdout
