"""What status says of a phase in work."""

from tests.drains import specs

import autopack
from autopack.prediction import newest_attempts
from autopack.report.status import status_json, status_text


def _taught(log, n=30):
    """Do phases that use 1,000 tokens and a hundred more each, in two calls."""
    autopack.create_run(log, "past", specs(*(f"p{i}" for i in range(n))))

    def execute(phase, attempt):
        more = 50 * int(phase.phase_id[1:])
        for _ in range(2):
            attempt.record_usage(model="m", input_tokens=200, output_tokens=300 + more)

    autopack.drain(log, executor=execute)


def test_a_phase_in_work(log):
    """What it used, and between what nine of ten like it used that got as far."""
    _taught(log)
    autopack.create_run(log, "r", specs("b"))
    with autopack.attempt(log, "r/b") as attempt:
        attempt.record_usage(model="m", input_tokens=1000, output_tokens=1000)
        found = autopack.status(log)
    (worker,) = found.live
    tokens = next(one for one in worker.remaining if one.measure == "total_tokens")

    assert (1, 2000) == (worker.calls, worker.total_tokens)
    assert {"calls", "total_tokens", "seconds"} == {one.measure for one in worker.remaining}
    assert ("docs/low", 2000, 20) == (tokens.like, tokens.used, tokens.reached)
    assert 3600 <= 2000 + tokens.most <= 3900
    assert "1 call, 2,000 tokens so far; of ten like it (docs/low) that got" in status_text(found)
    assert "total_tokens" == status_json(found)["live"][0]["remaining"][1]["measure"]


def test_nothing_is_known_yet(log):
    """Without attempts that ended, what was used is all that is said."""
    autopack.create_run(log, "r", specs("b"))
    with autopack.attempt(log, "r/b") as attempt:
        attempt.record_usage(model="m", input_tokens=1000, output_tokens=1000)
        found = autopack.status(log)

    assert () == found.live[0].remaining
    assert "  1 call, 2,000 tokens so far\n" in status_text(found)


def test_a_drain_says_it_of_its_own(log):
    """While it runs, Drain.status() has it; it learns from phases that ended meanwhile."""
    autopack.create_run(log, "r", specs(*(f"p{i:02}" for i in range(31))))
    seen = []

    def execute(phase, attempt):
        attempt.record_usage(model="m", input_tokens=500, output_tokens=500)
        if phase.phase_id == "p30":
            while not seen or not seen[-1]:
                ((row,),) = [drain.status()["working"]]
                seen.append(row["remaining"])
        elif phase.phase_id == "p10":
            drain.status()  # somebody looks, so that it is kept up to date from now on

    drain = autopack.Drain(log, executor=execute)
    assert 31 == drain.run().completed
    tokens = next(one for one in seen[-1] if one.measure == "total_tokens")

    assert ("docs/low", 1000, 0, 0) == (tokens.like, tokens.used, tokens.least, tokens.most)
    assert 30 == tokens.reached


def test_attempts_of_many_calls(log, monkeypatch):
    """Where few attempts ended within the newest events, older ones are looked for."""
    monkeypatch.setattr(newest_attempts, "_LOOK_BACK", (20, 20_000))
    _taught(log, n=20)
    autopack.create_run(log, "r", specs("b"))
    with autopack.attempt(log, "r/b") as attempt:
        attempt.record_usage(model="m", input_tokens=1000, output_tokens=0)
        (worker,) = autopack.status(log).live

    assert {20} == {one.reached for one in worker.remaining if one.measure == "total_tokens"}
