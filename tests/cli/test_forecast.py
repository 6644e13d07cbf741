"""``autopack forecast`` of the queued phases, with the user's prices and without."""

import json

import pytest

PRICES = """\
[[prices]]
model = "m*"
since = 2026-01-01
input = 3.0
output = 15.0
"""

PHASES = """\
[[phases]]
id = "p1"
category = "docs"
complexity = "low"
deliverables = ["docs/a.md"]
model = "m-1"
prompt_tokens = 1000

[[phases]]
id = "p2"
category = "docs"
complexity = "low"
"""


@pytest.fixture
def queued(cli, log_path, tmp_path):
    """Return a log with two queued phases, of which one can be priced."""
    path = tmp_path / "phases.toml"
    path.write_text(PHASES, encoding="utf-8")
    cli("--log", log_path, "run", "create", "r", "--phases", path)
    return log_path


@pytest.fixture
def prices(tmp_path):
    """Return the path of a price file."""
    path = tmp_path / "prices.toml"
    path.write_text(PRICES, encoding="utf-8")
    return path


def test_tokens_and_dollars(cli, queued, prices):
    """Each phase, its run and the whole have a range; one phase has no price."""
    done = cli("--log", queued, "forecast", "--prices", prices, "--json")
    found = json.loads(done.stdout)
    first, second = found["phases"]

    assert (2600, None) == (round(first["output_tokens"]["expected"]), second["usd"])
    assert pytest.approx((1000 * 3 + 2600 * 15) / 1e6) == first["usd"]["expected"]
    assert (2, 1) == (found["whole"]["phases"], found["whole"]["unpriced"])
    assert found["whole"] == found["runs"]["r"]


def test_a_table(cli, queued, prices):
    """The table has a line for each phase and run, and a sentence about the whole."""
    text = cli("--log", queued, "forecast", "--prices", prices).stdout

    assert "r/p1" in text
    assert "run r" in text
    assert "2 phases, one attempt each" in text
    assert "1 of them cannot be priced" in text


def test_without_prices(cli, queued):
    """Nobody knows a price, so no cost is shown."""
    found = json.loads(cli("--log", queued, "forecast", "--json").stdout)

    assert (None, 2) == (found["whole"]["usd"], found["whole"]["unpriced"])


def test_nothing_queued(cli, log_path):
    """An empty log has nothing to forecast."""
    assert "Nothing is queued." in cli("--log", log_path, "forecast").stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1\n", "holds no prices"),
        ("[[prices]]\nmodel = 'm'\nsince = 2026-01-01\ninput = 1.0\n", "output is missing"),
        (PRICES + "colour = 1\n", "prices[0] has no field 'colour'"),
        (
            PRICES.replace("3.0", "-3.0"),
            "prices[0].input cannot be used: -3.0 US dollars",
        ),
        (PRICES.replace("2026-01-01", "'soon'"), "'soon' is no day"),
    ],
)
def test_wrong_prices(cli, queued, tmp_path, text, message):
    """A price file that is wrong is refused with the field."""
    path = tmp_path / "wrong.toml"
    path.write_text(text, encoding="utf-8")
    done = cli("--log", queued, "forecast", "--prices", path)

    assert 2 == done.exit_code
    assert message in done.stderr


def test_an_unknown_run(cli, queued):
    """It is named."""
    done = cli("--log", queued, "forecast", "--run-id", "q")

    assert (2, True) == (done.exit_code, "'q'" in done.stderr)


EXECUTOR = """\
def spends(phase, attempt):
    attempt.record_usage(model="m", input_tokens=900, output_tokens=100, cost_usd="0.02")
"""


@pytest.fixture
def known(cli, log_path, tmp_path):
    """Return a log of twelve phases done at 0.02 USD each, and two that are queued."""
    (tmp_path / "executor.py").write_text(EXECUTOR, encoding="utf-8")
    for run, n in (("done", 12), ("next", 2)):
        text = "".join(f'[[phases]]\nid = "p{i}"\ncategory = "docs"\n' for i in range(n))
        (tmp_path / f"{run}.toml").write_text(text, encoding="utf-8")
        cli("--log", log_path, "run", "create", run, "--phases", tmp_path / f"{run}.toml")
        if run == "done":
            cli("--log", log_path, "drain", "--executor", f"{tmp_path / 'executor.py'}:spends")
    return log_path


def test_by_cost(cli, known):
    """What phases took is what they will take; figures are named by their measure."""
    found = json.loads(cli("--log", known, "forecast", "--by", "cost", "--json").stdout)
    text = cli("--log", known, "forecast", "--by", "cost_usd").stdout

    assert "cost_usd" == found["by"]
    assert {"low": 0.02, "expected": 0.02, "high": 0.02} == found["phases"][0]["cost_usd"]
    assert (0.04, 0.04) == (found["whole"]["cost_usd"]["expected"], found["whole"]["most_cost_usd"])
    assert not {"usd", "unpriced", "output_tokens"} & found["whole"].keys()
    assert "2 phases, all attempts: 0.0400 USD, 0.0400 to 0.0400" in text


def test_by_calls_and_tokens(cli, known):
    """Each measure has its own words."""
    calls, tokens = (
        cli("--log", known, "forecast", "--by", by).stdout for by in ("calls", "total-tokens")
    )

    assert "2 phases, all attempts: 2.0 calls, 2.0 to 2.0" in calls
    assert "2 phases, all attempts: 2,000 total tokens" in tokens


def test_prices_are_of_outputs(cli, known, prices):
    """A price file has no place where costs are known as they were."""
    done = cli("--log", known, "forecast", "--by", "cost_usd", "--prices", prices)

    assert 2 == done.exit_code
    assert "Prices belong to a forecast by output_tokens" in done.stderr


def test_nothing_is_known_of_costs(cli, queued):
    """Where no phase told what it cost, none is made up."""
    done = cli("--log", queued, "forecast", "--by", "cost_usd")

    assert 2 == done.exit_code
    assert "tells of no phase that ended well" in done.stderr
