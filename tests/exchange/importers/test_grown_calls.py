"""Calls that a source tells in several lines: counted once, with the figures of the last one."""

import json
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest

from autopack import create_log, import_history, status
from autopack.events import LlmUsageRecorded
from autopack.events.usage import usage_id
from autopack.ports.importing import ImportSource
from autopack.ports.log import NewEvent
from autopack.testing.facts import append_all, created, queued
from autopack.values.ids import derived_id
from autopack.values.money import Usd
from drains import found


def line_ids(number, line):
    """A naive importer's ids: one a line."""
    return derived_id("naive", f"{number}", "llm.usage_recorded")


def call_ids(_number, line):
    """Ids by the call, as the library's own."""
    return usage_id("p", line["call"])


class Lines:
    """Reads a call a line, each as a call of its own."""

    name = "lines"

    def __init__(self, id_of):
        self.id_of = id_of

    def recognises(self, path):
        return False

    def read(self, path):
        lines = map(json.loads, Path(path).read_text(encoding="utf-8").splitlines())
        return ImportSource(events=[self.told(*one) for one in enumerate(lines)])

    def told(self, number, line):
        run_id = line.get("run_id", "r")
        figures = {name: line[name] for name in line if name not in ("call", "run_id")}
        event = LlmUsageRecorded(
            run_id=run_id, phase_id="p", attempt=1, call_id=line["call"], provider="p", **figures
        )
        return f"phase-{run_id}/p", NewEvent(event=event, event_id=self.id_of(number, line))


@pytest.fixture(params=[line_ids, call_ids], ids=["an id a line", "an id a call"])
def source(request, tmp_path):
    """Imports lines into a log, by an importer with such ids; returns the report."""
    path = tmp_path / "session.jsonl"

    def imported(log, *lines):
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        return import_history(log, Lines(request.param), path)

    return imported


@pytest.fixture
def log():
    """A log with a phase in it."""
    with create_log("memory:") as made:
        append_all(made, [created(), queued()])
        yield made


def grown(*outputs, call="c"):
    """Lines of one call whose output grows."""
    return [{"call": call, "input_tokens": 100, "output_tokens": one} for one in outputs]


def used(log):
    """Calls, their total tokens and output so far."""
    stands = status(log)
    return stands.calls, stands.total_tokens, stands.output_tokens


def test_the_last_figures_count(log, source):
    """One message in three lines is one call, of what the last line says."""
    report = source(log, *grown(5, 40, 90), *grown(7, call="d"))

    assert (2, 297, 97) == used(log)
    assert {"llm.usage_recorded": 2, "llm.usage_amended": 2} == report.added_by_type
    assert 4 == report.read
    assert [40, 90] == [one.output_tokens for one in found(log, "llm.usage_amended")]


def test_a_second_import_adds_nothing(log, source):
    """The same file again changes no total, and no event is added."""
    lines = grown(5, 40, 40, 90, 40, 90)
    source(log, *lines)
    before, again = log.head(), source(log, *lines)

    assert (before, 0, (1, 190, 90)) == (log.head(), again.added, used(log))


def test_a_file_that_has_grown_adds_what_is_new(log, source):
    """A message that was half told yesterday has today's figures."""
    source(log, *grown(5, 40))
    report = source(log, *grown(5, 40, 90))

    assert (1, 190, 90) == used(log)
    assert {"llm.usage_amended": 1} == dict(report.added_by_type)


def test_an_importer_that_tells_each_call_once_may_tell_more_later(log, tmp_path):
    """Each import has the last line of a call only, under the call's id; the last one counts."""
    path = tmp_path / "session.jsonl"
    for output in (5, 40, 90, 90):
        path.write_text(json.dumps(grown(output)[0]) + "\n", encoding="utf-8")
        import_history(log, Lines(call_ids), path)

    assert (1, 190, 90) == used(log)
    assert 3 == len(found(log, "llm.usage_recorded") + found(log, "llm.usage_amended"))


def test_a_later_cost_counts_too(log, source):
    """What a call cost is what was told last; where that tells none, the price stays."""
    lines = grown(5, 40, 40)
    lines[0]["cost_usd"], lines[1]["cost_usd"] = "0.10", "0.40"
    source(log, *lines)

    assert Usd.of("0.40") == status(log).cost_usd


def test_a_call_of_another_run_is_no_later_line(log, tmp_path):
    """A provider's id that is met in two runs is left as it is told, and counted in both."""
    path = tmp_path / "session.jsonl"
    lines = [*grown(5), {**grown(9)[0], "run_id": "s"}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    import_history(log, Lines(line_ids), path)

    assert [] == found(log, "llm.usage_amended")
    assert (2, 214, 14) == used(log)


def test_a_line_that_tells_no_more_is_the_same_call(tmp_path, log):
    """Each line has its own time; what a call's first line told is what it is."""
    event = LlmUsageRecorded(run_id="r", phase_id="p", call_id="c", provider="p", output_tokens=1)
    times = [datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC) for second in (0, 1, 2)]
    grown = attrs.evolve(event, output_tokens=8)
    lines = [
        NewEvent(event=one, event_id=usage_id("p", "c"), occurred_at=at)
        for one, at in zip((event, event, grown), times, strict=True)
    ]

    class Timed(Lines):
        def read(self, path):
            return ImportSource(events=[("phase-r/p", line) for line in lines])

    path = tmp_path / "x.jsonl"
    path.write_text("{}\n", encoding="utf-8")
    import_history(log, Timed(call_ids), path)
    import_history(log, Timed(call_ids), path)

    assert (1, 1) == (len(found(log, "llm.usage_recorded")), len(found(log, "llm.usage_amended")))
    assert 8 == status(log).output_tokens
