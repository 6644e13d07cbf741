"""What phases require, and what a drain offers, as people type it."""

import json

import pytest


def test_phases_require_and_drains_offer(cli, log_path, executors):
    """Amounts and words, repeated; what does not fit is told with what it needs."""
    add = ("--log", log_path, "phase", "add", "r")
    (run := log_path.with_name("run.toml")).write_text('[[phases]]\nid = "plain"\n')
    cli("--log", log_path, "run", "create", "r", "--phases", run)
    for name, *required in (
        ("a", "gpu=1", "label=eu"),
        ("b", "gpu=2"),
        ("c", "memory_gb=1.5", "label=eu", "label=fast"),
    ):
        asked = [word for one in required for word in ("--requires", one)]
        assert 0 == cli(*add, "--id", name, *asked).exit_code
    drained = cli(
        "--log", log_path, "drain", "--executor", f"{executors}:works", "--offers", "gpu=1",
        "--offers", "label=eu", "--offers", "label=fast", "--offers", "memory_gb=2",
    )  # fmt: skip
    shown = json.loads(cli("--log", log_path, "run", "show", "r", "--json").stdout)["phases"]

    assert {"plain": "COMPLETE", "a": "COMPLETE", "b": "QUEUED", "c": "COMPLETE"} == {
        phase["phase_id"]: phase["status"] for phase in shown
    }
    assert {"memory_gb": 1.5, "label": ["eu", "fast"]} == shown[-1]["requires"]
    assert "it requires gpu 2, and this drain offers 1" in drained.output


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["gpu"], "'gpu' is not NAME=N or NAME=WORD"),
        (["=1"], "'=1' is not NAME=N or NAME=WORD"),
        (["gpu="], "'gpu=' is not NAME=N or NAME=WORD"),
        (["gpu=1", "gpu=2"], "'gpu=2' is told twice"),
        (["gpu=1", "gpu=big"], "'gpu=big' is told twice"),
        (["gpu=0"], "gpu is 0; give a number above 0"),
        (["gpu=nan"], "gpu is nan; give a number above 0"),
    ],
)
def test_what_is_none_is_refused(cli, run_log, executors, events_of, given, says):
    """And nothing is written."""
    before = events_of(run_log)
    offered = [word for one in given for word in ("--offers", one)]
    done = cli("--log", run_log, "drain", "--executor", f"{executors}:works", *offered)

    assert 0 != done.exit_code
    assert says in " ".join(done.output.split())
    assert before == events_of(run_log)
