"""No hook is called while the log's write lock is held: nobody who writes waits for one."""

import sqlite3
import subprocess
import sys
from collections import Counter
from typing import Any

import attrs
import pytest

import autopack
from autopack import ANY, NewEvent, hookimpl
from autopack.errors import EventIdConflictError
from autopack.events import LlmUsageRecorded
from autopack.log.log import journal_of
from autopack.plugins import hookspecs
from autopack.plugins.discovery import load_plugins
from autopack.ports.importing import ImportSource
from autopack.values.ids import derived_id
from drains import specs

HOOKS = [
    name for name in vars(hookspecs)
    if name.startswith("autopack_") and not name.startswith("autopack_register_")
]  # fmt: skip


class Probe:
    """A plugin with every hook; each takes and gives back the write lock of each log there is."""

    def __init__(self, folder):
        self.folder, self.asked, self.kept_out = folder, Counter(), []

    @hookimpl
    def autopack_guard_drain(self):
        self._look("autopack_guard_drain")

    @hookimpl
    def autopack_gate_phase(self, phase):
        self._look("autopack_gate_phase")
        return "is it good?" if phase.phase_id == "gated" else None

    @hookimpl
    def autopack_classify_failure(self):
        self._look("autopack_classify_failure")

    @hookimpl
    def autopack_price_usage(self):
        self._look("autopack_price_usage")
        return 0.25

    @hookimpl
    def autopack_category_for(self):
        self._look("autopack_category_for")

    @hookimpl
    def autopack_redact(self, text):
        self._look("autopack_redact")
        return text.replace("secret", "[gone]")

    @hookimpl
    def autopack_event_recorded(self):
        self._look("autopack_event_recorded")

    @hookimpl
    def autopack_drain_stopped(self):
        self._look("autopack_drain_stopped")

    @hookimpl
    def autopack_send_report(self):
        self._look("autopack_send_report")
        return True

    def _look(self, hook):
        self.asked[hook] += 1
        for path in [*self.folder.rglob("*.db"), *self.folder.rglob(".*.db*")]:
            if path.name.endswith(("-wal", "-shm")) or not path.stat().st_size:
                continue
            other = sqlite3.connect(path, timeout=3, isolation_level=None)
            try:
                other.execute("BEGIN IMMEDIATE")
                other.execute("ROLLBACK")
            except sqlite3.OperationalError as fault:
                self.kept_out.append((hook, path.name, str(fault)))
            finally:
                other.close()


class Told:
    """An importer of facts that are known by their ids, whose figures grow."""

    name = "told"

    def __init__(self, tokens):
        self.tokens = tokens

    def recognises(self, path):
        return False

    def read(self, path):
        event = LlmUsageRecorded(
            call_id="c", request_model="secret-1", input_tokens=1, output_tokens=self.tokens
        )
        new = NewEvent(event=event, event_id=derived_id("told", "c", "llm.usage_recorded"))
        return ImportSource(events=[("told", new)], known_by_id=True)


@pytest.fixture
def probe(tmp_path):
    """A probe of all logs in the test's folder."""
    return Probe(tmp_path)


def story(folder, registry):
    """All that appends: work in drains and out of them, decisions, imports, restores, pruning."""
    path = folder / "log.db"
    log = autopack.create_log(path, plugins=registry)
    autopack.create_run(log, "r", specs("done", "gated", "fails", model="m-1"), goal="a secret")
    autopack.create_run(log, "priced", specs("a", model="m-1"))
    autopack.set_caps(log, "r", {"usd": 100.0}, why="a secret")

    def work(phase, attempt):
        attempt.record_usage(call_id=phase.key, model="m-1", input_tokens=5, output_tokens=7)
        attempt.progress("a secret step")
        if phase.phase_id == "fails":
            return autopack.Failed("E17", "no secret user")
        return autopack.Completed({"a.md": "secret" * 200})

    autopack.drain(log, executor=work, run_id="r")
    autopack.drain(log, executor=work, run_id="priced", max_usd=5.0)
    autopack.decide_gate(log, "r/gated", decision="approve", why="a secret")
    autopack.judge_phase(log, "r/done", right=True, why="a secret")
    autopack.requeue(log, "r/fails", why="a secret")
    with autopack.attempt(log, "r/fails") as live:
        live.record_usage(call_id="o", model="m-2", input_tokens=1, output_tokens=1)
    autopack.pause_run(log, "priced", why="a secret")
    log.artifacts.put("a secret that nobody names")
    log.skip_event("s", 1, why="a secret")
    log.subscribe("s", lambda recorded: None)
    for tokens in (5, 9):
        autopack.import_history(log, Told(tokens), "nowhere")
    autopack.prune_artifacts(log, why="a secret", larger_than_bytes=1)
    autopack.send_report(log, autopack.report_runs(log, "r"), "pigeon:hill")
    log.refresh_views()
    autopack.export_history(log, "ndjson", folder / "out.ndjson")
    log.close()
    with autopack.create_log(folder / "taken.db", plugins=registry) as taken:
        autopack.import_history(taken, "ndjson", folder / "out.ndjson")
        assert log_head(path) == taken.head().position
    autopack.restore_log(path, folder / "restored.db", plugins=registry).close()


def log_head(path):
    """The last position of a log."""
    with autopack.open_log(path) as log:
        return log.head().position


def test_no_hook_is_called_under_the_write_lock(tmp_path, probe):
    """Each is called, and another writer gets the lock meanwhile."""
    story(tmp_path, load_plugins(extra=[probe]))

    assert [] == probe.kept_out
    assert [] == [hook for hook in HOOKS if not probe.asked[hook]]


def test_a_hook_under_the_lock_would_be_seen(tmp_path, probe):
    """The probe is one that can fail; an event that was not redacted before is refused."""
    with autopack.create_log(tmp_path / "log.db", plugins=load_plugins(extra=[probe])) as log:
        event = autopack.events.RunPaused(run_id="r", actor="a", why="x")
        with journal_of(log).transaction() as transaction:
            registry = log._registry
            registry.first("autopack_category_for", category="x")
            with pytest.raises(RuntimeError, match="not redacted before"):
                transaction.append_batch([("s", [event], ANY)])

    assert ["autopack_category_for"] == [hook for hook, _path, _fault in probe.kept_out]


@autopack.event("visit.paid")
class Visit:
    """As the first version of a plugin had it."""

    by: str
    took: int
    more: dict[str, Any] = attrs.Factory(dict)


@autopack.event("visit.paid", schema=2)
class TimedVisit:
    """As its second version has it."""

    by: str
    took_s: int
    more: dict[str, Any] = attrs.Factory(dict)


class Visits:
    """A version of that plugin; its upcaster looks whether another one could write."""

    def __init__(self, probe, cls):
        self.probe, self.cls = probe, cls

    @hookimpl
    def autopack_register_events(self, register):
        register(self.cls, upcasters={1: self.second} if self.cls is TimedVisit else {})

    def second(self, fields):
        self.probe._look("upcaster")
        return {"took_s": 60 * fields.pop("took"), **fields}


class VisitsFile:
    """An importer of one visit."""

    name, known_by_id = "visits", False

    def __init__(self, visit, known_by_id):
        self.visit, self.known_by_id = visit, known_by_id

    def recognises(self, path):
        return True

    def read(self, path):
        new = NewEvent(event=self.visit, event_id=derived_id("visits", "1", "visit.paid"))
        return ImportSource(events=[("visits", new)], known_by_id=self.known_by_id)


@pytest.mark.parametrize("how", ["append", "import", "import by id", "copy"])
def test_no_upcaster_is_called_under_the_write_lock(how, tmp_path, probe):
    """What a newer version tells again is compared with what the older one had stored."""
    path, other = tmp_path / "log.db", tmp_path / "other.db"
    then, now = (load_plugins(extra=[Visits(probe, cls)]) for cls in (Visit, TimedVisit))
    told = {
        cls: NewEvent(event=visit, event_id=derived_id("visits", "1", "visit.paid"))
        for cls, visit in (
            (Visit, Visit(by="kim", took=2)),
            (TimedVisit, TimedVisit(by="kim", took_s=120)),
        )
    }
    with autopack.create_log(path, plugins=then) as log:
        first = log.append("visits", [told[Visit]], expected_version=ANY)
    with autopack.open_log(path, plugins=now) as log:
        if how == "copy":
            copied = autopack.copy_log(path, other, plugins=now)
            assert copied
        elif how == "append":
            again = log.append("visits", [told[TimedVisit]], expected_version=ANY)
            assert [one.position for one in first] == [one.position for one in again]
            assert told[TimedVisit].event == again[0].event
            with pytest.raises(EventIdConflictError):
                log.append("other", [told[TimedVisit]], expected_version=ANY)
        else:
            importer = VisitsFile(told[TimedVisit].event, known_by_id=how == "import by id")
            assert 0 == autopack.import_history(log, importer, path).added
        assert 1 == log.head().position

    assert [] == probe.kept_out
    assert probe.asked["upcaster"] or how == "copy"


@pytest.mark.slow
@pytest.mark.parametrize("hook", ["autopack_redact", "autopack_price_usage", "autopack_gate_phase"])
def test_another_process_appends_while_a_hook_is_held(log_path, hook):
    """What it appended is there before the hook has answered."""
    program = (
        "import sys, autopack\n"
        "with autopack.open_log(sys.argv[1]) as log:\n"
        "    autopack.create_run(log, 'theirs', [])\n"
    )
    seen = []

    def held(*_given):
        if not seen:
            subprocess.run([sys.executable, "-c", program, str(log_path)], check=True, timeout=50)
            with autopack.open_log(log_path) as other:
                seen.append(len(list(other.read("run-theirs"))))

    answers = {
        "autopack_redact": lambda text: held() or text,
        "autopack_price_usage": lambda usage: held(),
        "autopack_gate_phase": lambda phase: held(),
    }
    given = type("Held", (), {hook: staticmethod(hookimpl(deadline_s=60)(answers[hook]))})
    with autopack.open_log(log_path, plugins=load_plugins(extra=[given()])) as log:
        autopack.create_run(log, "ours", specs("a"))
        with autopack.attempt(log, "ours/a") as live:
            live.record_usage(call_id="c", model="m", input_tokens=1, output_tokens=1)

    assert [1] == seen
