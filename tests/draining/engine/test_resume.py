"""Going on with a drain from the log alone."""

import asyncio
import json
import sys
import threading

import pytest

from autopack import (
    CommandExecutor,
    Drain,
    Failed,
    create_log,
    create_run,
    drain,
    export_history,
    hookimpl,
    import_history,
    load_plugins,
    replay,
    requeue,
    restore_log,
)
from autopack.draining.caps.drain_use import ended_attempts
from autopack.draining.engine.resume import seconds_at_work
from autopack.draining.executors.recorded import RecordedExecutor
from autopack.errors import InvalidInputError
from autopack.log.command_handler import Handler
from autopack.log.log import journal_of
from autopack.ports.log import ANY
from drains import account_of, found, specs, states, works


@pytest.fixture
def executor(tmp_path):
    """An executor that a log can bring back: file.py:name."""
    path = tmp_path / "mine.py"
    path.write_text(
        "def execute(phase, attempt):\n"
        "    attempt.record_usage(model='m', input_tokens=10, output_tokens=20)\n",
        encoding="utf-8",
    )
    return f"{path}:execute"


def test_settings_and_limits_come_from_the_log(any_log, executor):
    """Executor, run, workers and limits are those of the start; what was used counts on."""
    create_run(any_log, "r", specs(*"abcdef"))
    create_run(any_log, "s", specs("x"))
    first = drain(any_log, executor=executor, run_id="r", max_phases=4, workers=2)
    stopped_at_limit = drain(any_log, resumes=first.drain_id)
    more = drain(any_log, resumes="last", max_phases=6)
    started = found(any_log, "drain.started")

    assert (4, 4, 6) == (first.attempts, stopped_at_limit.attempts, more.attempts)
    assert "max_phases: 4 of 4 phases taken" == stopped_at_limit.detail
    assert {first.drain_id} == {event.drain_id for event in started}
    assert [None, first.drain_id, first.drain_id] == [event.resumes for event in started]
    assert {executor} == {event.executor for event in started}
    assert [2, 2, 2] == [event.settings["workers"] for event in started]
    assert "QUEUED" == states(any_log)["x"]


def test_what_was_used_is_counted_from_the_log(any_log):
    """Without drain.stopped, as after kill -9: attempts, ends, calls, tokens, samples."""
    create_run(any_log, "r", specs(*"abcd"))

    def mixed(phase, attempt):
        if phase.phase_id == "b":
            return Failed("x", "y")
        return None if phase.phase_id == "c" else works(phase, attempt)

    report = drain(any_log, executor=mixed)
    totals = account_of(any_log, report.drain_id)

    for name in (
        "attempts", "completed", "failed", "calls", "total_tokens", "samples", "samples_won",
        "zero_yield", "failures", "cost_usd", "unpriced_calls",
    ):  # fmt: skip
        assert (name, getattr(report, name)) == (name, totals[name])


def test_attempts_that_told_nobody_what_they_used_are_counted_from_the_log(any_log):
    """Under a cap only: without a call, without tokens, and in USD without a price."""
    create_run(any_log, "capped", specs(*"abc"), caps={"usd": 5.0})
    create_run(any_log, "free", specs("x"))

    def says_little(phase, attempt):
        if phase.phase_id == "b":
            attempt.record_usage(model="m", total_tokens=9, split="total_only")
        if phase.phase_id == "c":
            attempt.record_usage(model="m", total_tokens=9, split="total_only", cost_usd=0.1)

    report = drain(any_log, executor=says_little, allow_unknown_price=True)
    totals = account_of(any_log, report.drain_id)

    assert (2, 2) == (report.unmetered, totals["unmetered"])


def test_a_drains_cap_goes_on(any_log, executor):
    """What the first part used is spent; a higher cap lets the drain go on."""
    create_run(any_log, "r", specs(*"abcd"))
    first = drain(any_log, executor=executor, max_tokens=3300, max_phases=1)
    second = drain(any_log, resumes=first.drain_id, max_phases=9, max_tokens=50_000)

    assert (1, 4) == (first.completed, second.completed)
    assert [3300, 50_000] == [event.max_tokens for event in found(any_log, "cap.set")]


def test_an_object_must_be_given_again(log):
    """A callable is not in the log; the message says which setting to give."""
    first = drain(log, executor=works, max_phases=1)
    with pytest.raises(InvalidInputError, match="executor 'works'"):
        Drain(log, resumes=first.drain_id)
    report = drain(log, executor=works, resumes=first.drain_id, max_phases=5)

    assert 2 == report.completed


@pytest.mark.parametrize("wanted", ["nightly", "last"])
def test_there_must_be_a_drain_to_go_on_with(log, wanted):
    """A name that is not there, or no drain at all, is refused."""
    with pytest.raises(InvalidInputError, match="No drain was ever"):
        Drain(log, resumes=wanted)


def test_a_recorded_executor_is_brought_back_by_name(log):
    """Registered names are in the log."""
    first = drain(log, executor="recorded", max_phases=1)
    drain(log, resumes=first.drain_id, max_phases=9)

    assert 0 == replay(log, "phases").total.by_state().get("QUEUED", 0)
    assert RecordedExecutor.name == found(log, "drain.started")[1].executor


def test_an_executor_with_options_must_be_given_again(log):
    """Its name is registered, but its options were those of an object."""
    made = RecordedExecutor(seed=7, latency_scale=0.0)
    first = drain(log, executor=made, max_phases=1)

    with pytest.raises(InvalidInputError, match="executor 'recorded'"):
        Drain(log, resumes=first.drain_id)
    assert 2 <= drain(log, executor=made, resumes=first.drain_id, max_phases=9).attempts


def test_a_drain_needs_an_executor(log):
    """Without one, and nothing to go on with, it is refused."""
    with pytest.raises(InvalidInputError, match="needs an executor"):
        drain(log)


def test_what_was_said_last_holds(any_log):
    """A limit that was raised when the drain was gone on with is not forgotten the next time."""
    create_run(any_log, "r", specs(*"abcdef"))
    first = drain(any_log, executor=works, max_phases=1, drain="tonight")
    second = drain(any_log, executor=works, resumes="tonight", max_phases=3)
    third = drain(any_log, executor=works, resumes="tonight", timeout_s=60)
    settings = Drain(any_log, resumes="tonight", executor=works)._settings

    assert [1, 3, 3] == [report.attempts for report in (first, second, third)]
    assert (3, 60) == (settings.limits.max_phases, settings.timeout_s)


def test_phases_that_failed_before_are_still_its_own(any_log):
    """What stands failed is counted for the whole drain, as its totals are."""
    create_run(any_log, "r", specs("a", "b"))

    def fails(_phase, _attempt):
        return Failed("tests_failed", "two of nine", retryable=False)

    drain(any_log, executor=fails, max_phases=1, drain="tonight")
    report = drain(any_log, executor=works, resumes="tonight", max_phases=9)

    assert (1, 1, 1) == (report.failed, report.completed, report.left_failed)
    assert not report.is_clean


def test_what_a_released_attempt_used_is_counted(any_log):
    """It was paid for: in the report, in drain.stopped, and when the drain is gone on with."""
    create_run(any_log, "r", specs("a"))

    async def slow(_phase, attempt):
        attempt.record_usage(model="m", total_tokens=70, split="total_only")
        engine.stop(0)
        await asyncio.sleep(30)

    engine = Drain(any_log, executor=slow, drain="tonight")
    report = engine.run()
    (stopped,) = found(any_log, "drain.stopped")
    again = drain(any_log, executor=works, resumes="tonight", max_phases=1)

    assert (1, 1, 70) == (report.released, report.calls, report.total_tokens)
    assert 70 == stopped.totals["total_tokens"]
    assert again.total_tokens >= 70


class TestOrigins:
    """Only what this log's own drains were started with is run again."""

    @pytest.fixture
    def elsewhere(self, tmp_path):
        """A log of somebody else, whose drain runs a program that leaves a file."""
        path, left = tmp_path / "elsewhere.db", tmp_path / "pwned"
        code = f"open({str(left)!r}, 'w')"
        with create_log(path) as log:
            create_run(log, "theirs", specs("p1", "p2"))
            drain(
                log,
                executor=CommandExecutor([sys.executable, "-c", code]),
                workspace=tmp_path,
                drain="theirs",
                max_phases=1,
            )
            left.unlink()
            export_history(log, "ndjson", tmp_path / "theirs.ndjson")
        return path, tmp_path / "theirs.ndjson", left

    @pytest.mark.parametrize("way", ["appended", "taken over", "restored"])
    def test_an_imported_drain_runs_nothing(self, elsewhere, tmp_path, way):
        """However it came here, it asks for what it would have run; given that, it goes on."""
        path, source, left = elsewhere
        if way == "restored":
            log = restore_log(path, tmp_path / "new.db")
        else:
            log = create_log(tmp_path / "new.db")
            if way == "appended":
                create_run(log, "ours", specs("p1"))
            import_history(log, "ndjson", source)
        with log:
            for wanted in ("theirs", "last"):
                with pytest.raises(InvalidInputError, match=r"another log.*executor="):
                    drain(log, resumes=wanted)
            with pytest.raises(InvalidInputError, match="needs a command"):
                drain(log, resumes="theirs", executor="command")
            report = drain(
                log, resumes="theirs", executor=works, run_id="theirs",
                max_phases=9,
            )  # fmt: skip

            assert not left.exists()
            assert ("COMPLETE", "theirs") == (states(log)["p2"], report.drain_id)
            assert log.head().log_id == found(log, "drain.started")[-1].log_id

    def test_an_import_cannot_pass_for_this_log(self, elsewhere, tmp_path):
        """Not with its id, nor on a stream of its own drain."""
        _path, source, left = elsewhere
        with create_log(tmp_path / "ours.db") as log:
            create_run(log, "ours", specs("p1", "p2"))
            drain(log, executor="recorded", drain="mine", max_phases=1)
            lines = [json.loads(line) for line in source.read_text("utf-8").splitlines()]
            forged = []
            for line in lines:
                if line["type"] == "drain.started":
                    line["data"]["log_id"] = log.head().log_id
                    for stream, resumes in (("drain-theirs", None), ("drain-mine", "mine")):
                        data = {**line["data"], "resumes": resumes}
                        forged.append({**line, "id": stream, "subject": stream, "data": data})
            evil = tmp_path / "evil.ndjson"
            evil.write_text(
                "\n".join(
                    json.dumps({n: v for n, v in line.items() if not n.startswith("chain")})
                    for line in forged
                ),
                encoding="utf-8",
            )

            assert 2 == import_history(log, "ndjson", evil).added
            assert 0 == import_history(log, "ndjson", evil).added
            with pytest.raises(InvalidInputError, match="another log"):
                drain(log, resumes="theirs")
            report = drain(log, resumes="last", max_phases=9)
            assert ("mine", 2) == (report.drain_id, report.attempts)
            assert not left.exists()

    def test_a_log_that_is_imported_into_itself_stays_as_it_is(self, any_log, tmp_path):
        """Its own drains are its own still, and go on."""
        create_run(any_log, "r", specs("p1", "p2"))
        drain(any_log, executor="recorded", max_phases=1)
        export_history(any_log, "ndjson", tmp_path / "out.ndjson")

        assert 0 == import_history(any_log, "ndjson", tmp_path / "out.ndjson").added
        assert 2 == drain(any_log, resumes="last", max_phases=9).attempts

    def test_what_was_redacted_is_asked_for_again(self, tmp_path):
        """A command without its key is no command."""

        class Redacts:
            @hookimpl
            def autopack_redact(self, text):
                return text.replace("s3cr3t", "[redacted]")

        plugins = load_plugins(extra=[Redacts()])
        executor = CommandExecutor([sys.executable, "-c", "pass", "--key=s3cr3t"])
        with create_log(tmp_path / "log.db", plugins=plugins) as log:
            create_run(log, "r", specs("p1", "p2"))
            first = drain(log, executor=executor, max_phases=1)
            with pytest.raises(
                InvalidInputError, match=r"took something out of command.*executor="
            ):
                drain(log, resumes=first.drain_id)

            assert ["command"] == found(log, "drain.started")[0].settings["redacted"]
            assert 2 == drain(log, resumes="last", executor=executor, max_phases=9).attempts


def test_a_drain_is_at_work_while_somebody_has_it_open(clocked, clock):
    """By one who joined after the other had stopped, and not in the hours between."""

    def takes_a_minute(_phase, _attempt):
        clock.now += 60

    for most in (1, 2):
        drain(clocked, executor=takes_a_minute, drain="nightly", max_phases=most)
        clock.now += 3600

    assert 120.0 == seconds_at_work(clocked, "nightly")


def test_what_another_drain_did_at_the_same_phase_is_not_its_own(any_log):
    """Its attempt in between is no part of the streak that goes on."""
    create_run(any_log, "r", specs("a"))
    settings = {"executor": lambda _phase, _live: Failed("boom", "no", retryable=False)}
    for name in ("one", "two"):
        drain(any_log, drain=name, max_phases=1, **settings)
        requeue(any_log, "r/a", why="again")
    again = drain(any_log, resumes="one", max_zero_yield=2, max_phases=9, **settings)

    assert 2 == again.attempts


def test_minutes_at_work_go_on(clocked, clock):
    """A limit is of the whole drain, with the time before it was gone on with."""

    def takes_a_minute(_phase, _attempt):
        clock.now += 60

    first = drain(clocked, executor=takes_a_minute, max_phases=1)
    clock.now += 3600
    again = drain(
        clocked, executor=takes_a_minute, resumes=first.drain_id, max_phases=9, max_minutes=1
    )

    assert (1, "limit") == (again.attempts, again.reason)
    assert again.detail.startswith("max_minutes: 1")


def test_attempts_are_remembered_in_the_order_of_their_ends(log):
    """That is the order in which what comes one after the other is counted."""
    ended = []

    async def executor(phase, _attempt):
        while phase.phase_id == "p1" and not found(log, "phase.completed"):
            await asyncio.sleep(0.005)
        ended.append(phase.phase_id)

    report = drain(log, executor=executor, workers=2)
    rows = ended_attempts(Handler(journal_of(log)), report.drain_id)

    assert ["p2", "p1"] == ended == [row.phase_id for row in rows]


def test_a_drain_that_was_killed_was_at_work_until_its_last_word(clocked, clock):
    """It never said that it stopped; the time until somebody goes on with it is nobody's."""

    def takes_a_minute(_phase, _attempt):
        clock.now += 60

    drain(clocked, executor=takes_a_minute, drain="nightly", max_phases=1)
    (started,) = found(clocked, "drain.started")
    clocked.append("drain-nightly", [started], expected_version=ANY)  # by one who is killed then
    clock.now += 3600
    drain(clocked, executor=takes_a_minute, resumes="nightly", max_phases=2)
    clock.now += 3600
    drain(clocked, executor=takes_a_minute, resumes="nightly", max_phases=2)

    assert 120.0 == seconds_at_work(clocked, "nightly")


@pytest.mark.parametrize(
    ("executor", "limit", "reason"),
    [
        (lambda _phase, _attempt: Failed("boom", "again"), "max_fingerprint_repeats", "breaker"),
        (lambda _phase, _attempt: None, "max_zero_yield", "zero_yield"),
    ],
)
def test_what_came_one_after_the_other_goes_on(any_log, executor, limit, reason):
    """A streak of two before a stop, and one phase after it, are three of one drain."""
    create_run(any_log, "r", specs(*"abcdef", max_attempts=1))
    first = drain(any_log, executor=executor, max_phases=2, **{limit: 3})
    second = drain(any_log, executor=executor, resumes=first.drain_id, max_phases=9)

    assert ("limit", 2) == (first.reason, first.attempts)
    assert 3 == second.attempts
    assert second.reason in (reason, "limit")


def test_what_attempts_used_before_is_evidence_for_what_is_set_aside(any_log):
    """Ten of a group are enough for a prediction, whoever was stopped in between."""
    create_run(any_log, "r", specs(*"abcdefghijkl"))
    first = drain(any_log, executor=works, max_phases=10, max_tokens=10**6)
    drain(any_log, executor=works, resumes=first.drain_id, max_phases=11)
    *_others, before, after = found(any_log, "phase.claimed")

    assert (30, "mixture at 0.9, from 10 attempts at docs/low and others") == (
        after.reserved_tokens,
        after.basis,
    )
    assert before.basis != after.basis


def test_usage_after_a_deadline_is_in_the_drains_own_report(any_log):
    """What a call used that ended too late is counted by the report as by the log."""
    create_run(any_log, "r", specs("a", max_attempts=1, timeout_s=0.5))
    create_run(any_log, "s", specs("b"))
    is_told, is_over = threading.Event(), threading.Event()
    journal_of(any_log).observers.append(
        lambda seen: is_over.set() if seen.type == "phase.timed_out" else None
    )

    def late(phase, live):
        if phase.phase_id == "b":
            is_told.wait(60)
            return
        live.record_usage(call_id="1", model="m", input_tokens=10, output_tokens=5)
        is_over.wait(60)
        try:
            live.record_usage(call_id="2", model="m", input_tokens=1000, output_tokens=500)
        finally:  # it is recorded, and whoever told it hears that it came late
            is_told.set()

    report = drain(any_log, executor=late, workers=2)

    assert (2, 1515) == (report.calls, report.total_tokens)
