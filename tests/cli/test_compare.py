"""``autopack compare``: two runs, a run at two moments, a run in two logs."""

import json
import shutil

import pytest


@pytest.fixture
def two_runs(cli, run_log, run_file, executors):
    """A log in which the run ``r`` went well and the run ``s`` did not."""
    cli("--log", run_log, "drain", "--executor", f"{executors}:works")
    cli("--log", run_log, "run", "create", "s", "--phases", run_file)
    cli("--log", run_log, "drain", "--executor", f"{executors}:fails")
    return run_log


def test_two_runs_are_compared(cli, two_runs):
    """Totals, and each phase that ended otherwise with its reason."""
    result = cli("--log", two_runs, "compare", "r", "s")

    assert 0 == result.exit_code
    assert ["r", "s", "difference"] == result.stdout.splitlines()[0].split()
    assert 2 == result.stdout.count("COMPLETE → FAILED  two of nine tests failed")


def test_json_has_the_same(cli, two_runs):
    """One document."""
    found = json.loads(cli("--log", two_runs, "compare", "r", "s", "--json").stdout)

    assert ["p1", "p2"] == sorted(one["phase_id"] for one in found["changed"])
    assert all("state" in one["differs"] for one in found["changed"])


@pytest.mark.parametrize("moments", [("--at", "3"), ("--at", "3", "--at", "now")])
def test_a_run_is_compared_with_itself_at_another_moment(cli, two_runs, moments):
    """The second is now, unless one is said."""
    found = json.loads(cli("--log", two_runs, "compare", "r", *moments, "--json").stdout)

    assert ({"QUEUED": 2}, {"COMPLETE": 2}) == (
        found["a"]["phases_by_state"],
        found["b"]["phases_by_state"],
    )


def test_a_run_is_compared_with_that_of_another_log(cli, two_runs, executors, tmp_path):
    """A copy that went on otherwise."""
    copy = tmp_path / "copy.db"
    shutil.copy(two_runs, copy)
    cli("--log", copy, "phase", "requeue", "s", "--failed")
    cli("--log", copy, "drain", "--executor", f"{executors}:works")
    found = json.loads(cli("--log", two_runs, "compare", "s", "--other", copy, "--json").stdout)

    assert ({"FAILED": 2}, {"COMPLETE": 2}) == (
        found["a"]["phases_by_state"],
        found["b"]["phases_by_state"],
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("r",), "Compare 'r' with what?"),
        (("r", "r"), "Compare 'r' with what?"),
        (("r", "s", "--at", "3"), "--at is of one run"),
        (("r", "--at", "1", "--at", "2", "--at", "3"), "--at is of one run"),
        (("r", "--at", "soon"), "neither a position (120) nor a time"),
        (("r", "x"), "There is no run 'x'"),
    ],
)
def test_what_cannot_be_compared_is_refused(cli, two_runs, words, said):
    """Exit 2, and nothing on stdout."""
    result = cli("--log", two_runs, "compare", *words)

    assert (2, "") == (result.exit_code, result.stdout)
    assert said in result.stderr
