"""Work that a provider has: left without a lease, asked for by any drain, paid and counted once."""

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import timedelta

import attrs
import pytest

import autopack
from autopack import Completed, Failed, NeedsPerson, Pending, PhaseRef
from autopack.errors import InvalidInputError, MoveRefusedError
from autopack.log.log import journal_of
from autopack.report.run_report import report_sheet
from autopack.report.sheet import sheet_text
from autopack.report.status import next_steps
from drains import specs

REF = PhaseRef("r", "p1")
USAGE = {"model": "m", "input_tokens": 3, "output_tokens": 5}


class Provider:
    """A provider whose answers are there once it was asked so often; it counts what it is asked."""

    name = "slow"

    def __init__(self, *, asks=1, answer=None, poll_after_s=0.01, call_id="call"):
        self.asks, self.answer, self.poll_after_s = asks, answer, poll_after_s
        self.call_id, self.works, self.asked, self.lock = call_id, [], [], threading.Lock()

    def execute(self, phase, _attempt):
        """Take a phase's work."""
        with self.lock:
            self.works.append(phase.key)
            return Pending(f"batch-{len(self.works)}", self.poll_after_s)

    def collect(self, handle, attempt):
        """Answer, or say when to ask again."""
        with self.lock:
            self.asked.append(handle)
            n = self.asked.count(handle)
        if n < self.asks:
            return Pending(handle, self.poll_after_s)
        call_id = None if self.call_id is None else f"{self.call_id}-{handle}"
        attempt.record_usage(call_id=call_id, **USAGE)
        answer = self.answer
        return Completed({"result": "done"}) if answer is None else answer(attempt)


def types_of(log, prefix="phase."):
    """Return the types of a log's events."""
    return [recorded.type for recorded in log.read_all() if recorded.type.startswith(prefix)]


def states(log):
    """Return the phases' states."""
    return [str(row.status) for row in autopack.replay(log, "phases").rows.values()]


def leases(log):
    """Return the keys of the leases of phases."""
    rows = journal_of(log).backend.leases()
    return [row.key for row in rows if row.key.startswith("phase")]


class TestOneDrain:
    """A drain submits what is queued, and collects it."""

    def test_it_waits_for_what_it_submitted(self, log):
        """Both phases are complete, each by one work, and their use is known."""
        provider = Provider(asks=3)
        report = autopack.drain(log, executor=provider)

        assert ["COMPLETE", "COMPLETE"] == states(log)
        assert ["r/p1", "r/p2"] == provider.works
        assert ("empty", 2, 2, 16) == (
            report.reason, report.completed, report.collected, report.total_tokens,
        )  # fmt: skip

    def test_what_is_recorded(self, log):
        """One event says who has it; asking again is none."""
        autopack.drain(log, executor=Provider(asks=4), phase_id="p1", run_id="r")
        submitted = next(r for r in log.read_all() if r.type == "phase.submitted")

        assert [
            "phase.queued", "phase.queued", "phase.estimated", "phase.claimed", "phase.started",
            "phase.submitted", "phase.completed",
        ] == types_of(log)  # fmt: skip
        event = submitted.event
        assert (1, "slow", "batch-1", 0.01) == (
            event.attempt, event.executor, event.handle, event.poll_after_s,
        )  # fmt: skip
        assert event.lease_token

    def test_no_slot_is_busy(self, log):
        """One worker submits all before the first answers."""
        provider = Provider(asks=2, poll_after_s=0.5)
        autopack.drain(log, executor=provider, workers=1, collect="once")

        assert 2 == len(provider.works)
        assert ["SUBMITTED", "SUBMITTED"] == states(log)
        assert [] == leases(log)

    def test_a_drain_that_asks_once_says_what_is_left(self, log):
        """How many, and when they may be asked for."""
        report = autopack.drain(log, executor=Provider(poll_after_s=3600), collect="once")

        assert ("submitted", 2, 0) == (report.reason, report.submitted, report.collected)
        assert report.detail.startswith("2 phases are with a provider; any later drain asks")

    def test_a_limit_lets_what_was_taken_end(self, log):
        """As it does with phases in work."""
        report = autopack.drain(log, executor=Provider(asks=2), max_phases=1)

        assert ("limit", 1) == (report.reason, report.completed)
        assert ["COMPLETE", "QUEUED"] == states(log)

    def test_others_come_after_it(self, any_log):
        """A phase that comes after a submitted one is taken once that is complete."""
        first, then = specs("p1", "p2")
        autopack.create_run(any_log, "r", [first, attrs.evolve(then, after=("p1",))])
        provider = Provider(asks=2)
        autopack.drain(any_log, executor=provider)

        assert ["r/p1", "r/p2"] == provider.works
        assert ["COMPLETE", "COMPLETE"] == states(any_log)

    def test_async_and_short_forms(self, log):
        """``collect`` may be a coroutine, and may take the handle alone."""

        class Short:
            async def execute(self, phase, attempt):
                return Pending("b", 0)

            async def collect(self, handle):
                return f"answer to {handle}"

        autopack.drain(log, executor=Short())
        row = autopack.get_phase(log, REF)

        assert "COMPLETE" == row.status
        assert "answer to b" == log.artifacts.get(row.outputs["result"])


class TestAnswers:
    """What comes of the work, as of any other."""

    def test_a_failure_is_tried_again(self, log):
        """By a new work, with the attempt's use counted."""
        fails = iter([True, False, False])
        provider = Provider(
            answer=lambda _a: Failed("x", "no", retryable=True) if next(fails) else Completed()
        )
        autopack.drain(log, executor=provider, backoff_base_s=0.0)

        assert ["COMPLETE", "COMPLETE"] == states(log)
        assert 3 == len(provider.works)

    def test_a_person_is_asked(self, log):
        """The phase waits at its gate."""
        autopack.drain(log, executor=Provider(answer=lambda _a: NeedsPerson("Is it so?")))

        assert ["GATED", "GATED"] == states(log)

    def test_another_handle_takes_the_place_of_the_first(self, log):
        """It is recorded, and asked for from then on."""

        class Moving(Provider):
            def collect(self, handle, attempt):
                if not handle.endswith("+"):
                    return Pending(f"{handle}+", 0)
                return super().collect(handle, attempt)

        provider = Moving()
        autopack.drain(log, executor=provider, run_id="r", phase_id="p1")
        handles = [r.event.handle for r in log.read_all() if r.type == "phase.submitted"]

        assert ["batch-1", "batch-1+"] == handles
        assert "COMPLETE" == autopack.get_phase(log, REF).status

    def test_who_cannot_collect_is_refused(self, log):
        """The work is not sent twice, and what it is known by is kept."""
        sent = []

        def only_sends(phase, _attempt):
            sent.append(phase.key)
            return Pending("batch-7", 1)

        autopack.drain(log, executor=only_sends)
        row = autopack.get_phase(log, REF)

        assert ["r/p1", "r/p2"] == sent
        assert ("FAILED", "cannot_collect") == (row.status, row.reason_code)
        assert "batch-7" in row.reason

    @pytest.mark.parametrize(("handle", "wait_s"), [
        ("", 1), (" ", 1), (5, 1), ("x" * 4001, 1), ("b", -1), ("b", "soon"), ("b", True),
        ("b", float("nan")), ("b", 10**9),
    ])  # fmt: skip
    def test_what_cannot_be_asked_for_is_no_answer(self, handle, wait_s):
        """It says which of the two is wrong."""
        with pytest.raises(InvalidInputError, match=r"Pending\("):
            Pending(handle, wait_s)


class TestFaults:
    """A provider that cannot be asked keeps the work."""

    def test_a_passing_fault_is_waited_for(self, log):
        """The same work is asked for again, and no attempt is spent."""
        faults = [ConnectionError("gone"), TimeoutError("slow")]

        class Shaky(Provider):
            def collect(self, handle, attempt):
                if faults:
                    raise faults.pop()
                return super().collect(handle, attempt)

        provider = Shaky()
        autopack.drain(log, executor=provider, backoff_base_s=0.0)

        assert ["COMPLETE", "COMPLETE"] == states(log)
        assert 2 == len(provider.works)
        assert [1, 1] == [r.attempts for r in autopack.replay(log, "phases").rows.values()]

    def test_a_fault_that_does_not_pass_leaves_it_to_a_later_drain(self, log):
        """The drain ends and says why; the next one collects."""

        class Broken(Provider):
            def collect(self, handle, attempt):
                self.asked.append(handle)
                raise KeyError("no such field")

        broken = Broken()
        report = autopack.drain(log, executor=broken)

        assert ("submitted", 2) == (report.reason, report.submitted)
        assert "no such field" in report.detail
        assert ["batch-1", "batch-2"] == broken.asked
        autopack.drain(log, executor=Provider())
        assert ["COMPLETE", "COMPLETE"] == states(log)

    def test_a_refused_key_is_met_once(self, log):
        """What every other phase would meet too is not tried with each."""

        class Refused(Exception):
            status_code = 401

        class Locked(Provider):
            def collect(self, handle, attempt):
                self.asked.append(handle)
                raise Refused("invalid api key")

        locked = Locked()
        report = autopack.drain(log, executor=locked, workers=1)

        assert "submitted" == report.reason
        assert len(locked.asked) <= 2
        assert 2 == report.submitted

    def test_a_drain_without_the_executor_says_so(self, log):
        """It collects nothing, and loses nothing."""
        autopack.drain(log, executor=Provider(asks=9, poll_after_s=0), collect="once")
        report = autopack.drain(log, executor=lambda _p, _a: "other")

        assert ("submitted", 2) == (report.reason, report.submitted)
        assert "executor slow is not here" in report.detail


class TestPeople:
    """What people may do meanwhile."""

    def left(self, log):
        """Leave both phases with a provider."""
        autopack.drain(log, executor=Provider(poll_after_s=3600), collect="once")

    def test_it_can_be_called_off(self, log):
        """Its answer is not asked for any more."""
        self.left(log)
        autopack.cancel(log, REF, why="not needed")
        provider = Provider(poll_after_s=0)
        journal_of(log).clock = lambda: time.time() + 7200
        autopack.drain(log, executor=provider)

        assert ["CANCELLED", "COMPLETE"] == states(log)
        assert ["batch-2"] == provider.asked

    def test_it_is_not_begun_anew_beside_itself(self, log):
        """A requeue is refused, and says what can be done."""
        self.left(log)

        with pytest.raises(MoveRefusedError, match="its provider has it"):
            autopack.requeue(log, REF, why="again")

    def test_where_it_shows(self, log):
        """In the phase, the status and the totals."""
        self.left(log)
        row = autopack.get_phase(log, REF)
        stands = autopack.status(log)

        assert ("SUBMITTED", "batch-1", None) == (row.status, row.handle, row.worker)
        assert row.poll_at - row.since == timedelta(seconds=3600)
        assert {"SUBMITTED": 2} == dict(stands.phases_by_state)
        assert "autopack --log" in (step := next_steps(stands)[0])
        assert " drain" in step
        assert () == stands.live

    def test_it_shows_in_every_view_and_page(self, sqlite_log, tmp_path):
        """In SQL, CSV, the morning page and a replay of any moment; verified views agree."""
        autopack.create_run(sqlite_log, "r", specs("p1", "p2"))
        before = sqlite_log.head().position
        self.left(sqlite_log)
        with closing(sqlite3.connect(sqlite_log.target)) as database:
            told = database.execute("SELECT phase_id, state FROM v_phases ORDER BY 1").fetchall()
        autopack.export_history(sqlite_log, "csv", tmp_path / "phases.csv")
        (line,) = autopack.report_runs(sqlite_log, "r").runs
        page = sheet_text(report_sheet(autopack.report_runs(sqlite_log, "r")))
        then = [
            [row.status for row in autopack.replay(sqlite_log, "phases", until=place).rows.values()]
            for place in (before, None)
        ]

        assert [("p1", "SUBMITTED"), ("p2", "SUBMITTED")] == told
        assert 2 == (tmp_path / "phases.csv").read_text().count(",SUBMITTED,")
        assert {"SUBMITTED": 2} == dict(line.phases_by_state)
        assert "2 submitted" in page
        assert [["QUEUED"] * 2, ["SUBMITTED"] * 2] == then
        assert sqlite_log.verify(views=True).is_clean

    def test_a_cap_keeps_what_was_set_aside(self, any_log):
        """Until it is collected, and if it is called off, for good: the provider is paid."""
        autopack.create_run(any_log, "r", specs("p1", "p2"), caps={"tokens": 10_000_000})
        self.left(any_log)
        caps = [r.type for r in any_log.read_all() if r.type.startswith("cap.settled")]
        autopack.cancel(any_log, REF, why="not needed")
        settled = [r.event for r in any_log.read_all() if r.type == "cap.settled"]

        assert [] == caps
        assert 1 == len(settled)
        assert settled[0].tokens > 0


class TestTwoDrains:
    """Of two that ask at once, one collects."""

    def test_only_one_asks_at_a_time(self, another):
        """While one asks, the other leaves it alone; nothing is counted twice."""
        log = another(clock=time.time)
        autopack.create_run(log, "r", specs("p1"))
        autopack.drain(log, executor=Provider(poll_after_s=0, asks=9), collect="once")
        began, go_on = threading.Event(), threading.Event()

        class Holding(Provider):
            def collect(self, handle, attempt):
                began.set()
                go_on.wait(20)
                return super().collect(handle, attempt)

        first, second = Holding(), Provider()
        thread = threading.Thread(
            target=lambda: autopack.drain(another(clock=time.time), executor=first)
        )
        thread.start()
        began.wait(20)
        report = autopack.drain(log, executor=second, collect="once")
        go_on.set()
        thread.join(20)

        assert [] == second.asked
        assert "submitted" == report.reason
        assert ["COMPLETE"] == states(log)
        assert 1 == types_of(log, "llm.").count("llm.usage_recorded")

    def test_an_answer_that_comes_twice_counts_once(self, another):
        """One that lost its lease while it asked finds the phase ended."""
        log = another(clock=time.time)
        autopack.create_run(log, "r", specs("p1"))
        autopack.drain(log, executor=Provider(poll_after_s=0, asks=9), collect="once")
        other = another(clock=time.time)

        class Overtaken(Provider):
            def collect(self, handle, attempt):
                backend = journal_of(log).backend
                with backend.transaction() as store:
                    for row in store.leases():
                        store.drop_lease(row.key, row.token)
                autopack.drain(other, executor=Provider(call_id=None))
                return super().collect(handle, attempt)

        autopack.drain(log, executor=Overtaken(call_id=None))

        assert 1 == types_of(log).count("phase.completed")
        assert 1 == types_of(log, "llm.").count("llm.usage_recorded")


KILLED = """
import sys, time, autopack
from autopack import Completed, Pending

class Slow:
    name = "slow"

    def execute(self, phase, attempt):
        with open(sys.argv[2], "a") as works:
            works.write(phase.key + "\\n")
        return Pending("batch-1", 0.05)

    def collect(self, handle, attempt):
        with open(sys.argv[3], "a") as asked:
            asked.write(handle + "\\n")
        if sys.argv[4] == "usage":
            attempt.record_usage(model="m", input_tokens=3, output_tokens=5)
        if sys.argv[4] != "answer":
            time.sleep(60)
        attempt.record_usage(model="m", input_tokens=3, output_tokens=5)
        return Completed({"result": "done"})

with autopack.open_log(sys.argv[1]) as log:
    autopack.drain(log, executor=Slow(), lease_s=1)
"""


@pytest.mark.parametrize("when", ["asked", "usage"])
def test_a_kill_between_submit_and_collect_pays_once(tmp_path, when):
    """Killed while it asks, or between the use and the end: one work, one answer, its use once."""
    path = tmp_path / "work.db"
    works, asked = tmp_path / "works", tmp_path / "asked"
    with autopack.create_log(path) as log:
        autopack.create_run(log, "r", specs("p1"))
    line = [sys.executable, "-c", KILLED, str(path), str(works), str(asked)]
    first = subprocess.Popen([*line, when])
    ends = time.monotonic() + 60
    while not asked.exists() and time.monotonic() < ends:
        time.sleep(0.02)
    if when == "usage":
        with autopack.open_log(path) as log:
            while "llm.usage_recorded" not in types_of(log, "llm.") and time.monotonic() < ends:
                time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.wait()
    subprocess.run([*line, "answer"], check=True, timeout=60)

    assert ["r/p1"] == works.read_text().split()
    with autopack.open_log(path) as log:
        assert ["COMPLETE"] == states(log)
        assert 1 == types_of(log).count("phase.claimed")
        assert 8 == autopack.status(log).total_tokens


class TestMadeAgain:
    """A later drain makes the executor again as the log kept it, if the log is its own."""

    class Endpoint(Provider):
        """A provider at an address, made again from its settings."""

        def __init__(self, url="http://one"):
            super().__init__(poll_after_s=0)
            self.url, self.settings = url, {"url": url}

        @classmethod
        def again(cls, settings):
            """Make it as it was."""
            return cls(settings["url"])

        def collect(self, handle, attempt):
            """Say who answered."""
            attempt.record_usage(call_id=handle, **USAGE)
            return Completed({"result": self.url})

    def collected(self, log):
        """Return which endpoint answered a drain for another one."""
        autopack.drain(log, executor=self.Endpoint("http://two"))
        return log.artifacts.get(autopack.get_phase(log, REF).outputs["result"])

    def submitted(self, log):
        """Leave a phase at an endpoint that is not due."""
        autopack.create_run(log, "r", specs("p1"))
        executor = self.Endpoint()
        executor.poll_after_s = 0.2
        autopack.drain(log, executor=executor, collect="once")

    def test_the_endpoint_that_has_the_work_is_asked(self, any_log):
        """Not the one that the later drain was given for its own."""
        self.submitted(any_log)

        assert "http://one" == self.collected(any_log)

    def test_what_came_from_another_log_names_no_endpoint(self, any_log, tmp_path):
        """It goes to the executor that somebody here has given."""
        self.submitted(any_log)
        autopack.export_history(any_log, "ndjson", tmp_path / "log.ndjson")
        with autopack.create_log(tmp_path / "other.db") as other:
            autopack.import_history(other, "ndjson", tmp_path / "log.ndjson")

            assert "http://two" == self.collected(other)
