"""Sessions of Claude Code: each message once, turns as phases, sub-agents as helpers."""

import json
import os
from pathlib import Path

import pytest
from histories_kit import bring, calls, check_order_and_repeats, events, importer, sums, write_lines
from hypothesis import given
from hypothesis import strategies as st

from autopack import create_log, status
from autopack.testing.importers import ImporterContract

SESSION = "5b9a1d3e-0000-4000-8000-000000000001"


def line(kind, second, *, session=SESSION, **more):
    at = f"2026-03-02T10:{second // 60:02}:{second % 60:02}.000Z"
    return {
        "parentUuid": None, "isSidechain": False, "cwd": "/home/u/shop", "sessionId": session,
        "version": "2.1.1", "gitBranch": "fix/cart", "type": kind, "uuid": f"{kind}-{second}",
        "timestamp": at, **more,
    }  # fmt: skip


def asked(text, second, **more):
    return line("user", second, message={"role": "user", "content": text}, **more)


def answered(key, second, output=10, *, stop="end_turn", given=3, read=50, written=7, **more):
    usage = {
        "input_tokens": given, "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written, "output_tokens": output,
    }  # fmt: skip
    message = {"id": key, "role": "assistant", "model": "m-1", "stop_reason": stop, "usage": usage}
    return line("assistant", second, message=message, **more)


def told(second, text="API Error: Overloaded"):
    message = {"id": "x", "model": "<synthetic>", "content": [{"type": "text", "text": text}],
               "usage": {"input_tokens": 0, "output_tokens": 0}}  # fmt: skip
    return line("assistant", second, message=message, isApiErrorMessage=True, error="server_error")


TWO_TURNS = [
    {"type": "queue-operation", "operation": "enqueue", "sessionId": SESSION},
    asked("Mend the cart", 0),
    answered("msg_1", 1, 4, stop=None),
    answered("msg_1", 2, 120, stop="tool_use"),
    line("user", 3, message={"role": "user", "content": [{"type": "tool_result", "content": ""}]}),
    answered("msg_2", 4, 30),
    asked("And test it", 60),
    answered("msg_3", 61, 5),
]


@pytest.fixture
def session(tmp_path):
    """A session of two turns, as the client keeps it."""
    return write_lines(
        tmp_path / "home" / "projects" / "-home-u-shop" / f"{SESSION}.jsonl", TWO_TURNS
    )


class TestClaudeCode(ImporterContract):
    """It keeps what every importer promises."""

    def make(self):
        return importer("claude-code")

    def write_source(self, folder):
        return write_lines(folder / f"{SESSION}.jsonl", TWO_TURNS)


def test_a_message_counts_once_with_its_last_figures(log, session):
    """Input holds the cache; a message in two lines is one call, of the greater figures."""
    bring(log, "claude-code", session)

    one = {"input_tokens": 60, "cache_read_tokens": 50, "cache_write_tokens": 7}
    assert {
        "msg_1": {**one, "output_tokens": 120},
        "msg_2": {**one, "output_tokens": 30},
        "msg_3": {**one, "output_tokens": 5},
    } == calls(log)
    assert 335 == status(log).total_tokens


def test_a_session_is_a_run_and_a_prompt_a_phase(log, session):
    """Turns are queued and ended with the times of their lines; nobody could claim one."""
    bring(log, "claude-code", session)

    run = f"claude-code-{SESSION}"
    assert [run] == [event.run_id for event in events(log, "run.created")]
    assert {"branch": "fix/cart", "project": "shop", "tool": "claude-code"} == dict(
        events(log, "run.created")[0].labels
    )
    queued = events(log, "phase.queued")
    assert [(1, "Mend the cart"), (2, "And test it")] == [(one.index, one.goal) for one in queued]
    assert [4.0, 1.0] == [event.duration_s for event in events(log, "phase.completed")]
    assert {"COMPLETE": 2} == {str(k.value): n for k, n in status(log).phases_by_state.items() if n}


def test_a_turn_that_has_no_end_yet_is_not_queued(log, tmp_path):
    """A session that is still written has its calls; its turn is told when it has ended."""
    path = write_lines(
        tmp_path / "s.jsonl", [*TWO_TURNS[:6], answered("msg_2", 4, 1, stop="tool_use")][:4]
    )
    report = bring(log, "claude-code", path)

    assert [] == events(log, "phase.queued")
    assert {"turns that have no end yet": 1} == report.findings["seen"]
    write_lines(path, TWO_TURNS)
    again = bring(log, "claude-code", path)
    assert 2 == len(events(log, "phase.completed"))
    assert {"turns that have no end yet": 0} | {"calls": 3} == {
        "turns that have no end yet": again.findings.get("seen", {}).get(
            "turns that have no end yet", 0
        ),
        "calls": status(log).calls,
    }


def test_a_half_written_message_is_amended(log, tmp_path):
    """What was told while a message grew is amended by the import after it."""
    path = write_lines(tmp_path / "s.jsonl", TWO_TURNS[:3])
    first = bring(log, "claude-code", path)
    write_lines(path, TWO_TURNS)
    second = bring(log, "claude-code", path)

    assert (0, 1) == (first.amended, second.amended)
    assert 120 == calls(log)["msg_1"]["output_tokens"]


def test_messages_of_the_client_are_no_calls(log, tmp_path):
    """An error that the client wrote itself ends the turn, and uses nothing."""
    path = write_lines(tmp_path / "s.jsonl", [asked("Go", 0), told(1)])
    report = bring(log, "claude-code", path)

    assert 0 == status(log).calls
    assert [("server_error", "API Error: Overloaded")] == [
        (event.code, event.message) for event in events(log, "phase.failed")
    ]
    assert {"messages that the client wrote itself": 1} == report.findings["seen"]


def test_a_turn_that_went_on_after_an_error_is_complete(log, tmp_path):
    """The client tried again, and the answer came."""
    bring(
        log,
        "claude-code",
        write_lines(tmp_path / "s.jsonl", [asked("Go", 0), told(1), answered("m", 2)]),
    )

    assert [] == events(log, "phase.failed")
    assert 1 == len(events(log, "phase.completed"))


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([asked("Go", 0), answered("m", 1, stop="max_tokens")], "truncated"),
        (
            [
                asked("Go", 0),
                answered("m", 1, stop="tool_use"),
                asked("[Request interrupted by user]", 2),
            ],
            "interrupted",
        ),
    ],
)
def test_a_turn_that_did_not_end_well_failed(log, tmp_path, lines, code):
    """A cut answer and an interruption are failures of their own code."""
    bring(log, "claude-code", write_lines(tmp_path / "s.jsonl", lines))

    assert [code] == [event.code for event in events(log, "phase.failed")]


def test_sub_agents_of_every_version_are_helpers(log, tmp_path):
    """In the session, beside it, and in a folder of their own: counted once, as helpers."""
    folder = tmp_path / "projects" / "-p"
    helper = {"isSidechain": True}
    beside = [answered("msg_b", 2, 20, agentId="b", **helper)]
    below = [
        asked("Look", 3, promptId="prompt-1", agentId="c", **helper),
        answered("msg_c", 4, 30, agentId="c", **helper),
    ]
    main = [
        asked("Go", 0, promptId="prompt-1"),
        answered("msg_a", 1, 10, **helper),
        answered("msg_m", 9, 1),
    ]
    write_lines(folder / f"{SESSION}.jsonl", main)
    write_lines(folder / "agent-b.jsonl", beside)
    write_lines(folder / SESSION / "subagents" / "agent-c.jsonl", below)
    bring(log, "claude-code", tmp_path)

    roles = {
        event.call_id: (event.role, event.phase_id) for event in events(log, "llm.usage_recorded")
    }
    assert {
        "msg_a": ("helper", "prompt-1"), "msg_b": ("helper", None),
        "msg_c": ("helper", "prompt-1"), "msg_m": ("builder", "prompt-1"),
    } == roles  # fmt: skip
    assert 61 == status(log).output_tokens


def test_a_resumed_session_copies_and_counts_once(log, tmp_path):
    """A session that begins with another's lines under its own id uses only what is new."""
    copied = [{**one, "sessionId": "new"} for one in TWO_TURNS]
    write_lines(tmp_path / "old.jsonl", TWO_TURNS)
    path = write_lines(
        tmp_path / "new.jsonl",
        [*copied, asked("More", 90, session="new"), answered("msg_4", 91, session="new")],
    )
    os.utime(path, (2e9, 2e9))
    bring(log, "claude-code", tmp_path)

    assert 4 == status(log).calls
    assert 3 == len(events(log, "phase.queued"))


def test_first_versions_tell_costs(log, tmp_path):
    """A line of the first versions has its cost and its time."""
    lines = [asked("Go", 0), answered("m", 1, costUSD=0.125, durationMs=1500)]
    bring(log, "claude-code", write_lines(tmp_path / "s.jsonl", lines))

    (event,) = events(log, "llm.usage_recorded")
    assert ("0.125", "reported", 1.5) == (str(event.cost_usd), event.cost_source, event.duration_s)


def test_terms_that_change_the_price_are_kept(log, tmp_path):
    """What is usual is left out."""
    lines = [asked("Go", 0), answered("m", 1), answered("n", 2), asked("On", 9)]
    for line_, speed in zip(lines[1:3], ("fast", "standard"), strict=True):
        line_["message"]["usage"] |= {"speed": speed, "service_tier": "standard"}
    bring(log, "claude-code", write_lines(tmp_path / "s.jsonl", lines))

    assert [{"speed": "fast"}, {}] == [
        event.source_fields for event in events(log, "llm.usage_recorded")
    ]


@given(seed=st.integers(0, 10**6))
def test_order_and_repeats_do_not_matter(tmp_path_factory, seed):
    """Lines and files in any order, any of them again, over several imports: the same totals."""
    other = [{**one, "sessionId": "other", "uuid": f"o{n}"} for n, one in enumerate(TWO_TURNS)]
    fork = [*other, answered("msg_9", 99, 44, session="other")]
    files = {"a.jsonl": TWO_TURNS, "b.jsonl": fork}
    check_order_and_repeats(tmp_path_factory.mktemp("x"), "claude-code", files, seed)


BAD = {
    "half a line": ('{"type": "assistant", "mess', "lines that are no JSON"),
    "a list": ("[1, 2]", "lines that are JSON, but no object"),
    "a text": ('"a line"', "lines that are JSON, but no object"),
    "negative": (answered("b", 5, -1), "calls with counts that are none"),
    "a word": (answered("b", 5, "many"), "calls with counts that are none"),
    "absurd": (answered("b", 5, 10**12), "calls with absurd counts"),
    "no figures": (
        line("assistant", 5, message={"id": "b", "usage": {}}),
        "messages without figures",
    ),
    "nothing names it": ({**answered(None, 5), "uuid": None}, "calls that nothing names"),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_record_is_counted_and_stops_nothing(log, tmp_path, bad):
    """What cannot be taken is set aside by its reason; all else is there."""
    record, why = BAD[bad]
    path = write_lines(tmp_path / "s.jsonl", [*TWO_TURNS[:5], record, *TWO_TURNS[5:]])
    report = bring(log, "claude-code", path)

    assert {why: 1} == report.findings["set_aside"]
    assert {"calls": 3, "output_tokens": 155} == {
        k: sums(log)[k] for k in ("calls", "output_tokens")
    }


def test_a_half_written_last_line_is_told_apart(log, tmp_path):
    """A file that is being written ends within a line; the next import takes it."""
    path = write_lines(tmp_path / "s.jsonl", TWO_TURNS)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    report = bring(log, "claude-code", path)
    path.write_bytes(whole)
    bring(log, "claude-code", path)

    assert {"half-written last lines": 1} == report.findings["set_aside"]
    assert 3 == status(log).calls


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_other_encodings_are_known_by_their_mark(log, tmp_path, encoding):
    """A file that an editor wrote anew is read by the mark at its beginning."""
    path = write_lines(tmp_path / "s.jsonl", TWO_TURNS)
    text = path.read_text(encoding="utf-8")
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    path.write_bytes((mark + text).encode(encoding))
    bring(log, "claude-code", path)

    assert 3 == status(log).calls


def test_odd_characters_are_taken(log, tmp_path):
    """Bytes that are no UTF-8, and half a character, keep no line from being read."""
    lines = [json.dumps(one) for one in TWO_TURNS]
    lines[1] = lines[1].replace("Mend", "\\ud800 Mend")
    path = tmp_path / "s.jsonl"
    path.write_bytes("\n".join(lines).encode().replace(b"And test", b"\xff\xfe test") + b"\n")
    report = bring(log, "claude-code", path)

    assert 3 == status(log).calls
    assert {"lines with bytes that are no UTF-8": 1} == report.findings["seen"]


def test_a_huge_line_is_passed_over(log, tmp_path):
    """A line over the limit is not held; those around it are there."""
    path = write_lines(tmp_path / "s.jsonl", TWO_TURNS[:6])
    with path.open("ab") as file:
        file.write(b'{"x": "' + b"a" * (17 * 2**20) + b'"}\n')
        file.write(json.dumps(TWO_TURNS[6]).encode() + b"\n" + json.dumps(TWO_TURNS[7]).encode())
    report = bring(log, "claude-code", path)

    assert {"lines of more than 16 MB": 1} == report.findings["set_aside"]
    assert 3 == status(log).calls


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize("is_last", [False, True])
def test_a_line_without_bounds_in_another_encoding_is_passed_over(log, tmp_path, encoding, is_last):
    """It is counted once, as too long, and what follows is read."""
    path = tmp_path / "s.jsonl"
    lines = [json.dumps(line) for line in TWO_TURNS]
    lines.insert(len(lines) if is_last else 2, '{"x": "' + "a" * (17 * 2**20) + '"}')
    path.write_bytes("\n".join(lines).encode(encoding))
    report = bring(log, "claude-code", path)

    assert {"lines of more than 16 MB": 1} == report.findings["set_aside"]
    assert 3 == status(log).calls


@pytest.mark.parametrize(
    "at",
    [
        "2026-03-02T10:00:01",
        "2026-03-02T12:00:01+02:00",
        1772445601,
        1772445601000,
        "1772445601000",
    ],
)
def test_clocks_with_and_without_zones_are_one_moment(tmp_path, at):
    """A time without a zone is UTC; a number's unit follows from its size."""
    path = write_lines(tmp_path / "s.jsonl", [asked("Go", 0), answered("m", 1, timestamp=at)])
    with create_log("memory:") as log:
        bring(log, "claude-code", path)
        (recorded,) = [one for one in log.read_all() if one.type == "llm.usage_recorded"]

        assert "2026-03-02T10:00:01+00:00" == recorded.occurred_at.isoformat()


def test_links_that_lead_in_circles_end(log, session, tmp_path):
    """A folder that holds itself, and a file that is met by two names, are read once."""
    home = tmp_path / "home"
    (home / "loop").symlink_to(home)
    (home / "again.jsonl").symlink_to(session)
    (home / "nowhere.jsonl").symlink_to(home / "missing")
    report = bring(log, "claude-code", home)

    assert 1 == report.findings["files"]
    assert 0 == report.repeated
    assert 3 == status(log).calls


def test_files_of_another_kind_are_set_aside(log, session):
    """A folder may hold other files; how many were passed over is said."""
    write_lines(session.parent / "other.jsonl", [{"hello": 1}])
    report = bring(log, "claude-code", session.parent)

    assert {"files of another kind": 1} == report.findings["set_aside"]
    assert 3 == status(log).calls


def test_a_file_that_is_replaced_meanwhile_is_read_as_it_was(log, session):
    """Who has opened a file reads that file, whatever stands at its place by then."""
    source = importer("claude-code").read(str(session))
    entries = iter(source.events)
    first = [next(entries)]
    other = write_lines(session.with_name("new"), [answered("else", 1)])
    Path(other).replace(session)
    rest = list(entries)

    assert 3 == sum(new.event.TYPE == "llm.usage_recorded" for _stream, new in first + rest)
