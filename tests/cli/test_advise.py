"""``autopack advise models``: what is typed, printed and refused."""

import json
import random
import shlex

import pytest
from tests.long.cascades import world_of

from autopack import Completed, PhaseSpec, advise_models, create_run, drain, open_log
from autopack.errors import InvalidInputError


def written(path, trials):
    """Write trials as a matrix, and return its path."""
    rows = [
        {
            "task": one.task,
            "model": one.model,
            "cost_usd": one.cost_usd,
            "verdict": one.right,
            "checked": one.checked,
        }
        for one in trials
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def matrix(tmp_path_factory):
    """Return the path of a matrix that speaks for a chain."""
    trials = world_of(4, false_passes=0.05).trials(random.Random(4), 120)
    return written(tmp_path_factory.mktemp("traces") / "matrix.jsonl", trials)


def test_a_chain(cli, matrix):
    """The models, beside the best one alone, and on which tasks that was seen."""
    found = cli("advise", "models", "--trace", matrix)

    assert found.stdout.startswith("Best single model: m4\nBest chain: ")
    assert "the 120 tasks that chose it  held out" in found.stdout
    assert "wrong work" in found.stdout


def test_the_line_to_type(cli, matrix, tmp_path):
    """It names the chain, and a log if one was named; it can be typed as it stands."""
    chain = ",".join(advise_models(trace=matrix).chain)
    path = tmp_path / "my work.db"
    alone = cli("advise", "models", "--trace", matrix).stdout.splitlines()[-1]
    named = cli("--log", path, "advise", "models", "--trace", matrix).stdout.splitlines()[-1]

    assert f"Use it: autopack --log LOG drain --strategy cascade -s models={chain}" == alone
    assert ["--log", str(path), "drain"] == shlex.split(named.removeprefix("Use it: "))[1:4]


def test_names_with_commas_are_one_each(cli, tmp_path):
    """The option is read as JSON then."""
    trials = world_of(4, false_passes=0.05).trials(random.Random(4), 120)
    path = written(tmp_path / "m.jsonl", trials)
    path.write_text(path.read_text("utf-8").replace('": "m', '": "m,'), encoding="utf-8")
    line = cli("advise", "models", "--trace", path).stdout.splitlines()[-1]
    option = shlex.split(line)[-1]

    assert list(advise_models(trace=path).chain) == json.loads(option.removeprefix("models="))


def test_the_same_bytes(cli, matrix):
    """Two calls print the same; another seed draws other resamples."""
    for form in (["--json"], []):
        one, two = (cli("advise", "models", "--trace", matrix, *form).stdout for _ in range(2))

        assert one == two

    assert one != cli("advise", "models", "--trace", matrix, "--seed", "2").stdout


def test_as_json(cli, matrix):
    """Everything, with the chain on top."""
    found = json.loads(cli("advise", "models", "--trace", matrix, "--json").stdout)
    advice = advise_models(trace=matrix)

    assert list(advice.chain) == found["chain"] == found["figures"]["chain"]
    assert (None, 120, "measured") == (found["refusal"], found["tasks"], found["check"]["basis"])
    assert (
        round(advice.figures.held_out.cost_ratio.high, 6)
        == (found["figures"]["held_out"]["cost_ratio"]["high"])
    )


def test_no_evidence(cli, matrix):
    """What is missing is said first, and is exit code 1."""
    found = cli("advise", "models", "--trace", matrix, "--false-passes", "50%")

    assert 1 == found.exit_code
    assert found.stdout.startswith("No evidence: the check passes 50 % of wrong work;")


def test_only_some_models(cli, matrix):
    """The others are as if they had not been tried."""
    given = ["--model", "m0", "--model", "m4"]
    found = json.loads(cli("advise", "models", "--trace", matrix, *given, "--json").stdout)

    assert (["m0", "m4"], 4) == (found["models"], found["figures"]["chains"])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], "Name what is to be read: a log (--log PATH), or --trace FILE."),
        (["--trace", "matrix", "--max-length", "1"], "below 2"),
        (["--trace", "matrix", "--max-length", "9"], "give 2 to 5"),
        (["--trace", "matrix", "--margin", "1"], "below 1"),
        (["--trace", "matrix", "--false-passes", "-0.1"], "at least 0"),
        (["--trace", "matrix", "--model", "m9"], "There are: m0, m1, m2, m3, m4."),
        (["--trace", "matrix", "--column", "usd=cost"], "A trace has no field usd."),
        (["--trace", "nowhere.csv"], "nowhere.csv"),
        (["monday", "--trace", "matrix"], "--trace reads none"),
        (["--check", "tests", "--trace", "matrix"], "--trace reads none"),
    ],
)
def test_wrong_input(cli, matrix, given, says):
    """Each is refused by name, and nothing is printed."""
    words = [matrix if word == "matrix" else word for word in given]
    found = cli("advise", "models", *words)

    assert (2, "") == (found.exit_code, found.stdout)
    assert says in found.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_length", 1), ("margin", 1.0), ("margin", -0.1), ("false_passes", 1.5),
     ("false_failures", float("nan")), ("models", ["m9"])],
)  # fmt: skip
def test_wrong_settings(matrix, name, value):
    """From Python the setting is named."""
    with pytest.raises(InvalidInputError) as caught:
        advise_models(trace=matrix, **{name: value})

    assert name == caught.value.name


def test_names_that_a_terminal_would_obey(cli, tmp_path):
    """They are shown."""
    trials = world_of(4).trials(random.Random(4), 40)
    path = written(tmp_path / "m.jsonl", trials)
    path.write_text(path.read_text("utf-8").replace('"m4"', '"m4\\u001b[31m"'), encoding="utf-8")
    found = cli("advise", "models", "--trace", path)

    assert "\\x1b[31m" in found.stdout
    assert "\x1b" not in found.stdout


def test_a_line_that_is_no_record(cli, matrix, tmp_path):
    """It is left out and counted; a cell that cannot be read is refused by its name."""
    path = tmp_path / "m.jsonl"
    path.write_text(matrix.read_text("utf-8") + "\n{half a rec", encoding="utf-8")
    found = json.loads(cli("advise", "models", "--trace", path, "--json").stdout)
    path.write_text(matrix.read_text("utf-8").replace('": true', '": "$1"', 1), encoding="utf-8")
    refused = cli("advise", "models", "--trace", path)

    assert {"unreadable_lines": 1} == found["left_out"]
    assert 2 == refused.exit_code
    assert "is '$1'; it must be true or false" in refused.stderr


def paid(phase, attempt):
    """Make one call, the large model's at ten times the price."""
    usd = 0.1 if phase.model == "large" else 0.01
    attempt.record_usage(model=phase.model, input_tokens=9, output_tokens=9, cost_usd=usd)
    return Completed()


def test_a_log(cli, log_path):
    """Two runs over the same tasks, a run a model; and the line that uses what comes out."""
    able = {"small": 30, "large": 55}
    with open_log(log_path) as log:
        for model in able:
            specs = [PhaseSpec(f"p{n}", payload=n, model=model, max_attempts=1) for n in range(60)]
            create_run(log, f"with-{model}", specs)
        drain(
            log,
            executor=paid,
            check=lambda work: work.phase.payload < able[work.phase.model],
            max_fingerprint_repeats=99,
        )
    found = cli("--log", log_path, "advise", "models", "with-small", "with-large")

    assert (0, "Best single model: large") == (found.exit_code, found.stdout.splitlines()[0])
    assert "of 120 of 120 trials the check's own word is all that is known" in found.stdout
    assert found.stdout.endswith(
        f"--log {log_path} drain --strategy cascade -s models=small,large\n"
    )
