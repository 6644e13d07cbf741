"""``autopack backtest`` on traces and on logs: figures, bytes, and wrong input."""

import json

import pytest

from autopack import backtest
from autopack.errors import InvalidInputError


@pytest.fixture
def trace(tmp_path):
    """Return the path of a trace of sixty calls."""
    path = tmp_path / "calls.jsonl"
    lines = [
        json.dumps(
            {
                "ts": i,
                "category": "docs" if i % 3 else "tests",
                "completion_tokens": 100 + i * 37 % 50,
                "prompt_tokens": 1000 + i,
            }
        )
        for i in range(60)
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_a_trace(cli, trace):
    """Each calibrator has a score for all rows and for each group that is large enough."""
    found = json.loads(cli("backtest", "--trace", trace, "--json").stdout)
    scores = {(one["calibrator"], one["group"]): one for one in found["scores"]}

    assert (60, 0.9, "calls.jsonl") == (found["rows"], found["tau"], found["source"])
    assert 60 == scores["mixture", "all"]["n"]
    assert scores["shrinkage-quantile", "docs/medium"]["coverage"] is not None
    assert ["all groups"] == [one["group"] for one in found["guarantees"]]


def test_the_same_bytes(cli, trace):
    """Two runs print the same, as JSON and as a table."""
    for form in (["--json"], []):
        one, two = (cli("backtest", "--trace", trace, *form).stdout for _ in range(2))

        assert one == two


def test_a_table(cli, trace):
    """The table has a line for each score, and says what is guaranteed."""
    text = cli("backtest", "--trace", trace, "--calibrator", "mixture:use_prompt=false").stdout

    assert "| mixture:use_prompt=false | all | 60 |" in text
    assert "the share of outputs above their prediction is at most " in text
    assert "\nCoverage: the share of outputs at or under their prediction; " in text


def test_columns_and_what_is_kept_back(cli, tmp_path):
    """A CSV with its own column names is read, and features can be kept back."""
    path = tmp_path / "t.csv"
    path.write_text("size,words\n" + "5,9\n" * 30, encoding="utf-8")
    given = ["--column", "output_tokens=size", "--column", "prompt_tokens=words"]
    done = cli("backtest", "--trace", path, *given, "--without", "prompt_tokens", "--json")

    assert ["prompt_tokens"] == json.loads(done.stdout)["without"]


def test_a_log(cli, run_log, executors):
    """A log's own attempts are rows; what was never measured is set aside."""
    cli("--log", run_log, "drain", "--executor", f"{executors}:works")
    found = json.loads(cli("--log", run_log, "backtest", "--json").stdout)
    (score,) = {one["note"] for one in found["scores"] if one["group"] == "all"}

    assert (2, {}) == (found["rows"], found["set_aside"])
    assert "too few: 2 of at least 20 rows" == score


def test_another_measure(cli, tmp_path):
    """Costs have their own aim, unit and places; what is told of outputs is not said of them."""
    path = tmp_path / "t.csv"
    path.write_text("size,usd\n" + "5,0.02\n7,0.03\n" * 30, encoding="utf-8")
    given = ["backtest", "--trace", path, "--by", "cost", "--calibrator", "mixture"]
    text, found = cli(*given).stdout, json.loads(cli(*given, "--json").stdout)

    assert ("cost_usd", 60) == (found["by"], found["rows"])
    assert "- Measure: cost_usd, of a phase in all its attempts" in text
    assert "the share 0.9 of costs at or under their prediction" in text
    assert "in USD and in percent" in text
    assert "output" not in text
    assert 0 < next(one["mae"] for one in found["scores"] if one["group"] == "all") < 0.02


def test_a_log_that_tells_no_costs(cli, run_log, executors):
    """Its phases are set aside, and exit 1 says that nothing was judged."""
    cli("--log", run_log, "drain", "--executor", f"{executors}:works")
    done = cli("--log", run_log, "backtest", "--by", "cost_usd")

    assert 1 == done.exit_code
    assert "2 no_measurement" in done.stdout
    assert "of not one phase that ended did all calls tell their cost_usd" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tau", "1"], "1 is not above 0 and below 1."),
        (["--calibrator", "nobody"], "There is no calibrator 'nobody'"),
        (["--calibrator", "mixture:tua=1"], "has no option tua"),
        (["--calibrator", "mixture:tau=5"], "tau is 5"),
        (["--calibrator", "mixture:tau=x"], "tau is 'x'; it must be a number"),
        (["--calibrator", "mixture:tau=1,x"], "is no option"),
        (["--calibrator", "mixture", "--calibrator", "mixture"], "named twice"),
        (["--without", "category"], "category cannot be kept back"),
        (["--column", "output_tokens"], "must be FIELD=NAME"),
        (["--column", "output_tokens=zzz"], "has no column zzz"),
    ],
)
def test_wrong_input(cli, trace, arguments, message):
    """It is refused with what was given and what could be."""
    done = cli("backtest", "--trace", trace, *arguments)

    assert 2 == done.exit_code
    assert message in done.stderr


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", "ts,size\n1,2\n"),
        ("t.csv", "ts,size\n"),
        ("t.jsonl", '{"ts": 1, "size": 2}\n'),
    ],
)
def test_a_trace_without_sizes_is_refused(cli, tmp_path, name, content):
    """Both the columns that are there and those that are needed are named; nothing is printed."""
    (tmp_path / name).write_text(content, encoding="utf-8")
    done = cli("backtest", "--trace", tmp_path / name)

    assert (2, "") == (done.exit_code, done.stdout)
    assert "ts, size" in done.stderr
    assert "output_tokens, completion_tokens" in done.stderr


def test_a_log_without_rows(cli, log_path):
    """Too little evidence ends with 1 and says what to do, as `calibrate` does."""
    done = cli("--log", log_path, "backtest")

    assert (1, True) == (done.exit_code, "There is nothing to judge" in done.stdout)
    assert 1 == cli("--log", log_path, "backtest", "--json").exit_code


def test_help_names_every_field_of_a_trace(cli):
    """What --column can name is what a trace can tell."""
    from autopack.prediction.calibration.trace_rows import FIELDS

    told = " ".join(cli("backtest", "--help").stdout.split())

    assert [] == [field for field in FIELDS if field not in told]


def test_no_trace_and_no_log(cli):
    """Something must be named."""
    done = cli("backtest")

    assert (2, True) == (done.exit_code, "No log is named" in done.stderr)


def test_from_python(trace):
    """A path, an object as calibrator, and the score of a group."""
    from autopack.prediction.calibration.shrinkage import ShrinkageQuantile

    found = backtest(trace, calibrators=[ShrinkageQuantile(window=20)], tau=0.8)

    assert 60 == found.score("shrinkage-quantile").n
    assert (0.8, 1) == (found.tau, len({score.calibrator for score in found.scores}))


def test_no_calibrator(trace):
    """An empty list is refused."""
    with pytest.raises(InvalidInputError, match="No calibrator is named"):
        backtest(trace, calibrators=[])
