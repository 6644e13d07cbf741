"""What the log has of a client's session: sums by model, of whatever attempts."""

from decimal import Decimal

from autopack import PhaseSpec, create_run, drain
from autopack.draining.attempts.recorded_sessions import RecordedSessions
from autopack.log.log import journal_of
from autopack.ports.attempt import RecallsSessions


def work(phase, attempt):
    """Two calls of one session, one of another, one of none."""
    for n, session in enumerate(("s1", "s1", "s2", None)):
        attempt.record_usage(
            call_id=f"{phase.phase_id}-{n}", model="m", input_tokens=10, output_tokens=2,
            cost_usd="0.1", source_fields={} if session is None else {"session_id": session},
        )  # fmt: skip
    attempt.record_usage(
        call_id=f"{phase.phase_id}-t", model="n", output_tokens=1, source_fields={"thread_id": "s1"}
    )


def test_a_session_is_added_up_over_phases(sqlite_log):
    """By model, each count and the cost that was told; asked again, only what is new is read."""
    create_run(sqlite_log, "r", [PhaseSpec("a", category="x", complexity="low")])
    sessions = RecordedSessions(journal_of(sqlite_log))
    before = sessions.use("s1")
    drain(sqlite_log, executor=work)
    once = sessions.use("s1")
    create_run(sqlite_log, "q", [PhaseSpec("b", category="x", complexity="low")])
    drain(sqlite_log, executor=work)
    twice = sessions.use("s1")

    assert {} == before
    assert {"m": {"input_tokens": 20, "output_tokens": 4, "cost_usd": Decimal("0.2")},
            "n": {"output_tokens": 1}} == once  # fmt: skip
    assert (40, 2) == (twice["m"]["input_tokens"], twice["n"]["output_tokens"])


def test_an_attempt_recalls_sessions(sqlite_log):
    """Its own calls too."""
    found = []

    def ask(phase, attempt):
        work(phase, attempt)
        found.append((isinstance(attempt, RecallsSessions), attempt.session_use("s2")))

    create_run(sqlite_log, "r", [PhaseSpec("a", category="x", complexity="low")])
    drain(sqlite_log, executor=ask)

    assert [
        (True, {"m": {"input_tokens": 10, "output_tokens": 2, "cost_usd": Decimal("0.1")}})
    ] == (found)
