"""What a real receiver gets of a drain and of a history, and what an import makes of it."""

import json
import os
import subprocess
import sys

import pytest
from structlog.testing import capture_logs

from autopack import (
    Completed,
    Failed,
    PhaseSpec,
    amend_usage,
    attempt,
    create_log,
    create_run,
    drain,
    export_history,
    import_history,
    replay,
    requeue,
    status,
)
from autopack.projections.attempts import ATTEMPTS
from autopack_otel.environment import is_asked

FIGURES = {
    "input_tokens": 100,
    "cache_read_tokens": 60,
    "cache_write_tokens": 10,
    "output_tokens": 20,
    "reasoning_tokens": 7,
}


def execute(phase, work):
    """One call that tells all, one that tells its total, one that tells nothing."""
    named = {"model": "m-1", "provider": "anthropic"}
    work.record_usage(call_id=f"{phase.key}-a", duration_s=0.5, **named, **FIGURES)
    work.record_usage(call_id=f"{phase.key}-b", total_tokens=50, split="total_only", **named)
    work.record_usage(call_id=f"{phase.key}-c", **named)
    if phase.phase_id == "p2":
        return Failed("tests_failed", "2 of 3 tests failed", retryable=False)
    return Completed()


def drained(folder, name="work.db"):
    log = create_log(folder / name)
    create_run(log, "nightly", [PhaseSpec("p1"), PhaseSpec("p2")])
    drain(log, executor=execute)
    return log


def calls_of(log):
    """Return the figures of each call, by its id."""
    fields = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens",
              "reasoning_tokens", "total", "known_tokens", "split")  # fmt: skip
    return {
        call.call_id: {name: getattr(call, name, None) for name in fields}
        for row in replay(log, ATTEMPTS).rows.values()
        for call in row.calls.values()
    }


def told(span):
    found = {}
    for one in span.attributes:
        kind = one.value.WhichOneof("value")
        found[one.key] = getattr(one.value, kind)
    return found


def by_id(spans):
    return {span.span_id.hex(): (span.name, span.parent_span_id.hex()) for span in spans}


def from_file(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    requests = [json.loads(line) for line in lines]
    spans = [r["resourceSpans"][0]["scopeSpans"][0]["spans"][0] for r in requests]
    return {one["spanId"]: (one["name"], one.get("parentSpanId", "")) for one in spans}


def test_a_drain_is_a_trace_of_its_run(tmp_path, receiver):
    """Within the run its phases, their attempts, and each call with its figures."""
    drained(tmp_path).close()
    spans = receiver.spans
    names = {span.span_id: span.name for span in spans}
    chats = [span for span in spans if span.name == "chat m-1"]
    first = told(next(s for s in chats if told(s)["gen_ai.response.id"] == "nightly/p1-a"))
    silent = told(next(s for s in chats if told(s)["gen_ai.response.id"] == "nightly/p1-c"))

    assert 1 == len({span.trace_id for span in spans})
    assert 11 == len(spans) == len(names)
    assert {"attempt 1"} == {names[span.parent_span_id] for span in chats}
    assert ("chat", "anthropic", "m-1") == (
        first["gen_ai.operation.name"],
        first["gen_ai.provider.name"],
        first["gen_ai.request.model"],
    )
    assert [100, 20, 60, 10, 7] == [
        first[f"gen_ai.usage.{name}"]
        for name in (
            "input_tokens", "output_tokens", "cache_read.input_tokens",
            "cache_creation.input_tokens", "reasoning.output_tokens",
        )
    ]  # fmt: skip
    assert [] == [name for name in silent if "usage" in name]
    failed = next(s for s in spans if told(s).get("autopack.attempt.ending") == "failed")
    assert (2, "tests_failed") == (failed.status.code, told(failed)["error.type"])


def test_no_words_of_the_work_are_sent(tmp_path, receiver):
    """Neither what failed, nor what it is for."""
    drained(tmp_path).close()

    assert "tests failed" not in str(receiver.traces)


def test_a_history_has_the_same_spans(tmp_path, receiver):
    """To a file, and again."""
    with drained(tmp_path) as log:
        n_spans = export_history(log, "otlp", tmp_path / "spans.jsonl")
        export_history(log, "otlp", tmp_path / "again.jsonl")

    assert len(receiver.spans) == n_spans
    assert by_id(receiver.spans) == from_file(tmp_path / "spans.jsonl")
    assert (tmp_path / "spans.jsonl").read_bytes() == (tmp_path / "again.jsonl").read_bytes()


@pytest.mark.parametrize("way", ["live", "file", "sent"])
def test_a_round_trip_gives_the_same_totals(tmp_path, receiver, way):
    """To the token; unknown stays unknown, and a split that is no measurement is marked."""
    log = drained(tmp_path)
    path = tmp_path / "spans.jsonl"
    if way == "file":
        export_history(log, "otlp", path)
    elif way == "sent":
        receiver.traces.clear()
        assert 0 == run(tmp_path, "otel", "send").returncode
        receiver.write(path)
    else:
        receiver.write(path)
    with create_log(tmp_path / "new.db") as new:
        import_history(new, "otel", path)
        again = import_history(new, "otel", path)

        assert calls_of(log) == calls_of(new)
        assert status(log).total_tokens == status(new).total_tokens
        assert 0 == again.added
    log.close()


def test_the_last_figures_of_a_call_win(tmp_path, receiver):
    """Those of amendments, also smaller ones; within an attempt they are sent once."""
    with create_log(tmp_path / "work.db") as log:
        create_run(log, "r", [PhaseSpec("p")])
        with attempt(log, "r/p") as work:
            work.record_usage(call_id="c", model="m", input_tokens=9, output_tokens=9)
            amend_usage(log, call_id="c", output_tokens=4, why="told again")
        export_history(log, "otlp", tmp_path / "one.jsonl")
        amend_usage(log, call_id="c", output_tokens=3, why="told again")
        export_history(log, "otlp", tmp_path / "two.jsonl")
        with create_log("memory:") as new:
            import_history(new, "otel", tmp_path / "two.jsonl")

            assert [3] == [call["output_tokens"] for call in calls_of(new).values()]
    assert from_file(tmp_path / "one.jsonl") == from_file(tmp_path / "two.jsonl")


def test_metrics_of_calls(tmp_path, receiver):
    """Tokens by input and output, and durations; what is not known is not counted."""
    drained(tmp_path).close()
    found = {
        metric.name: {
            told(point).get("gen_ai.token.type", ""): (point.count, point.sum)
            for point in metric.histogram.data_points
        }
        for request in receiver.metrics
        for metric in request.resource_metrics[0].scope_metrics[0].metrics
    }

    assert {"input": (2, 200.0), "output": (2, 40.0)} == found["gen_ai.client.token.usage"]
    assert {"": (2, 1.0)} == found["gen_ai.client.operation.duration"]


def test_nothing_is_sent_by_installing_alone(tmp_path, receiver, monkeypatch):
    """Nor where the SDK is turned off, or another exporter is named."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    drained(tmp_path, "off.db").close()
    monkeypatch.delenv("OTEL_SDK_DISABLED")
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT")
    drained(tmp_path, "alone.db").close()

    assert ([], []) == (receiver.traces, receiver.metrics)
    assert not is_asked({}, "TRACES")
    assert is_asked({"OTEL_TRACES_EXPORTER": "otlp"}, "TRACES")
    assert not is_asked(
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, "TRACES"
    )


def test_a_receiver_that_fails_harms_no_drain(tmp_path, receiver, monkeypatch):
    """Nothing is lost but spans; how many is told, and the log has them."""
    receiver.answer = 400
    with capture_logs() as logged, drained(tmp_path) as log:
        assert {} == dict(log.observer_faults)
        assert 2 == len(replay(log, ATTEMPTS).rows)
        assert 6 == status(log).calls
    (warning,) = [entry for entry in logged if entry["log_level"] == "warning"]

    assert (11, 11) == (warning["lost"], warning["of"])
    assert "autopack otel send" in warning["event"]


def test_another_protocol_is_told(tmp_path, receiver, monkeypatch):
    """Only one is spoken; what was asked for is named."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with capture_logs() as logged:
        drained(tmp_path).close()

    assert ["grpc"] == [entry["protocol"] for entry in logged if "protocol" in entry]
    assert 11 == len(receiver.spans)


def test_a_receiver_that_is_not_there_harms_no_drain(tmp_path, receiver, monkeypatch):
    """It ends, tells what is lost, and all is in the log."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    with capture_logs() as logged, drained(tmp_path) as log:
        assert 6 == status(log).calls

    assert [11] == [entry["lost"] for entry in logged if "lost" in entry]


def test_a_history_that_is_brought_in_is_not_sent(tmp_path, receiver):
    """A log that is made of another's export."""
    with drained(tmp_path) as log:
        export_history(log, "ndjson", tmp_path / "log.ndjson")
    receiver.traces.clear()
    with create_log(tmp_path / "new.db") as new:
        import_history(new, "ndjson", tmp_path / "log.ndjson")

    assert [] == receiver.traces


def test_a_phase_that_is_taken_again_keeps_its_ids(tmp_path, receiver):
    """A second attempt is within the same phase."""
    with drained(tmp_path) as log:
        requeue(log, "nightly/p2", why="again")
        receiver.traces.clear()
        drain(log, executor=lambda phase, work: Completed())
        export_history(log, "otlp", tmp_path / "spans.jsonl")

    assert by_id(receiver.spans).items() <= from_file(tmp_path / "spans.jsonl").items()
    assert {"attempt 2", "phase p2", "run nightly"} == {span.name for span in receiver.spans}


def run(folder, *words):
    code = "from autopack.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "--log", str(folder / "work.db"), *words],
        capture_output=True,
        text=True,
        check=False,
    )


def test_sending_says_what_did_not_arrive(tmp_path, receiver, monkeypatch):
    """With exit 1; without a receiver it is exit 2."""
    drained(tmp_path).close()
    receiver.answer = 400
    refused = run(tmp_path, "otel", "send")
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT")
    unnamed = run(tmp_path, "otel", "send")
    nameless = run(tmp_path, "otel", "send", "--endpoint", "127.0.0.1:4318")

    assert (1, "Sent 0 spans; 11 did not arrive\n") == (refused.returncode, refused.stdout)
    assert "Of the first that did not: Failed to export spans batch code: 400" in refused.stderr
    assert (2, 2) == (unnamed.returncode, nameless.returncode)
    assert "No receiver is named" in unnamed.stderr
    assert "'127.0.0.1:4318' is no address: give one as http://" in nameless.stderr


def test_an_address_without_a_path_is_that_of_the_receiver(tmp_path, receiver, monkeypatch):
    """As the standard variable has it: spans have a path of their own there."""
    drained(tmp_path).close()
    receiver.traces.clear()
    endpoint = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT")
    sent = run(tmp_path, "otel", "send", "--endpoint", endpoint)

    assert (0, "Sent 11 spans\n") == (sent.returncode, sent.stdout)
    assert 11 == len(receiver.spans)


def test_the_plugin_is_light():
    """Loading it loads nothing of OpenTelemetry."""
    code = (
        "import sys, autopack, autopack_otel.plugin; "
        "autopack.load_plugins().infos; "
        "print([m for m in sys.modules if m.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()
