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
