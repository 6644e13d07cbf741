"""``autopack usage``: what it cost, in groups, over a period."""

import json

import pytest

from autopack.cli.output import writable


@pytest.fixture
def used_log(cli, run_log, executors):
    """A log of two calls of a model, without a cost."""
    cli("--log", run_log, "drain", "--executor", f"{executors}:works")
    return run_log


def test_it_shows_a_row_a_model(cli, used_log):
    """And says what is not known of the cost."""
    result = cli("--log", used_log, "usage")

    assert [
        "model  calls  input  output  tokens      USD",
        "m          2     20      40      60  unknown",
        "",
        "2 calls without a cost",
    ] == result.stdout.splitlines()
    assert 0 == result.exit_code


def test_it_takes_several_keys(cli, used_log):
    """Comma separated, with or without blanks."""
    found = json.loads(cli("--log", used_log, "usage", "--by", "run, category", "--json").stdout)

    assert ["run", "category"] == found["by"]
    assert {("r", "implementation"), ("r", "tests")} == {
        (row["group"]["run"], row["group"]["category"]) for row in found["rows"]
    }
    assert (2, None, 60) == tuple(
        found["total"][name] for name in ("calls", "cost_usd", "total_tokens")
    )


@pytest.mark.parametrize(
    ("period", "calls"),
    [
        (("--since", "yesterday"), 2),
        (("--until", "yesterday"), 0),
        (("--since", "-1h", "--until", "now"), 2),
        (("--until", "3"), 0),
        (("--since", "3"), 2),
    ],
)
def test_a_period_is_said_as_people_say_it(cli, used_log, period, calls):
    """Times and positions."""
    found = json.loads(cli("--log", used_log, "usage", *period, "--json").stdout)

    assert calls == found["total"]["calls"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--by", "modle"), "Did you mean 'model'?"),
        (("--zone", "Mars"), "There is no time zone 'Mars'"),
        (("--since", "soon"), "neither a position (120) nor a time"),
        (("--until", "999"), "past the log's head"),
    ],
)
def test_what_is_none_is_refused(cli, used_log, wrong, said):
    """Exit 2, nothing on stdout."""
    result = cli("--log", used_log, "usage", *wrong)

    assert (2, "") == (result.exit_code, result.stdout)
    assert said in result.stderr


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "m  ≥ 1.20  ███  a → b"),
        ("ascii", "m  >= 1.20  ###  a -> b"),
        ("cp437", "m  ≥ 1.20  ███  a -> b"),
        (None, "m  >= 1.20  ###  a -> b"),
    ],
)
def test_a_terminal_gets_signs_that_it_has(encoding, shown):
    """All of a line, or plain ones."""
    line = "m  ≥ 1.20  ███" if encoding == "cp437" else "m  ≥ 1.20  ███  a → b"

    assert shown.removesuffix("  a -> b" if encoding == "cp437" else "") == writable(line, encoding)


def test_a_history_is_priced_by_a_table(cli, used_log, tmp_path):
    """Beside what was recorded, whether it is a file or a registered name; wrong ones are named."""
    path = tmp_path / "prices.toml"
    path.write_text('[[prices]]\nmodel = "m"\nsince = 2026-01-01\ninput = 1\noutput = 2\n')
    lines = cli("--log", used_log, "usage", "--prices", path).stdout.splitlines()
    found = json.loads(cli("--log", used_log, "usage", "--prices", path, "--json").stdout)
    wrong = cli("--log", used_log, "usage", "--prices", "sauce")

    assert "model  calls  input  output  tokens      USD  by table  differs" == lines[0]
    assert lines[-1].startswith("by table: prices.toml sha256:")
    assert (0.0001, 2, 0) == tuple(
        found["repricing"]["total"][name]
        for name in ("table_usd", "priced_calls", "unpriced_calls")
    )
    assert 2 == wrong.exit_code
    assert "no file sauce" in wrong.stderr
