"""Codex's threads: running sums, turns that did not complete, and the file it keeps of them."""

import json

import pytest
from structlog.testing import capture_logs

from autopack import CommandExecutor, PhaseSpec, create_run, drain
from autopack.draining.executors.codex import Codex
from autopack.draining.executors.session_calls import Surroundings
from autopack.events import PhaseFailed
from programs import CODEX_START, THREAD, codex_turn, printing, script

STARTED = {"type": "turn.started"}
ANSWER = {"type": "item.completed", "item": {"id": "i1", "type": "agent_message", "text": "so"}}


def usage(given, out, cached=0, reasoning=0):
    """A thread's sums, in codex's words."""
    return {"input_tokens": given, "cached_input_tokens": cached, "cache_write_input_tokens": 0,
            "output_tokens": out, "reasoning_output_tokens": reasoning}  # fmt: skip


def failed(message):
    """The end of a turn that failed."""
    return {"type": "turn.failed", "error": {"message": message}}


def read(*lines, recorded=None, place=None):
    """Hand lines to a reader; return it, its calls, and what it says of lost usage."""
    reader, problems = Codex().reader("t", place or Surroundings()), []
    for line in lines:
        reader.line(json.dumps(line))
    reader.finish("\n".join(map(json.dumps, lines)))
    recall = {"": recorded} if recorded else {}
    calls = []
    for told in reader.calls:
        calls += told.calls(lambda _id: recall, problems.append)
    return reader, calls, [*reader.problems, *problems]


def tokens(calls):
    """Input and output of each call."""
    return [(call["input_tokens"], call["output_tokens"]) for call in calls]


def test_one_figure_that_goes_back_begins_nothing_anew():
    """Bucket by bucket: what went back has added nothing."""
    turns = [
        {"type": "turn.completed", "usage": usage(60000, 3000, 50000, 400)},
        {"type": "turn.completed", "usage": usage(60900, 3080, 49500, 430)},
    ]
    _reader, calls, _problems = read(CODEX_START, STARTED, turns[0], STARTED, turns[1])

    assert [(60000, 3000), (900, 80)] == tokens(calls)
    assert [(50000, 400), (0, 30)] == [
        (call["cache_read_tokens"], call["reasoning_tokens"]) for call in calls
    ]


def test_a_part_that_is_new_is_no_larger_than_its_whole():
    """A sum that went back leaves nothing that cannot be."""
    turns = [
        {"type": "turn.completed", "usage": usage(1000, 100, 100, 10)},
        {"type": "turn.completed", "usage": usage(900, 150, 800, 90)},
    ]
    _reader, calls, _problems = read(CODEX_START, STARTED, turns[0], STARTED, turns[1])

    assert [(0, 50)] == tokens(calls[1:])
    assert (0, 50) == (calls[1]["cache_read_tokens"], calls[1]["reasoning_tokens"])


@pytest.mark.parametrize("ends", [[], [ANSWER]])
def test_what_a_killed_turn_used_is_not_known(ends):
    """Codex tells the usage of whole turns only; nobody takes that for nothing."""
    reader, calls, problems = read(CODEX_START, STARTED, *ends)

    assert ([], "no_result") == (calls, reader.no_result.code)
    assert "not known" in problems[0]


def test_a_turn_that_was_refused_used_nothing():
    """The model has not answered in it."""
    reader, calls, problems = read(CODEX_START, STARTED, failed("unexpected status 401: no"))

    assert ([], [], 401) == (calls, problems, reader.outcome.source_fields["http_status"])


def test_a_turn_that_failed_after_an_answer_used_something():
    """How much is not told."""
    _reader, calls, problems = read(CODEX_START, STARTED, ANSWER, failed("lost"))

    assert [] == calls
    assert 1 == len(problems)


def test_a_cut_answer_is_truncated():
    """By its reason."""
    said = "Incomplete response returned, reason: max_output_tokens"
    reader, _calls, _problems = read(CODEX_START, STARTED, ANSWER, failed(said))

    assert ("truncated", "truncated") == (reader.outcome.code, reader.outcome.failure_class)


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        ("exceeded retry limit, last status: 429 Too Many Requests", {"http_status": 429}),
        ('{"status": 400, "error": {"type": "invalid_request_error", "code": "bad",'
         ' "message": "No."}}', {"http_status": 400, "error": "bad",
                                 "error_type": "invalid_request_error", "said": "No."}),
        ('{"error": {"type": "usage_limit_reached", "message": "later", "resets_at": 1795841173}}',
         {"error": "usage_limit_reached", "resets_at": 1795841173}),
        ("Quota exceeded.", {"said": "Quota exceeded."}),
    ],
)  # fmt: skip
def test_a_failed_turn_tells_its_facts(said, facts):
    """Those of the provider's own JSON, else what codex names."""
    reader, _calls, _problems = read(CODEX_START, STARTED, failed(said))

    assert facts.items() <= reader.outcome.source_fields.items()


def rollout(home, *, limits=None, thread=THREAD):
    """Write the file that codex keeps of a thread."""
    path = home / "sessions" / "2026" / "11" / "28" / f"rollout-2026-11-28T04-21-07-{thread}.jsonl"
    path.parent.mkdir(parents=True)
    sums, no_limits = usage(1610, 307, 0, 101), {"primary": None, "secondary": None}
    info = {"total_token_usage": sums, "last_token_usage": sums}
    lines = [
        {"type": "turn_context", "payload": {"model": "gpt-5.1-codex"}},
        {"type": "event_msg", "payload": {"type": "token_count", "info": None}},
        {"type": "token_usage_record", "payload": {"thread_token_usage": sums}},
        *[{"type": "event_msg", "payload": {"type": "token_count", "info": info,
                                            "rate_limits": limits or no_limits}}] * 2,
    ]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, lines)) + "\n{half")


def test_the_threads_file_knows_what_a_killed_turn_used(tmp_path):
    """Once, by its model; what was under way is missing, so it is the least."""
    rollout(tmp_path)
    place = Surroundings(env={"CODEX_HOME": str(tmp_path)})
    _reader, (call,), problems = read(CODEX_START, STARTED, ANSWER, place=place)

    assert ([(1610, 307)], "gpt-5.1-codex", True) == (
        tokens([call]), call["response_model"], call["source_fields"]["partial"],
    )  # fmt: skip
    assert "least" in problems[0]


def test_the_threads_file_knows_what_a_failed_turn_used(tmp_path):
    """All of it, and that its answer was cut."""
    rollout(tmp_path / ".codex")
    place = Surroundings(env={"HOME": str(tmp_path)})
    said = "Incomplete response returned, reason: max_output_tokens"
    _reader, (call,), problems = read(CODEX_START, STARTED, ANSWER, failed(said), place=place)

    assert ([(1610, 307)], True, []) == (tokens([call]), call["truncated"], problems)


def test_the_threads_file_names_the_model_and_the_limit(tmp_path):
    """Codex's own output does neither."""
    window = {"used_percent": 100.0, "window_minutes": 300, "resets_at": 1795841173}
    rollout(tmp_path, limits={"primary": window, "secondary": {"used_percent": 3.0}})
    place = Surroundings(env={"CODEX_HOME": str(tmp_path)})
    done = {"type": "turn.completed", "usage": usage(1610, 307)}
    _reader, (call,), _problems = read(CODEX_START, STARTED, ANSWER, done, place=place)
    reader, _calls, _problems = read(CODEX_START, STARTED, failed("usage limit"), place=place)

    assert "gpt-5.1-codex" == call["model"]
    assert {"window": "primary", "window_minutes": 300, "resets_at": 1795841173}.items() <= (
        reader.outcome.source_fields.items()
    )


def test_a_thread_that_goes_on_counts_what_is_beyond_the_log():
    """Its sums hold what processes before used; sums that do not are its own."""
    done = {"type": "turn.completed", "usage": usage(21100, 1577, 15000)}
    earlier = {"input_tokens": 19490, "cache_read_tokens": 15000, "output_tokens": 1270}
    _reader, later, _problems = read(CODEX_START, STARTED, done, recorded=earlier)
    same = {"input_tokens": 21100, "cache_read_tokens": 15000, "output_tokens": 1577}
    _reader, again, _problems = read(CODEX_START, STARTED, done, recorded=same)

    assert [[(1610, 307)], [(21100, 1577)]] == [tokens(later), tokens(again)]


def test_a_killed_thread_says_that_its_usage_is_unknown(sqlite_log, tmp_path):
    """Not that it failed before its first call."""
    create_run(sqlite_log, "r", [PhaseSpec("p", category="x", complexity="low", max_attempts=1)])
    command = printing(tmp_path, CODEX_START, STARTED, ANSWER, code=137)
    with capture_logs():
        report = drain(
            sqlite_log,
            executor=CommandExecutor(command, preset="codex", env={"CODEX_HOME": str(tmp_path)}),
        )
    (ended,) = (r.event for r in sqlite_log.read_all(types=[PhaseFailed]))

    assert ("usage_unreadable", 1) == (ended.zero_yield_reason, report.unreadable)


def test_what_a_tool_printed_may_be_of_any_length(sqlite_log, tmp_path):
    """Nothing of it is needed."""
    create_run(sqlite_log, "r", [PhaseSpec("p", category="x", complexity="low")])
    last = codex_turn()[-1]
    text = (
        "import json\n"
        f"print(json.dumps({CODEX_START!r}))\n"
        "item = {'id': 'i', 'type': 'command_execution', 'aggregated_output': 'x' * (70 * 2**20)}\n"
        "print(json.dumps({'type': 'item.completed', 'item': item}, separators=(',', ':')))\n"
        f"print(json.dumps({last!r}))\n"
    )
    report = drain(sqlite_log, executor=CommandExecutor(script(tmp_path, text), preset="codex"))

    assert (1, 0, 20264) == (report.completed, report.unreadable, report.total_tokens)
