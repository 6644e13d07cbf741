"""Tools that keep a database: opencode and llm, of either form, opened read-only."""

import json
import os
import random
import sqlite3
from contextlib import closing

import pytest
from histories_kit import bring, calls, events, importer, write_lines
from hypothesis import given
from hypothesis import strategies as st

from autopack import create_log, status
from autopack.testing.importers import ImporterContract, contents

AT = 1_772_445_600_000


def step(key, asked, output=20, *, finish="stop", second=1, cost=0.25, **more):
    tokens = {"input": 40, "output": output, "reasoning": 5, "cache": {"read": 60, "write": 2}}
    data = {
        "role": "assistant", "parentID": asked, "tokens": tokens, "cost": cost, "modelID": "m-1",
        "providerID": "acme", "finish": finish, "path": {"cwd": "/home/u/shop"},
        "time": {"created": AT + second * 1000, "completed": AT + second * 1000 + 500}, **more,
    }  # fmt: skip
    return key, "ses_1", AT + second * 1000, data


def asked(key, second=0, session="ses_1"):
    return (
        key,
        session,
        AT + second * 1000,
        {"role": "user", "time": {"created": AT + second * 1000}},
    )


STEPS = [
    asked("msg_u"),
    step("msg_1", "msg_u", finish="tool-calls"),
    step("msg_2", "msg_u", 30, second=2),
    ("msg_3", "ses_1", AT + 5000, {"role": "assistant", "tokens": {"input": 0, "output": 0}}),
]


def opencode(path, messages, sessions=(("ses_1", None),)):
    with closing(sqlite3.connect(path)) as made, made:
        made.execute(
            "CREATE TABLE session (id, parent_id, directory, title, version, time_created)"
        )
        made.execute("CREATE TABLE message (id, session_id, time_created, time_updated, data)")
        for key, parent in sessions:
            row = (key, parent, "/home/u/shop", "Mend", "1.18", AT)
            made.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?, ?)", row)
        for key, session, at, data in messages:
            text = data if isinstance(data, str) else json.dumps(data)
            made.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?)", (key, session, at, at, text))
    return path


class TestOpencode(ImporterContract):
    """It keeps what every importer promises."""

    def make(self):
        return importer("opencode")

    def write_source(self, folder):
        return opencode(folder / "opencode.db", STEPS)


def test_a_step_is_a_call(log, tmp_path):
    """Input gets the cache, output the reasoning; the client's cost is one that it reckoned."""
    report = bring(log, "opencode", opencode(tmp_path / "o.db", STEPS))

    one = {
        "input_tokens": 102,
        "cache_read_tokens": 60,
        "cache_write_tokens": 2,
        "reasoning_tokens": 5,
    }
    assert {"msg_1": {**one, "output_tokens": 25}, "msg_2": {**one, "output_tokens": 35}} == calls(
        log
    )
    assert {("acme", "0.25", "computed", 0.5)} == {
        (event.provider, str(event.cost_usd), event.cost_source, event.duration_s)
        for event in events(log, "llm.usage_recorded")
    }
    assert {"steps that were broken off, without figures": 1} == report.findings["seen"]
    assert ["msg_u"] == [event.phase_id for event in events(log, "phase.completed")]


def test_a_cut_answer_failed_and_a_price_of_nothing_is_unknown(log, tmp_path):
    """An answer at the limit is a truncated turn; 0 USD is of a model whose price nobody knows."""
    messages = [asked("msg_u"), step("msg_1", "msg_u", finish="length", cost=0)]
    bring(log, "opencode", opencode(tmp_path / "o.db", messages))

    assert ["truncated"] == [event.code for event in events(log, "phase.failed")]
    assert [None] == [event.cost_usd for event in events(log, "llm.usage_recorded")]


def test_sessions_of_sub_agents_are_helpers(log, tmp_path):
    """A session that another one began has helpers' calls."""
    key, _session, at, data = step("msg_1", "msg_u")
    messages = [asked("msg_u", session="ses_2"), (key, "ses_2", at, data)]
    bring(log, "opencode", opencode(tmp_path / "o.db", messages, [("ses_2", "ses_1")]))

    assert ["helper"] == [event.role for event in events(log, "llm.usage_recorded")]


def test_files_of_earlier_versions(log, tmp_path):
    """Each message as a file of its own, told below the session's folder."""
    for key, session, _at, data in STEPS[:3]:
        path = tmp_path / "storage" / "message" / session / f"{key}.json"
        write_lines(path, [{"id": key, "sessionID": session, **data}])
    bring(log, "opencode", tmp_path)

    assert ["msg_1", "msg_2"] == sorted(calls(log))


def test_bad_rows_are_set_aside(log, tmp_path):
    """Text that is no JSON and counts that are none stop nothing."""
    bad = [("msg_8", "ses_1", AT, "{"), step("msg_9", "msg_u", -4)]
    report = bring(log, "opencode", opencode(tmp_path / "o.db", [*STEPS, *bad]))

    assert {
        "calls with counts that are none": 1,
        "messages that are no JSON": 1,
    } == report.findings["set_aside"]
    assert 2 == status(log).calls


@given(seed=st.integers(0, 10**6))
def test_rows_in_any_order_and_state_give_the_same(tmp_path_factory, seed):
    """A database in any state of its growth, its rows in any order, several times: one account."""
    drawn, folder = random.Random(seed), tmp_path_factory.mktemp("x")
    with create_log("memory:") as log:
        for turn in range(3):
            some = STEPS[: drawn.randint(1, 4)] if turn < 2 else STEPS
            mixed = drawn.sample(some, len(some))
            bring(log, "opencode", opencode(folder / f"{turn}.db", mixed))

        assert 264 == status(log).total_tokens
        assert 2 == status(log).calls


TURN = (
    "id TEXT, model TEXT, resolved_model TEXT, options_json TEXT, input_tokens INTEGER, "
    "output_tokens INTEGER, token_details TEXT, duration_ms INTEGER, datetime_utc TEXT, "
    "response_json TEXT"
)
DETAILS = json.dumps({
    "prompt_tokens_details": {"cached_tokens": 60},
    "completion_tokens_details": {"reasoning_tokens": 5},
})  # fmt: skip


def answer(key, output, *, finish="stop", second=0, given=100):
    response = json.dumps({"finish_reason": finish})
    at = f"2026-03-02T10:00:{second:02}.5"
    return (
        key,
        "m-1",
        None,
        '{"max_tokens": 50}',
        given,
        output,
        DETAILS,
        250,
        at,
        response,
        "c-1",
    )


def llm(path, table, answers):
    thread = {"responses": "conversation_id", "turns": "thread_id"}[table]
    with closing(sqlite3.connect(path)) as made, made:
        made.execute(f"CREATE TABLE {table} ({TURN}, {thread} TEXT)")
        made.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * 11)})", answers)
    return path


class TestLlm(ImporterContract):
    """It keeps what every importer promises."""

    def make(self):
        return importer("llm")

    def write_source(self, folder):
        return llm(folder / "logs.db", "turns", [answer("r-1", 20), answer("r-2", 30, second=1)])


@pytest.mark.parametrize("table", ["responses", "turns"])
def test_either_table_is_read(log, tmp_path, table):
    """A conversation is a run, an answer a phase, with what the answer's details tell."""
    path = llm(tmp_path / "logs.db", table, [answer("r-1", 20), answer("r-2", 50, finish="length")])
    bring(log, "llm", path)

    one = {"input_tokens": 100, "cache_read_tokens": 60, "reasoning_tokens": 5}
    assert {"r-1": {**one, "output_tokens": 20}, "r-2": {**one, "output_tokens": 50}} == calls(log)
    assert ["llm-c-1"] == [event.run_id for event in events(log, "run.created")]
    assert [("r-2", "truncated")] == [
        (one.phase_id, one.code) for one in events(log, "phase.failed")
    ]


def test_answers_before_figures_had_columns(log, tmp_path):
    """Earlier versions keep them in the provider's own answer, or nowhere."""
    path = tmp_path / "logs.db"
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    with closing(sqlite3.connect(path)) as made, made:
        made.execute(
            "CREATE TABLE responses (id, model, prompt, system, prompt_json, options_json, "
            "response, response_json, conversation_id, duration_ms, datetime_utc)"
        )
        for key, answered, took in (("r-1", {"usage": usage}, 500), ("r-2", {}, "long")):
            row = ("m", "Do", None, None, "{}", "Done", json.dumps(answered), "c-1", took)
            made.execute(
                f"INSERT INTO responses VALUES ({','.join('?' * 11)})",
                (key, *row, "2026-03-02T10:00:00"),
            )
    report = bring(log, "llm", path)

    assert {"r-1": {"input_tokens": 100, "output_tokens": 20}, "r-2": {}} == calls(log)
    assert {"answers whose figures nobody knows": 1} == report.findings["seen"]


def test_a_database_of_opencode_without_times_or_sessions(log, tmp_path):
    """What says which call it was, and what it used, is enough."""
    path = tmp_path / "opencode.db"
    with closing(sqlite3.connect(path)) as made, made:
        made.execute("CREATE TABLE message (id, session_id, data)")
        for key, session, _at, data in STEPS:
            made.execute("INSERT INTO message VALUES (?, ?, ?)", (key, session, json.dumps(data)))
    bring(log, "opencode", path)

    assert {"msg_1", "msg_2"} == calls(log).keys()


def test_figures_that_nobody_knows_are_unknown(log, tmp_path):
    """A model whose plugin counts nothing has a call of unknown use, not of none."""
    path = tmp_path / "logs.db"
    llm(
        path,
        "responses",
        [("r-1", "m", None, None, None, None, None, 250, "2026-03-02 10:00", None, "c")],
    )
    report = bring(log, "llm", path)

    assert {"answers whose figures nobody knows": 1} == report.findings["seen"]
    assert (1, 1) == (status(log).calls, status(log).calls_without_total)


@given(seed=st.integers(0, 10**6), table=st.sampled_from(["responses", "turns"]))
def test_answers_in_any_order_and_number_of_files_are_one_account(tmp_path_factory, seed, table):
    """Databases in any state of their growth, copied, rows in any order: the same totals."""
    drawn, folder = random.Random(seed), tmp_path_factory.mktemp("x")
    answers = [answer(f"r-{n}", 10 * n, second=n) for n in range(1, 5)]
    with create_log("memory:") as log:
        for turn in range(3):
            some = answers[: drawn.randint(1, 4)] if turn < 2 else answers
            part = folder / str(turn)
            part.mkdir()
            for copy in range(drawn.randint(1, 2)):
                mixed = drawn.choices(some, k=2) + drawn.sample(some, len(some))
                llm(part / f"{copy}.db", table, mixed)
            bring(log, "llm", part)
        again = bring(log, "llm", folder)

        assert (4, 500) == (status(log).calls, status(log).total_tokens)
        assert 4 == len(events(log, "phase.completed")) + len(events(log, "phase.failed"))
        assert 0 == again.added
        assert log.verify().is_clean


@pytest.mark.parametrize("kind", ["llm", "opencode"])
def test_a_database_in_use_is_left_as_it_is(log, tmp_path, kind):
    """What its owner has just written is read, and nothing is changed or made beside it."""
    folder = tmp_path / "live"
    folder.mkdir()
    path = llm(folder / "x.db", "turns", []) if kind == "llm" else opencode(folder / "x.db", [])
    with closing(sqlite3.connect(path)) as owner:
        owner.execute("PRAGMA journal_mode = WAL")
        if kind == "llm":
            owner.execute(f"INSERT INTO turns VALUES ({','.join('?' * 11)})", answer("r", 20))
        else:
            key, session, at, data = step("msg_1", "msg_u")
            row = (key, session, at, at, json.dumps(data))
            owner.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?)", row)
        owner.commit()
        before = {name for name in contents(folder) if not name.endswith("-shm")}
        report = bring(log, kind, path)

        assert before == {name for name in contents(folder) if not name.endswith("-shm")}
    assert {} == report.findings["set_aside"]
    assert 1 == status(log).calls


def test_a_damaged_database_keeps_what_could_be_read(log, tmp_path):
    """One page that is gone ends the reading, and is said."""
    path = llm(tmp_path / "logs.db", "turns", [answer(f"r-{n}", 20) for n in range(600)])
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 8192] = os.urandom(8192)
    path.write_bytes(content)
    report = bring(log, "llm", path)

    (why,) = report.findings["set_aside"]
    assert why.startswith("databases that could not be read to the end")
