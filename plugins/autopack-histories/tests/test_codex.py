"""Rollouts of Codex: running sums, records of calls, forks and replays, each call once."""

import pytest
from histories_kit import bring, calls, check_order_and_repeats, events, importer, sums, write_lines
from hypothesis import given
from hypothesis import strategies as st

from autopack import create_log, status
from autopack.testing.importers import ImporterContract


def line(second, kind, payload, **more):
    return {
        "timestamp": f"2026-03-02T11:00:{second:02}.000Z",
        "type": kind,
        "payload": payload,
        **more,
    }


def meta(thread, second=0, **more):
    return line(
        second,
        "session_meta",
        {"id": thread, "cwd": "/home/u/shop", "cli_version": "0.98.0", **more},
    )


def usage(given, cached, written, thought=0):
    return {
        "input_tokens": given, "cached_input_tokens": cached, "output_tokens": written,
        "reasoning_output_tokens": thought, "total_tokens": given + written,
    }  # fmt: skip


def count(second, total, last=None, **more):
    info = {"total_token_usage": usage(*total), "last_token_usage": usage(*(last or total))}
    return line(second, "event_msg", {"type": "token_count", "info": info}, **more)


def record(second, key, turn, own, total):
    payload = {
        "response_id": key,
        "turn_id": turn,
        "usage": usage(*own),
        "thread_token_usage": usage(*total),
    }
    return line(second, "token_usage_record", payload)


def started(second, turn, model="m-1"):
    return [
        line(second, "event_msg", {"type": "task_started", "turn_id": turn}),
        line(second, "turn_context", {"turn_id": turn, "model": model}),
    ]


def done(second, turn, **more):
    return line(
        second, "event_msg", {"type": "task_complete", "turn_id": turn, "duration_ms": 1500, **more}
    )


FIRST, SECOND, THIRD = (9000, 4000, 300, 120), (20000, 13000, 700, 200), (33000, 24000, 1000, 260)
SUMS = [
    meta("t-1"),
    *started(1, "turn-1"),
    line(1, "event_msg", {"type": "user_message", "message": "Mend the cart"}),
    line(1, "event_msg", {"type": "token_count", "info": None}),
    count(2, FIRST),
    count(2, FIRST),  # told again with limits
    count(3, SECOND, (11000, 9000, 400, 80)),
    done(4, "turn-1"),
]
RECORDS = [
    meta("t-2", cli_version="0.171.0"),
    *started(1, "turn-2"),
    record(2, "resp_1", "turn-2", FIRST, FIRST),
    count(2, FIRST),
    record(3, "resp_2", "turn-2", (11000, 9000, 400, 80), SECOND),
    count(3, SECOND, (11000, 9000, 400, 80)),
    done(4, "turn-2"),
]
FORK = [
    meta("t-3", 20, forked_from_id="t-1"),
    *SUMS[1:],
    *started(30, "turn-3"),
    count(31, THIRD, (13000, 11000, 300, 60)),
]


class TestCodex(ImporterContract):
    """It keeps what every importer promises."""

    def make(self):
        return importer("codex")

    def write_source(self, folder):
        return write_lines(folder / "rollout-2026-03-02T11-00-00-t-1.jsonl", SUMS)


@pytest.mark.parametrize("lines", [SUMS, RECORDS], ids=["running sums", "records"])
def test_each_call_counts_once(log, tmp_path, lines):
    """By its own record, or as what the running sums have added; repeats are no calls."""
    bring(log, "codex", write_lines(tmp_path / "rollout-x.jsonl", lines))

    assert {
        "calls": 2, "input_tokens": 20000, "cache_read_tokens": 13000, "cache_write_tokens": 0,
        "output_tokens": 700, "reasoning_tokens": 200,
    } == sums(log)  # fmt: skip
    assert {"m-1"} == {event.response_model for event in events(log, "llm.usage_recorded")}


def test_a_turn_is_a_phase(log, tmp_path):
    """It is queued with what was asked, and ends with the time that the client measured."""
    bring(log, "codex", write_lines(tmp_path / "rollout-x.jsonl", SUMS))

    (queued,), (ended,) = events(log, "phase.queued"), events(log, "phase.completed")
    assert ("turn-1", "Mend the cart", 1.5) == (queued.phase_id, queued.goal, ended.duration_s)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("Incomplete response returned, reason: max_output_tokens", "truncated"),
        ("401", "session_error"),
    ],
)
def test_a_turn_with_an_error_failed(log, tmp_path, message, code):
    """An answer that was cut has a code of its own."""
    lines = [*SUMS[:-1], done(4, "turn-1", error={"message": message})]
    bring(log, "codex", write_lines(tmp_path / "rollout-x.jsonl", lines))

    assert [(code, message)] == [(one.code, one.message) for one in events(log, "phase.failed")]


def test_a_cut_call_is_what_the_sums_have_added(log, tmp_path):
    """The client tells a last call of zeros there, though the sums have grown."""
    lines = [*SUMS[:5], count(2, FIRST, (0, 0, 0))]
    bring(log, "codex", write_lines(tmp_path / "rollout-x.jsonl", lines))

    assert [9000] == [one["input_tokens"] for one in calls(log).values()]


@pytest.mark.parametrize(
    "order", [("a-t-1", "b-t-3"), ("b-t-3", "a-t-1"), ("b-t-3",), ("b-t-3", "b-t-3")]
)
def test_a_fork_counts_what_is_its_own(log, tmp_path, order):
    """What it repeats of its parent is the parent's, whichever of them is read first, or alone."""
    for name in order:
        lines = SUMS if name == "a-t-1" else FORK
        bring(log, "codex", write_lines(tmp_path / f"{name}.jsonl", lines))

    assert 34000 == status(log).total_tokens
    assert 3 == status(log).calls


def test_forks_without_turns_are_known_by_their_parent(log, tmp_path):
    """Older rollouts name no turns: there the thread that all came from does."""
    parent = [meta("p"), count(1, FIRST), count(2, SECOND, (11000, 9000, 400, 80))]
    child = [
        meta("c", 5, forked_from_id="p"),
        count(5, FIRST),
        count(5, SECOND, (11000, 9000, 400, 80)),
        count(6, THIRD, (13000, 11000, 300, 60)),
    ]
    grandchild = [
        meta("g", 9, forked_from_id="c"),
        *child[1:],
        count(12, (34000, 24000, 1100), (1000, 0, 100)),
    ]
    for name, lines in (("p", parent), ("c", child), ("g", grandchild)):
        write_lines(tmp_path / f"rollout-{name}.jsonl", lines)
    bring(log, "codex", tmp_path)

    assert 35100 == status(log).total_tokens


def test_sums_that_begin_anew_are_new_calls(log, tmp_path):
    """A thread whose sums went back to nothing has used all that came after besides."""
    lines = [
        meta("t"),
        count(1, SECOND),
        count(2, FIRST),
        count(3, (9500, 4000, 310), (500, 0, 10)),
    ]
    bring(log, "codex", write_lines(tmp_path / "rollout-t.jsonl", lines))

    assert 20700 + 9810 == status(log).total_tokens


def test_a_resumed_thread_goes_on(log, tmp_path):
    """A file that another process has gone on with adds only what is new."""
    path = write_lines(tmp_path / "rollout-t.jsonl", SUMS)
    bring(log, "codex", path)
    write_lines(path, [*SUMS, *started(40, "turn-9"), count(41, THIRD, (13000, 11000, 300, 60))])
    report = bring(log, "codex", path)

    assert {"llm.usage_recorded": 1} == dict(report.added_by_type)
    assert 34000 == status(log).total_tokens


@pytest.mark.parametrize("bad", [-1, "many", [1], 1.5])
def test_counts_that_are_none_are_set_aside(log, tmp_path, bad):
    """One bad record is counted by its reason; the others are there."""
    wrong = record(3, "resp_x", "turn-2", FIRST, SECOND)
    wrong["payload"]["usage"]["output_tokens"] = bad
    path = write_lines(tmp_path / "rollout-x.jsonl", [*RECORDS[:4], wrong])
    report = bring(log, "codex", path)

    assert {"calls with counts that are none": 1} == report.findings["set_aside"]
    assert 1 == status(log).calls


@given(seed=st.integers(0, 10**6))
def test_order_and_repeats_do_not_matter(tmp_path_factory, seed):
    """Lines and files in any order, any of them again, over several imports: the same totals."""
    files = {"rollout-t-1.jsonl": SUMS, "rollout-t-2.jsonl": RECORDS}
    check_order_and_repeats(tmp_path_factory.mktemp("x"), "codex", files, seed)


@given(seed=st.integers(0, 10**6))
def test_forks_in_any_order_count_once(tmp_path_factory, seed):
    """A fork and its parent, each in any state of its growth and any number of times."""
    files = {"rollout-t-1.jsonl": SUMS, "rollout-t-3.jsonl": FORK}
    check_order_and_repeats(tmp_path_factory.mktemp("x"), "codex", files, seed, shuffled=False)


def test_nothing_used_is_no_call(tmp_path):
    """A thread whose every request was refused has no call, and its turn failed."""
    lines = [meta("t"), *started(1, "turn"), done(2, "turn", error={"message": "401 Unauthorized"})]
    with create_log("memory:") as log:
        bring(log, "codex", write_lines(tmp_path / "rollout-t.jsonl", lines))

        assert 0 == status(log).calls
        assert 1 == len(events(log, "phase.failed"))
