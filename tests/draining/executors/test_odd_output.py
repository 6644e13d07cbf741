"""Presets read whatever a program prints: odd shapes cost what they hold, and nothing else."""

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from autopack import CommandExecutor, PhaseSpec, create_run, drain
from autopack.draining.executors.claude import Claude
from autopack.draining.executors.codex import Codex
from autopack.draining.executors.gemini import Gemini
from autopack.draining.executors.json_lines import ProgramReader
from autopack.draining.executors.opencode import Opencode
from autopack.draining.executors.output_watch import WatchedProgram
from autopack.draining.executors.qwen import Qwen
from autopack.draining.executors.usage_files import UsageChannel
from autopack.events import PhaseFailed
from autopack.log.backends.memory import MemoryBackend
from autopack.log.log import Log
from autopack.ports.work import Completed, Failed, NeedsPerson
from drains import states
from programs import CODEX_START, INIT, RESULT, codex_turn, message, printing

ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.just(10**400) | st.sampled_from(["success", "max_tokens", " ", "claude-sonnet-5"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)  # fmt: skip


@st.composite
def spoilt(draw, *models):
    """What a program really prints, with some of its values, at any depth, made odd."""
    found = json.loads(json.dumps(draw(st.sampled_from(models))))
    for _ in range(draw(st.integers(1, 3))):
        place = found
        while isinstance(place, dict) and place:
            name = draw(st.sampled_from(sorted(place)))
            if not isinstance(place[name], dict) or draw(st.booleans()):
                place[name] = draw(ODD)
                break
            place = place[name]
    return found


CLAUDE = (INIT, message(1), RESULT, {**RESULT, "is_error": True, "errors": ["x"]})
CODEX = (CODEX_START, *codex_turn(), {"type": "error", "message": '{"error": {"type": "x"}}'},
         {"type": "turn.failed", "error": {"message": "no"}})  # fmt: skip
OWN = (
    {"type": "autopack.usage", "model": "m", "output_tokens": 5},
    {"type": "autopack.progress", "note": "x"},
    {"type": "autopack.completed", "summary": "x", "outputs": {"a": "b"}},
    {"type": "autopack.failed", "code": "x", "message": "y", "retry_after_s": 1},
    {"type": "autopack.needs_person", "question": "x"},
)


def read(reader, lines):
    """Hand a reader lines and their end; check what it makes of them."""
    texts = [json.dumps(line) for line in lines]
    for text in texts:
        reader.line(text)
    reader.finish("\n".join(texts))
    assert reader.outcome is None or isinstance(reader.outcome, Completed | Failed | NeedsPerson)
    assert all(isinstance(told, dict) or told.calls(lambda _id: {}, print) is not None
               for told in reader.calls)  # fmt: skip


@given(st.lists(spoilt(*CLAUDE), max_size=4))
def test_claude_reads_odd_shapes(lines):
    """It raises at nothing."""
    read(Claude().reader("t"), lines)
    read(Claude().reader("t"), [lines])


@given(st.lists(spoilt(*CODEX), max_size=5))
def test_codex_reads_odd_shapes(lines):
    """It raises at nothing."""
    read(Codex().reader("t"), lines)


GEMINI = (
    {"type": "init", "session_id": "g", "model": "gemini-2.5-pro"},
    {"type": "message", "role": "assistant", "content": "x", "delta": True},
    {"type": "result", "status": "error", "error": {"message": '[API Error: {"error": {}}]'},
     "stats": {"models": {"g": {"total_tokens": 9, "input_tokens": 5, "cached": 1}}}},
    {"session_id": "g", "response": "x", "error": {"message": "x"},
     "stats": {"models": {"g": {"tokens": {"prompt": 5, "candidates": 3, "thoughts": 1}}}}},
)  # fmt: skip
QWEN = (
    {"type": "system", "model": "q", "session_id": "s"},
    {"type": "assistant", "message": {"id": "m", "model": "q", "usage": {"input_tokens": 5}}},
    {"type": "result", "subtype": "success", "result": "[API Error: 401 x]", "usage": {},
     "duration_api_ms": 5, "stats": {"models": {"q": {"tokens": {"prompt": 5}}}}},
)  # fmt: skip
OPENCODE = (
    {"type": "step_start", "part": {}},
    {"type": "text", "part": {"messageID": "m", "text": "x"}},
    {"type": "step_finish", "part": {"id": "p", "messageID": "m", "reason": "stop", "cost": 0.1,
     "tokens": {"input": 1, "output": 2, "reasoning": 1, "cache": {"read": 1, "write": 0}}}},
    {"type": "error", "error": {"name": "x", "data": {"statusCode": 401, "message": "x",
     "responseBody": '{"error": {"code": "x"}}', "responseHeaders": {"retry-after": "1"}}}},
)  # fmt: skip


@given(st.lists(spoilt(*GEMINI, *QWEN, *OPENCODE), max_size=4), st.text(max_size=30))
def test_other_clients_read_odd_shapes(lines, aside):
    """They raise at nothing."""
    for preset in (Gemini, Qwen, Opencode):
        reader = preset().reader("t")
        read(reader, lines)
        reader.aside(f'with status 500 {{"error": {aside}')
        reader.ended(-15)
        read(preset().reader("t"), [lines])


@given(st.lists(spoilt(*OWN) | ODD, max_size=5))
def test_our_own_lines_may_be_odd(lines):
    """What cannot be read is a problem, and no error."""
    read(ProgramReader("t"), lines)


@given(ODD)
def test_any_document_is_read(document):
    """By every reader."""
    for reader in (Claude().reader("t"), Codex().reader("t"), ProgramReader("t")):
        read(reader, [document])


@pytest.mark.parametrize(
    ("preset", "line"),
    [
        ("claude", {**RESULT, "modelUsage": [1]}),
        ("claude", {**RESULT, "modelUsage": "x"}),
        ("claude", message(1, model={"name": "x"})),  # type: ignore[arg-type]
        ("claude", {**RESULT, "total_cost_usd": 10**400}),
        ("codex", {"type": "turn.completed", "usage": {"input_tokens": [1]}}),
    ],
)
def test_an_odd_line_ends_no_phase(sqlite_log, tmp_path, preset, line):
    """The drain goes on to the program's end, and takes what can be read."""
    create_run(sqlite_log, "r", [PhaseSpec("p", category="x", complexity="low", max_attempts=1)])
    last = RESULT if preset == "claude" else codex_turn()[-1]
    executor = CommandExecutor(printing(tmp_path, line, last), preset=preset)
    with capture_logs():
        report = drain(sqlite_log, executor=executor)

    assert {"p": "COMPLETE"} == states(sqlite_log)
    assert report.calls >= 1


def pieces(data, cuts):
    """The data in pieces, as a pipe may hand it over."""
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    return [data[begin:end] for begin, end in itertools.pairwise(places)]


def printed(*models):
    """Bytes of any kind between lines that mean something, in one encoding or another."""
    line = spoilt(*models, *OWN).map(json.dumps)
    known = st.tuples(line, st.sampled_from(["utf-8", "utf-16", "utf-16-be"]))
    whole = known.map(lambda told: told[0].encode(told[1]))
    nested = st.just(b"[" * 3000) | st.just(b'{"type": "result", "usage": ' + b'{"a":' * 3000)
    return st.lists(whole | st.binary(max_size=40) | nested, max_size=5).map(b"\n".join)


@settings(max_examples=40)
@given(
    st.sampled_from([Claude(), Codex(), None]),
    printed(*CLAUDE, *CODEX),
    printed(*CLAUDE),
    printed(),
    st.lists(st.integers(0, 999), max_size=4),
    st.sampled_from([0, 1, 255, -9]),
)
def test_whatever_is_printed_ends_a_phase_by_a_name(preset, out, err, told, cuts, code):
    """Any bytes on any of the ways: the attempt ends as the program said, or as it failed."""

    async def execute(phase, live):
        reader = ProgramReader("t") if preset is None else preset.reader(live.lease_token)
        work = WatchedProgram(phase=phase, attempt=live, reader=reader, capture_bytes=200)
        with UsageChannel() as work.channel:
            Path(work.channel.environment()["AUTOPACK_USAGE_FILE"]).write_bytes(told)
            for piece in pieces(out, cuts):
                work.stdout(piece)
                work.errors.feed(err)
                await work.look()
            await work.finish()
            work.attach()
            return work.outcome("program", code)

    with capture_logs(), Log(MemoryBackend()) as log:
        create_run(log, "r", [PhaseSpec("p", category="x", complexity="low", max_attempts=1)])
        report = drain(log, executor=execute, backoff_base_s=0, max_phases=2)
        ends = [one.event for one in log.read_all(types=[PhaseFailed])]

    assert 0 == report.lost
    assert [] == [end.message for end in ends if "traceback" in end.artifacts]


class Breaking:
    """A preset of somebody's own, with a fault."""

    name, command, stdin = "breaking", ("true",), None

    def reader(self, lease_token, place):
        class Reader(ProgramReader):
            def line(self, text):
                if text == "bad":
                    raise KeyError("no such thing")
                super().line(text)

            def finish(self, whole):
                raise ValueError("not today")

        return Reader(lease_token)


def test_a_reader_that_fails_loses_its_line_and_nothing_else(sqlite_log, tmp_path):
    """What it could not read is told, and the rest recorded."""
    create_run(sqlite_log, "r", [PhaseSpec("p", category="x", complexity="low", max_attempts=1)])
    usage = {"type": "autopack.usage", "model": "m", "output_tokens": 5}
    command = printing(tmp_path, usage, then="print('bad')\nprint('good')")
    with capture_logs() as logged:
        report = drain(sqlite_log, executor=CommandExecutor(command, preset=Breaking()))

    assert ({"p": "COMPLETE"}, 1, 1) == (states(sqlite_log), report.calls, report.unreadable)
    assert 2 == logged[0]["lines"]
    assert "KeyError" in logged[0]["first"]
