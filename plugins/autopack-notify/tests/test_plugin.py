"""In real drains: told when it can be, and harmless when it cannot."""

import os
import subprocess
import sys
import time

import pytest
from structlog.testing import capture_logs

import autopack
from autopack import Completed, NeedsPerson, PhaseSpec, load_plugins
from autopack_notify import Webhook
from autopack_notify.messages import is_news


def drained(path, *plugins):
    """Drain one phase in a new log and return the report."""
    with autopack.create_log(path, plugins=load_plugins(extra=plugins)) as log:
        autopack.create_run(log, "r", [PhaseSpec("p1", category="docs", complexity="low")])
        return autopack.drain(log, executor=lambda phase, attempt: Completed())


def in_a_process(path, url):
    """Drain one phase by the command line, with a webhook in the environment."""
    command = "from autopack.cli.main import main; main()"
    options = ["--log", str(path), "drain", "--executor", "recorded", "--max-phases", "1"]
    return subprocess.run(
        [sys.executable, "-c", command, *options],
        env={**os.environ, "AUTOPACK_NOTIFY_URL": url, "AUTOPACK_NOTIFY_RETRIES": "0"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_found_by_its_entry_point():
    """Installed means observing, without a fault."""
    (info,) = [i for i in load_plugins().infos if i.distribution == "autopack-notify"]

    hooks = {
        "hook autopack_drain_stopped",
        "hook autopack_event_recorded",
        "hook autopack_send_report",
    }
    assert (hooks, ()) == (set(info.provides), info.faults)


def test_without_a_url_it_is_quiet(tmp_path, receiver):
    """Nothing is posted, and nothing is said."""
    with capture_logs() as logged:
        drained(tmp_path / "work.db")

    assert ([], []) == (receiver.got, logged)


def test_a_url_in_the_environment_is_told(tmp_path, receiver, monkeypatch):
    """With the header that the environment names."""
    monkeypatch.setenv("AUTOPACK_NOTIFY_URL", receiver.url)
    monkeypatch.setenv("AUTOPACK_NOTIFY_HEADER", "X-Secret: hush")
    monkeypatch.setenv("AUTOPACK_NOTIFY_TIMEOUT_S", "20")
    monkeypatch.setenv("AUTOPACK_NOTIFY_RETRIES", "0")
    report = drained(tmp_path / "work.db")
    (got,) = receiver.got

    assert report.drain_id == got["body"]["report"]["drain_id"]
    assert "hush" == got["headers"]["X-Secret"]


def test_a_webhook_is_a_plugin_by_itself(tmp_path, receiver):
    """Given to a log from Python."""
    report = drained(tmp_path / "work.db", Webhook(url=receiver.url))

    assert [report.drain_id] == [got["body"]["report"]["drain_id"] for got in receiver.got]


class TestGates:
    """A phase that waits for a person."""

    @pytest.fixture
    def gated(self, tmp_path):
        """Return a function that leaves a phase at a gate, and its event."""

        def drained(*plugins):
            with autopack.create_log(
                tmp_path / "gates.db", plugins=load_plugins(extra=plugins)
            ) as log:
                spec = PhaseSpec("p1", category="docs", complexity="low")
                autopack.create_run(log, "r", [spec])
                autopack.drain(log, executor=lambda phase, attempt: NeedsPerson("ship it?"))
                (found,) = [r for r in log.read_all() if r.type == "phase.gated"]
            return found

        return drained

    def test_it_is_told_as_soon_as_it_waits(self, gated, receiver, monkeypatch):
        """With the question and what to type; the report comes besides."""
        monkeypatch.setenv("AUTOPACK_NOTIFY_URL", receiver.url)
        recorded = gated()
        _wait_for(lambda: len(receiver.got) == 2)
        (got,) = [one for one in receiver.got if one["body"]["event"] == "phase_gated"]

        assert recorded.event_id.hex() == got["headers"]["Idempotency-Key"]
        assert {"run_id": "r", "phase_id": "p1", "question": "ship it?"} == got["body"]["gate"]
        assert "Phase r/p1 waits for a decision: ship it? (autopack" in got["body"]["text"]

    def test_a_webhook_that_is_given_tells_it_too(self, gated, receiver):
        """From Python, without a variable."""
        gated(Webhook(url=receiver.url))
        _wait_for(lambda: len(receiver.got) == 2)

        assert {"phase_gated", "drain_stopped"} == {got["body"]["event"] for got in receiver.got}

    def test_what_an_import_brings_in_is_not_told(self, gated, receiver):
        """It was decided long ago."""
        recorded = gated()
        then = recorded.occurred_at.timestamp()

        assert is_news(recorded, then + 10)
        assert not is_news(recorded, then + 3600)

    def test_no_append_waits_for_a_server(self, gated, receiver):
        """A server that does not answer keeps the background busy, and nobody else."""
        receiver.answers = [lambda handler: receiver.leave.wait(20) and None]
        hook = Webhook(url=receiver.url, timeout_s=20.0, retries=0)
        recorded = gated()
        began = time.monotonic()
        post = hook.tell_gate(recorded)

        assert time.monotonic() - began < 5
        receiver.leave.set()
        post.join(20)
        assert not post.is_alive()


def _wait_for(is_done):
    deadline = time.monotonic() + 20
    while not is_done() and time.monotonic() < deadline:
        time.sleep(0.01)


def test_a_failure_breaks_no_drain(tmp_path, absent_url):
    """The drain ends as it would have, and its log is whole."""
    path = tmp_path / "work.db"
    report = drained(path, Webhook(url=absent_url, retries=1, pause_s=0.001))
    with autopack.open_log(path) as log:
        types = [recorded.type for recorded in log.read_all()]
        is_clean = log.verify().is_clean

    assert (1, "empty") == (report.completed, report.reason)
    assert ("drain.stopped", True) == (types[-1], is_clean)


@pytest.mark.parametrize(
    ("name", "value"),
    [("URL", "file:///etc/hunter2"), ("HEADER", "hunter2"), ("TIMEOUT_S", "soon"),
     ("RETRIES", "1.5")],
)  # fmt: skip
def test_a_wrong_variable_is_a_warning(tmp_path, receiver, monkeypatch, name, value):
    """It is told without what may be secret, and the drain is as it would have been."""
    monkeypatch.setenv("AUTOPACK_NOTIFY_URL", receiver.url)
    monkeypatch.setenv(f"AUTOPACK_NOTIFY_{name}", value)
    with capture_logs() as logged:
        report = drained(tmp_path / "work.db")

    assert (1, []) == (report.completed, receiver.got)
    assert ["the webhook was not told"] == [entry["event"] for entry in logged]
    assert "hunter2" not in str(logged)


def test_the_command_line_tells_and_warns(tmp_path, receiver, absent_url):
    """In a process of its own: exit 0 either way, the warning on stderr, the result on stdout."""
    path = tmp_path / "work.db"
    with autopack.create_log(path) as log:
        specs = [PhaseSpec(f"p{n}", category="docs", complexity="low") for n in range(2)]
        autopack.create_run(log, "r", specs)
    told, warned = (in_a_process(path, url) for url in (receiver.url, absent_url))

    assert [0, 0] == [told.returncode, warned.returncode]
    assert 1 == len(receiver.got)
    assert "the webhook was not told" in warned.stderr
    assert "the webhook" not in told.stderr + told.stdout + warned.stdout
    assert "Traceback" not in warned.stderr


def test_the_plugin_is_light():
    """Loading it loads neither urllib's client nor structlog."""
    code = (
        "import sys, autopack_notify.plugin; "
        "print([m for m in ('urllib.request', 'structlog') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()
