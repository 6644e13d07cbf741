"""``autopack simulate``, and what a drain would do."""

import json

import pytest


def test_strategies_side_by_side(cli, monkeypatch):
    """Without a log, on made-up work, the usual strategies are compared."""
    monkeypatch.delenv("AUTOPACK_LOG", raising=False)
    result = cli("simulate", "--synthetic", "7")
    lines = result.stdout.splitlines()

    assert 0 == result.exit_code
    assert "seed 7" in lines[0]
    assert ["fifo", "triage", "explore"] == lines[1].split()
    assert lines[2].startswith("attempts ")
    assert "tokens in vain" in result.stdout
    assert "0.5 is within a factor of 1.28" in result.stdout


def test_names_of_strategies_stay_as_they_are_typed(cli, run_log, tmp_path):
    """They are data, and no names of fields; with a log and without one."""
    (tmp_path / "mine.py").write_text(
        "import autopack\n\n\n"
        "@autopack.hookimpl\n"
        "def autopack_register_strategies(register):\n"
        "    register('take_none', lambda view: autopack.Stop('so'))\n",
        encoding="utf-8",
    )
    given = ("simulate", "--strategy", "take_none")
    of_log = cli("--plugins-dir", tmp_path, "--log", run_log, *given)
    made_up = cli("--plugins-dir", tmp_path, *given, "--synthetic", "7")

    assert "take_none" == of_log.stdout.splitlines()[1].strip()
    assert "take_none" == made_up.stdout.splitlines()[1].strip()


def test_a_history_is_simulated_and_left_as_it_is(cli, run_log, executors, events_of):
    """The log's own phases, as JSON; nothing is written."""
    cli("--log", run_log, "drain", "--executor", f"{executors}:works")
    before = events_of(run_log)
    result = cli("--log", run_log, "simulate", "--strategy", "priority,fifo", "--json")
    found = json.loads(result.stdout)

    assert [("priority", 2, 60), ("fifo", 2, 60)] == [
        (one["strategy"], one["completed"], one["tokens"]) for one in found
    ]
    assert before == events_of(run_log)


def test_options_of_one_strategy(cli):
    """An option goes to the strategy that is simulated."""
    loose, strict = (
        json.loads(cli("simulate", "--synthetic", "7", "--strategy", "explore",
                       "-s", f"width={width}", "--json").stdout)[0]["tokens"]
        for width in (0.9, 0.4)
    )  # fmt: skip

    assert loose < strict


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "No log is named"),
        (["--synthetic", "7", "--strategy", "fiffo"], "Did you mean 'fifo'?"),
        (["--synthetic", "7", "-s", "a=1"], "is for one --strategy"),
        (["--synthetic", "x"], "not a valid integer"),
    ],
)
def test_what_is_wrong_is_said(cli, arguments, told):
    """Exit 2 and what to do."""
    result = cli("simulate", *arguments)

    assert 2 == result.exit_code
    assert told in result.stderr


def test_a_dry_run_shows_predictions_and_their_sum(cli, run_log, executors):
    """Each phase with its tokens, cost and reason; the sums on stderr."""
    result = cli("--log", run_log, "drain", "--executor", f"{executors}:works", "--dry-run",
                 "--strategy", "triage")  # fmt: skip

    assert "predicted USD" in result.stdout.splitlines()[0]
    assert "its run is not sampled yet" in result.stdout
    assert "2 phases would be worked on" in result.stderr
    assert "the cost is unknown; nothing was written" in result.stderr


def test_a_dry_run_needs_no_executor(cli, run_log, events_of):
    """A plan calls none, so none has to be named; a drain does."""
    before = events_of(run_log)
    result = cli("--log", run_log, "drain", "--dry-run", "--strategy", "triage", "--json")

    assert 0 == result.exit_code
    assert ["p1", "p2"] == [one["ref"]["phase_id"] for one in json.loads(result.stdout)]
    assert before == events_of(run_log)


def test_a_matrix(cli, tmp_path):
    """Each task ends as it did with the model that the strategy names."""
    (tmp_path / "matrix.csv").write_text(
        "task,llm,cost_usd,verdict\na,small,0.1,true\na,large,1,true\n"
        "b,small,0.2,false\nb,large,2,true\nc,d,e,f,g\n",
        encoding="utf-8",
    )
    given = ["--strategy", "cascade", "-s", "models=small,large", "--column", "model=llm"]
    found = cli("simulate", "--trace", tmp_path / "matrix.csv", *given).stdout

    assert "set aside: 1 unreadable lines" in found
    assert [["attempts", "3"], ["completed", "2"], ["failed", "1"]] == [
        line.split() for line in found.splitlines()[2:5]
    ]
    assert ["right 2", "USD 2.30"] == [
        " ".join(line.split()) for line in found.splitlines() if line[:5] in ("right", "USD  ")
    ]


def test_a_matrix_is_one_kind_of_work(cli):
    """And made-up work is another."""
    found = cli("simulate", "--trace", "m.csv", "--synthetic", "1")

    assert 2 == found.exit_code
    assert "name one" in found.stderr


@pytest.mark.parametrize("options", [(), ("-s", "order=fifo")])
def test_a_strategy_that_lacks_an_option_is_told_how_it_is_typed(cli, options):
    """Not in the words of Python."""
    ended = cli("simulate", "--synthetic", "7", "--strategy", "cascade", *options)

    assert ended.exit_code
    assert "it needs 'models'. Give -s models=small,large." in ended.stderr
