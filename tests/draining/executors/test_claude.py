"""Claude Code's sessions: several results, sessions gone on with, refusals, what breaks off."""

import json
import os
from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from autopack import CommandExecutor, PhaseSpec, create_run, drain, read_text, replay
from autopack.draining.executors.claude import Claude
from autopack.draining.executors.session_calls import Surroundings
from autopack.events import LlmUsageRecorded, PhaseCompleted, PhaseFailed
from autopack.events.usage import terms_of
from autopack.ports.work import USAGE_PROBLEMS, Completed, Failed
from autopack.report.drain_text import drain_text
from programs import INIT, SESSION, message, printing, script

ZERO = {"input_tokens": 0, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0,
        "output_tokens": 0}  # fmt: skip
SYNTHETIC = {
    "type": "assistant", "session_id": SESSION, "parent_tool_use_id": None, "error": "rate_limit",
    "api_error_status": 429, "api_error": "usage_limit_reached",
    "message": {"id": "s1", "model": "<synthetic>", "stop_reason": "stop_sequence",
                "usage": ZERO, "content": [{"type": "text", "text": "limit"}]},
}  # fmt: skip
REFUSED = {
    "type": "result", "subtype": "success", "is_error": True, "api_error_status": 429,
    "result": "You've hit your 5-hour limit", "session_id": SESSION, "total_cost_usd": 0,
    "usage": ZERO, "modelUsage": {}, "terminal_reason": "api_error",
}  # fmt: skip
MODEL = "claude-sonnet-5"


def used(n, *, output=100, cost=0.1, **more):
    """What ``modelUsage`` tells of n equal calls."""
    return {"inputTokens": 10 * n, "cacheReadInputTokens": 500 * n,
            "cacheCreationInputTokens": 0, "outputTokens": output * n,
            "costUSD": round(cost * n, 6), **more}  # fmt: skip


def result(by_model, *, turns=1, total=None, **more):
    """A result whose turn was so many of those calls."""
    usage = {"input_tokens": 10 * turns, "cache_read_input_tokens": 500 * turns,
             "cache_creation_input_tokens": 0, "output_tokens": 100 * turns}  # fmt: skip
    cost = sum(one["costUSD"] for one in by_model.values()) if total is None else total
    return {"type": "result", "subtype": "success", "is_error": False, "session_id": SESSION,
            "result": "done", "stop_reason": "end_turn", "total_cost_usd": cost, "usage": usage,
            "modelUsage": by_model, **more}  # fmt: skip


def read(*lines, recorded=None, place=None):
    """Hand lines to a reader; return it, its calls, and what it says of lost usage."""
    reader, problems = Claude().reader("t", place or Surroundings()), []
    for line in lines:
        reader.line(json.dumps(line))
    reader.finish("\n".join(map(json.dumps, lines)))
    calls = []
    for told in reader.calls:
        later = not isinstance(told, dict)
        calls += told.calls(lambda _id: recorded or {}, problems.append) if later else [told]
    return reader, calls, [*reader.problems, *problems]


def tokens(calls):
    """Input and output of each call."""
    return [(call["input_tokens"], call["output_tokens"]) for call in calls]


def test_a_refused_session_has_no_call():
    """Zeros are no call, and what the client wrote itself is no model's."""
    reader, calls, problems = read(INIT, SYNTHETIC, REFUSED)

    assert ([], []) == (calls, problems)
    assert isinstance(reader.outcome, Failed)


def test_a_refusal_is_told_as_facts():
    """Status, error, sentence, window and reset: the class is made from these."""
    limit = {"type": "rate_limit_event", "rate_limit_info": {
        "status": "rejected", "rateLimitType": "five_hour", "resetsAt": 1795841173}}  # fmt: skip
    reader, _calls, _problems = read(INIT, limit, SYNTHETIC, REFUSED)
    facts = reader.outcome.source_fields
    names = ("http_status", "error", "assistant_error", "said", "window", "resets_at",
             "terminal_reason")  # fmt: skip

    assert [429, "usage_limit_reached", "rate_limit", "You've hit your 5-hour limit", "five_hour",
            1795841173, "api_error"] == [facts[name] for name in names]  # fmt: skip


def test_a_window_that_is_not_used_up_is_no_fact_of_a_failure():
    """It is kept with the call, to be shown."""
    info = {"status": "allowed_warning", "rateLimitType": "seven_day", "utilization": 0.9}
    _reader, calls, _problems = read(
        INIT, {"type": "rate_limit_event", "rate_limit_info": info}, result({MODEL: used(1)})
    )

    assert info == calls[-1]["source_fields"]["rate_limit_info"]


def test_of_several_results_each_counts_what_it_adds():
    """Sums of a process go on from one result to the next; the last says how it ended."""
    first = result({MODEL: used(1)}, result="runs behind", duration_api_ms=1500)
    second = result({MODEL: used(3)}, turns=2, result="all done", duration_api_ms=4000)
    reader, calls, _problems = read(INIT, first, message(1), second)

    assert [(510, 100), (1020, 200)] == tokens(calls)
    assert [Decimal("0.1"), Decimal("0.2")] == [call["cost_usd"] for call in calls]
    assert [1.5, 2.5] == [call["duration_s"] for call in calls]
    assert 2 == len({call["call_id"] for call in calls})
    assert {"result": "all done"} == reader.outcome.outputs


def test_what_is_new_since_the_last_result_is_taken_where_it_is_told():
    """Then the sums are of no interest, whatever they hold."""
    sums = {MODEL: used(9)}
    since = {"model_usage_since_last_result": {MODEL: used(2)}}
    _reader, calls, _problems = read(
        INIT, result(sums, **since), result(sums, model_usage_since_last_result={})
    )

    assert [(1020, 200)] == tokens(calls)
    assert Decimal("0.2") == calls[0]["cost_usd"]


def test_a_session_that_goes_on_counts_what_is_beyond_the_log():
    """The sums since its beginning are the log's and this process's."""
    recorded = {MODEL: {"input_tokens": 1020, "cache_read_tokens": 1000, "output_tokens": 200,
                        "cost_usd": Decimal("0.2")}}  # fmt: skip
    _reader, calls, _problems = read(result({MODEL: used(3)}), recorded=recorded)

    assert [(510, 100)] == tokens(calls)
    assert Decimal("0.1") == calls[0]["cost_usd"]


@pytest.mark.parametrize("n_recorded", [1, 3, 5])
def test_a_client_that_begins_at_zero_again_is_counted_whole(n_recorded):
    """Its sums are its turn's, or leave no room for it beside what is recorded."""
    recorded = {MODEL: {"input_tokens": 510 * n_recorded, "cache_read_tokens": 500 * n_recorded,
                        "output_tokens": 100 * n_recorded}}  # fmt: skip
    _reader, calls, _problems = read(result({MODEL: used(1)}), recorded=recorded)

    assert [(510, 100)] == tokens(calls)


def test_helpers_are_no_earlier_process():
    """What the stream itself has shown is of this process, so the sums began with it."""
    recorded = {MODEL: {"input_tokens": 510, "cache_read_tokens": 500, "output_tokens": 100}}
    helper = {**message(1), "parent_tool_use_id": "toolu_1"}
    sums = {MODEL: {**used(1), "inputTokens": 14, "cacheReadInputTokens": 1510}}
    helper["message"]["usage"]["cache_creation_input_tokens"] = 0
    own = message(2)
    own["message"]["usage"] = {"input_tokens": 10, "cache_read_input_tokens": 510}
    _reader, calls, _problems = read(INIT, helper, own, result(sums), recorded=recorded)

    assert [(1524, 100)] == tokens(calls)


def test_sessions_that_go_on_are_added_up_in_a_log(sqlite_log, tmp_path):
    """Three phases in one session cost what the session cost."""
    specs = [PhaseSpec(f"p{n}", category="docs", complexity="low") for n in (1, 2, 3)]
    create_run(sqlite_log, "r", specs)
    (tmp_path / "n").write_text("0")
    text = (
        f"n = int(open({str(tmp_path / 'n')!r}).read()) + 1\n"
        f"open({str(tmp_path / 'n')!r}, 'w').write(str(n))\n"
        f"import json\none = {result({MODEL: used(1)})!r}\n"
        "for name in one['modelUsage'].values():\n"
        "    for key in name: name[key] = round(name[key] * n, 6)\n"
        "one['total_cost_usd'] = round(0.1 * n, 6)\nprint(json.dumps(one))\n"
    )
    report = drain(sqlite_log, executor=CommandExecutor(script(tmp_path, text), preset="claude"))

    assert (3, 1830, Decimal("0.3")) == (report.calls, report.total_tokens, report.cost_usd)


def test_a_variant_is_no_model_of_its_own():
    """Two windows of one model are one call; who serves it is told, and what else there is."""
    by_model = {f"{MODEL}[1m]": used(1, thinkingTokens=40, maxOutputTokens=64000,
                                     canonicalModel=MODEL, provider="bedrock",
                                     cacheCreationEphemeral1hInputTokens=0),
                MODEL: used(1, canonicalModel=MODEL, provider="bedrock")}  # fmt: skip
    _reader, (call,), _problems = read(INIT, result(by_model))

    assert (MODEL, MODEL, "bedrock", 1020, 200, 40) == (
        call["model"], call["response_model"], call["provider"], call["input_tokens"],
        call["output_tokens"], call["reasoning_tokens"],
    )  # fmt: skip


def test_writes_for_an_hour_and_the_most_of_an_output_are_kept():
    """A price needs the first, and a larger budget the second."""
    by_model = {MODEL: {**used(1), "cacheCreationInputTokens": 50, "maxOutputTokens": 64000,
                        "cacheCreationEphemeral1hInputTokens": 30}}  # fmt: skip
    _reader, (call,), _problems = read(INIT, result(by_model))

    assert (64000, 30) == (call["max_tokens"], call["source_fields"]["cache_write_1h_tokens"])


def test_terms_are_those_of_the_main_loop():
    """What the result tells of them is of its own usage; a helper's model is not meant."""
    by_model = {MODEL: used(1), "claude-haiku-4-5": used(1)}
    told = {**result(by_model), "usage": {"speed": "fast", "service_tier": "standard"}}
    _reader, calls, _problems = read(INIT, told)

    assert {MODEL: {"speed": "fast"}, "claude-haiku-4-5": {}} == {
        call["model"]: terms_of(call["source_fields"]) for call in calls
    }


@pytest.mark.parametrize(
    ("told", "most"),
    [
        ({"result": "API Error: Claude's response exceeded the 4096 output token maximum."}, 4096),
        ({"api_error": "max_output_tokens", "result": "no more"}, None),
    ],
)
def test_an_answer_that_was_cut_is_told_by_an_error(told, most):
    """The client asks to go on a few times, and then says so itself."""
    ended = result({MODEL: used(4)}, is_error=True, stop_reason="stop_sequence", **told)
    reader, (call,), _problems = read(INIT, ended)

    assert ("truncated", "truncated") == (reader.outcome.code, reader.outcome.failure_class)
    assert (True, "max_tokens", most) == (
        call["truncated"], call["stop_reason"], call.get("max_tokens"),
    )  # fmt: skip


def test_the_words_of_an_answer_are_no_error():
    """A result that is none may speak of limits."""
    said = "Documented: the response exceeded the 4096 output token maximum."
    reader, (call,), _problems = read(INIT, result({MODEL: used(1)}, result=said))

    assert isinstance(reader.outcome, Completed)
    assert not call["truncated"]


def test_a_safety_stop_is_refused():
    """Its usage counts."""
    ended = result({MODEL: used(1)}, is_error=True, stop_reason="refusal", result="API Error: no")
    reader, calls, _problems = read(INIT, ended)

    assert "refused" == reader.outcome.failure_class
    assert [(510, 100)] == tokens(calls)


def test_a_stream_without_its_result_is_a_failure():
    """Another attempt may help; what was used is the least that it can be."""
    reader, calls, problems = read(INIT, message(1), message(1))

    assert ("no_result", True) == (reader.no_result.code, reader.no_result.retryable)
    assert [(1104, 3)] == tokens(calls)
    assert "least" in problems[0]


def test_text_that_never_was_a_stream_is_no_failure():
    """The program's JSON output is off."""
    reader = Claude().reader("t")
    reader.line("Done.")
    reader.finish("Done.")

    assert reader.no_result is None


def test_a_killed_phase_keeps_what_its_stream_began(sqlite_log, tmp_path):
    """With exit 0 and no result it is done in no way."""
    create_run(sqlite_log, "r", [PhaseSpec("p", category="x", complexity="low", max_attempts=1)])
    with capture_logs():
        report = drain(
            sqlite_log,
            executor=CommandExecutor(
                printing(tmp_path, INIT, message(1)), preset="claude", env={"HOME": str(tmp_path)}
            ),
        )
    (ended,) = (r.event for r in sqlite_log.read_all(types=[PhaseFailed]))

    assert ("no_result", 1, 1) == (ended.code, report.calls, report.unreadable)
    assert USAGE_PROBLEMS in ended.artifacts


def test_partial_messages_tell_the_output_to_its_end():
    """A message's last event has what it wrote in all."""
    started = {"type": "stream_event", "parent_tool_use_id": None, "event": {
        "type": "message_start", "message": {"id": "msg_1", "model": MODEL, "usage": {
            "input_tokens": 4, "cache_read_input_tokens": 1000,
            "cache_creation_input_tokens": 100, "output_tokens": 1}}}}  # fmt: skip
    delta = {"type": "stream_event", "parent_tool_use_id": None, "event": {
        "type": "message_delta", "delta": {"stop_reason": "tool_use"},
        "usage": {"output_tokens": 307}}}  # fmt: skip
    _reader, (call,), _problems = read(INIT, started, message(1, output_tokens=1), delta)

    assert (1104, 307, "measured") == (call["input_tokens"], call["output_tokens"], call["split"])


def session_file(folder, *, helper=False, outputs=(307,), prefix="msg"):
    """Write a client's own file of the session, each message with its final figures."""
    place = folder / "projects" / "-home-user-w"
    path = place / SESSION / "subagents" / "agent-1.jsonl" if helper else place / f"{SESSION}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [message(n, output_tokens=output) for n, output in enumerate(outputs, start=1)]
    for line in lines:
        line["message"]["id"] = line["message"]["id"].replace("msg", prefix)
    with path.open("a") as file:
        for line in lines:
            file.write(json.dumps(line) + "\n" + json.dumps({**line, "uuid": "again"}) + "\n")
        file.write(json.dumps({"type": "cost-state"}) + "\n{half")


def test_the_clients_own_file_knows_what_a_killed_session_used(tmp_path):
    """Each message once, helpers' too; the stream had what was written when each began."""
    session_file(tmp_path, outputs=(307, 400))
    session_file(tmp_path, helper=True, outputs=(50,), prefix="sub")
    place = Surroundings(env={"CLAUDE_CONFIG_DIR": str(tmp_path)})
    _reader, (call,), problems = read(INIT, message(1), place=place)

    assert (3312, 757, "measured") == (call["input_tokens"], call["output_tokens"], call["split"])
    assert "session file" == call["source_fields"]["source"]
    assert problems


def test_of_a_session_that_goes_on_only_what_this_process_did_counts(tmp_path):
    """It begins where the stream does; without a message, where the log ends."""
    session_file(tmp_path, outputs=(1000,), prefix="old")
    session_file(tmp_path, outputs=(307,))
    place = Surroundings(env={"HOME": str(tmp_path.parent), "CLAUDE_CONFIG_DIR": str(tmp_path)})
    known = {MODEL: {"input_tokens": 1104, "cache_read_tokens": 1000, "cache_write_tokens": 100,
                     "output_tokens": 1000}}  # fmt: skip
    _reader, seen, _problems = read(INIT, message(1), place=place)
    _reader, unseen, _problems = read(INIT, place=place, recorded=known)

    assert [[(1104, 307)]] * 2 == [tokens(seen), tokens(unseen)]


@pytest.mark.parametrize("session", ["../../etc/passwd", "*", "a/b", ""])
def test_a_session_id_names_a_file_and_nothing_else(tmp_path, session):
    """What could lead elsewhere is not looked for."""
    session_file(tmp_path)
    place = Surroundings(env={"CLAUDE_CONFIG_DIR": str(tmp_path)})
    _reader, calls, _problems = read({**INIT, "session_id": session}, place=place)

    assert [] == calls


DENIED = {"permission_denials": [{"tool_name": "Write"}, {"tool_name": "Bash"}]}


def test_denied_tools_are_told(tmp_path):
    """In the summary, and with the call."""
    (tmp_path / "a.md").write_text("x")
    place = Surroundings(cwd=tmp_path, deliverables=("a.md", "*.md"))
    reader, (call,), _problems = read(INIT, result({MODEL: used(1)}, **DENIED), place=place)

    assert reader.outcome.summary.startswith("2 uses of tools were denied (Bash, Write): done")
    assert 2 == call["source_fields"]["permission_denials"]
    assert ["Write null", "Bash null"] == reader.denied


def test_denied_tools_are_in_the_closing_report(sqlite_log, tmp_path):
    """How many attempts had some, and where one can see which."""
    create_run(sqlite_log, "r", [PhaseSpec(n, category="x", complexity="low") for n in "ab"])
    denied = {"tool_name": "Write", "tool_input": {"file_path": "a.md"}}
    for name, n in (("a", 0), ("b", 120)):
        lines = [INIT, result({MODEL: used(1)}, permission_denials=[denied] * n)]
        (tmp_path / name).write_text("\n".join(map(json.dumps, lines)))
    command = ["cat", f"{tmp_path}/{{phase_id}}"]
    report = drain(sqlite_log, executor=CommandExecutor(command, preset="claude"))
    told = read_text(sqlite_log, "r/b", "denied-uses").splitlines()

    assert (2, 1, "r/b") == (report.completed, report.denied, report.denied_in)
    assert ['Write {"file_path": "a.md"}', "and 20 more"] == [told[0], told[-1]]
    assert "1 attempt had uses of tools denied" in drain_text(report)
    assert report.denied == replay(sqlite_log, "attempts").total.by_drain[report.drain_id].denied


def test_denied_tools_and_nothing_written_is_a_failure(tmp_path):
    """Whatever the session says of itself; the result and what is missing are kept."""
    place = Surroundings(cwd=tmp_path, deliverables=("a.md",))
    reader, calls, _problems = read(INIT, result({MODEL: used(1)}, **DENIED), place=place)

    assert ("permission_denied", False) == (reader.outcome.code, reader.outcome.retryable)
    assert ("done", ["a.md"]) == (reader.outcome.excerpt, reader.outcome.source_fields["missing"])
    assert [(510, 100)] == tokens(calls)


@pytest.mark.parametrize("as_printed", [float, str])
def test_figures_may_be_floats_or_digits(as_printed):
    """They mean the same."""
    model = {name: as_printed(n) for name, n in used(1).items()}
    told = result({MODEL: used(1)}, total=as_printed(0.1))
    _reader, (call,), problems = read({**told, "modelUsage": {MODEL: model}})

    assert ((510, 100), []) == (tokens([call])[0], problems)
    assert Decimal("0.1") == call["cost_usd"]


@pytest.mark.parametrize("odd", ["many", -1, 1.5, True, [1]])
def test_a_figure_that_is_none_is_told(odd):
    """Nobody takes what cannot be read for nothing."""
    _reader, _calls, problems = read(result({MODEL: {**used(1), "outputTokens": odd}}))

    assert "outputTokens" in problems[0]


def test_a_result_before_a_bad_exit_is_kept(sqlite_log, tmp_path):
    """The phase failed, and what it had to say can be read."""
    create_run(sqlite_log, "r", [PhaseSpec("p", category="x", complexity="low", max_attempts=1)])
    command = printing(tmp_path, INIT, result({MODEL: used(1)}, result="page written"), code=1)
    report = drain(sqlite_log, executor=CommandExecutor(command, preset="claude"))
    (ended,) = (r.event for r in sqlite_log.read_all(types=[PhaseFailed]))

    assert ("exit_1", 610) == (ended.code, report.total_tokens)
    assert "page written" in ended.message
    assert "page written" == sqlite_log.artifacts.get(ended.artifacts["result"])
    assert "page written" == ended.source_fields["result"]


def test_a_result_that_repeats_a_beginning_is_made_whole():
    """The last message's parts together are the answer."""
    parts = [message(1), message(1)]
    parts[0]["message"]["content"] = [{"type": "text", "text": '{"pages": ["one", '}]
    parts[1]["message"]["content"] = [{"type": "text", "text": '"two"]}'}]
    reader, _calls, _problems = read(
        INIT, *parts, result({MODEL: used(1)}, result='{"pages": ["one", ')
    )

    assert {"result": '{"pages": ["one", "two"]}'} == reader.outcome.outputs


def test_a_long_line_of_a_tool_costs_nothing(sqlite_log, tmp_path):
    """Nothing of it is needed; a line that is, is read at any length up to 64 MiB."""
    create_run(sqlite_log, "r", [PhaseSpec("p", category="x", complexity="low")])
    text = (
        "import json\n"
        "print(json.dumps({'type': 'user', 'message': {'content': 'x' * (20 * 2**20)}}))\n"
        f"print(json.dumps({{**{result({MODEL: used(1)})!r}, 'result': 'y' * (20 * 2**20)}}))\n"
    )
    report = drain(sqlite_log, executor=CommandExecutor(script(tmp_path, text), preset="claude"))
    (call,) = (r.event for r in sqlite_log.read_all(types=[LlmUsageRecorded]))
    (ended,) = (r.event for r in sqlite_log.read_all(types=[PhaseCompleted]))

    assert (1, 0, 610) == (report.completed, report.unreadable, call.total_tokens)
    assert 20 * 2**20 == len(sqlite_log.artifacts.get(ended.outputs["result"]))


def test_streams_that_broke_are_an_estimate():
    """The client counts what it guesses of them."""
    retry = {"type": "system", "subtype": "api_retry", "attempt": 1, "max_retries": 1,
             "error_status": None, "error": "unknown"}  # fmt: skip
    _reader, _calls, problems = read(INIT, retry, result({MODEL: used(1)}))

    assert "estimate" in problems[0]


def test_a_session_goes_on_while_something_runs_behind():
    """It is over once the result is the last word and no task is left."""
    reader = Claude().reader("t")
    over = []
    for line in (
        INIT,
        {"type": "system", "subtype": "background_tasks_changed", "tasks": [{"task_id": "a"}]},
        result({MODEL: used(1)}),
        {"type": "system", "subtype": "background_tasks_changed", "tasks": []},
        message(2),
        result({MODEL: used(2)}),
    ):
        reader.line(json.dumps(line))
        over.append(reader.is_over)

    assert [False, False, False, True, False, True] == over


def test_the_home_folder_is_the_programs_own(tmp_path):
    """Not ours: its variables say where it keeps its files."""
    session_file(tmp_path / ".claude")
    place = Surroundings(env={"HOME": str(tmp_path)})
    _reader, (call,), _problems = read(INIT, place=place)

    assert 307 == call["output_tokens"]
    assert os.environ.get("HOME") != str(tmp_path)
