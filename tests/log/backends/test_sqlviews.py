"""SQL views say what the library's own projections say, on the file as it is."""

import sqlite3
from contextlib import closing
from decimal import Decimal
from itertools import product

import attrs
import pytest
from tests.logs.record import FOLDER

from autopack import (
    NeedsPerson,
    PhaseRef,
    create_log,
    create_run,
    decide_gate,
    drain,
    open_log,
    replay,
    restore_log,
)
from autopack.events import (
    LlmUsageAmended,
    LlmUsageRecorded,
    PhaseChecked,
    PhaseCompleted,
    PhaseEstimated,
    PhaseFailed,
    PhaseGated,
    PhaseGateDecided,
    PhaseJudged,
    PhaseReclaimed,
    PhaseTimedOut,
)
from autopack.events.phase import LEASE_LOST
from autopack.log.backends.sqlite.sqlviews import SQL_VIEWS
from autopack.ports.log import ANY
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.phases import PHASES
from autopack.projections.runs import RUNS
from autopack.testing.facts import created, queued, usage
from drains import specs, works
from log.backends.test_verification import edit

COLUMNS = {
    "v_events": """
        position event_id stream version type schema occurred_at_utc recorded_at_utc
        run_id phase_id attempt data_json meta_json hash
    """,
    "v_runs": """
        run_id is_created status outcome goal created_at_utc phases first_position
        last_position last_event_at_utc
    """,
    "v_phases": """
        run_id phase_id state category complexity tier priority model goal attempts calls
        predicted_output_tokens budget_tokens duration_s reason_code reason queued_at_utc
        state_since_utc last_position last_model last_executor
    """,
    "v_llm_usage": """
        position occurred_at_utc run_id phase_id attempt call_id role provider model split
        is_late input_tokens cache_read_tokens cache_write_tokens output_tokens
        reasoning_tokens total_tokens max_tokens stop_reason is_truncated duration_s
        cost_usd cost_source is_amended known_tokens cost_pico_usd account
    """,
    "v_samples": """
        position run_id phase_id attempt category complexity predicted_output_tokens
        actual_output_tokens budget_tokens estimator estimator_version is_success
        is_truncated model is_imported
    """,
}
"""Public since 0.1: a column may be added, none renamed or removed (docs/versioning.md)."""


@pytest.fixture
def recorded(tmp_path):
    """The log that a release recorded."""
    restore_log(FOLDER / "0.1.0.ndjson.gz", tmp_path / "log.db").close()
    return tmp_path / "log.db"


def select(path, sql):
    """Return the rows of a statement."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def agree(path):
    """Compare each view with the projection that says the same."""
    with open_log(path) as log:
        phases, runs, attempts = (replay(log, chosen).rows for chosen in (PHASES, RUNS, ATTEMPTS))
        calls = [call for row in attempts.values() for call in row.calls.values() if call.is_told]
        events = log.head().position
    assert [(events,)] == select(path, "SELECT count(*) FROM v_events")
    assert sorted((r.run_id, r.created, r.status, r.outcome, r.goal) for r in runs.values()) == [
        (name, bool(is_created), *more)
        for name, is_created, *more in select(
            path, "SELECT run_id, is_created, status, outcome, goal FROM v_runs ORDER BY 1"
        )
    ]
    assert sorted(
        (p.run_id, p.phase_id, p.status.value, p.category, p.attempts, p.calls,
         p.predicted_output_tokens, p.duration_s, p.last_model, p.last_executor)
        for p in phases.values()
    ) == select(
        path,
        "SELECT run_id, phase_id, state, category, attempts, calls, predicted_output_tokens,"
        " duration_s, last_model, last_executor FROM v_phases ORDER BY 1, 2",
    )  # fmt: skip
    assert sorted(
        (c.call_id, c.model, c.split, c.input_tokens, c.output_tokens, c.total, c.known_tokens,
         None if c.cost_usd is None else c.cost_usd.pico, c.cost_source)
        for c in calls
    ) == select(
        path,
        "SELECT call_id, model, split, input_tokens, output_tokens, total_tokens, known_tokens,"
        " cost_pico_usd, cost_source FROM v_llm_usage ORDER BY 1",
    )  # fmt: skip
    shown = [row for row in attempts.values() if row.predicted_output_tokens is not None]
    assert sorted(
        (s.position, s.category, s.predicted_output_tokens, s.actual_output_tokens,
         s.success if s.success is None else int(s.success))
        for s in shown
    ) == select(
        path,
        "SELECT position, category, predicted_output_tokens, actual_output_tokens, is_success"
        " FROM v_samples ORDER BY 1",
    )  # fmt: skip


def test_views_agree_with_the_projections(recorded):
    """Runs, phases, calls and samples are the same, though nothing was refreshed in between."""
    agree(recorded)


@pytest.mark.parametrize(
    ("given", "pico"),
    [
        ("0", 0),
        ("0.1", 10**11),
        ("0.000000000001", 1),
        ("0.999999999999", 10**12 - 1),
        ("1", 10**12),
        ("10.05", 10**13 + 5 * 10**10),
        ("123456.789", 123456789 * 10**9),
        ("9007199.254740993", 9007199254740993000),  # no float holds it
        ("9223372.036854775807", 2**63 - 1),
        (None, None),
    ],
)
def test_pico_dollars_are_exact(tmp_path, given, pico):
    """Each digit of a cost is one of its pico-dollars; an unknown cost has neither figure."""
    path = tmp_path / "log.db"
    with create_log(path) as log:
        log.append("s", [usage("c", cost_usd=given)], expected_version=0)
    query = "SELECT cost_pico_usd, typeof(cost_pico_usd), cost_usd, typeof(cost_usd)"
    kinds = ("null", "null") if pico is None else ("integer", "real")

    assert [(pico, kinds[0], None if given is None else float(given), kinds[1])] == select(
        path, f"{query} FROM v_llm_usage"
    )


def test_a_plain_sum_is_exact(tmp_path):
    """Of 5,000 calls of a dime, a third of them amended, SQL says what the projection says."""
    path = tmp_path / "log.db"
    named = [(f"c{n}", n // 20 + 1) for n in range(5_000)]
    calls = [usage(name, attempt=attempt, cost_usd=0.1) for name, attempt in named]
    bills = [
        LlmUsageAmended(
            run_id="r1", phase_id="a", attempt=attempt, call_id=name, why="bill", cost_usd=0.3
        )
        for name, attempt in named[::3]
    ]
    with create_log(path) as log:
        log.append("s", [*calls, *bills], expected_version=0)
        total = replay(log, ATTEMPTS).total.all.use.cost_usd
    dimes = 5_000 + 2 * len(bills)

    assert Decimal(dimes) / 10 == total
    assert [(dimes * 10**11,)] == select(path, "SELECT SUM(cost_pico_usd) FROM v_llm_usage")


@pytest.mark.parametrize("stored", ["0.5", '"abc"', '"1e3"', "null", "[1]", '""', '"-1"'])
def test_a_damaged_cost_is_nobodys(tmp_path, stored):
    """What is no canonical text has neither figure; the rest of its row is there."""
    path = tmp_path / "log.db"
    with create_log(path) as log:
        log.append("s", [usage("c", cost_usd=1, output_tokens=7)], expected_version=0)
    edit(path, f"UPDATE events SET data = replace(data, '\"1\"', '{stored}')")

    assert [(7, None, None)] == select(
        path, "SELECT output_tokens, cost_usd, cost_pico_usd FROM v_llm_usage"
    )


def test_no_column_is_lost(tmp_path):
    """The views and their columns are public: one may be added, at the end of this list too."""
    create_log(tmp_path / "log.db").close()
    there = {
        name: [row[1] for row in select(tmp_path / "log.db", f"PRAGMA table_info({name})")]
        for name in SQL_VIEWS
    }

    assert {name: names.split() for name, names in COLUMNS.items()} == there


def test_amended_figures_are_the_last_ones(tmp_path):
    """A call shows what was last said of it, figure by figure."""
    with create_log(tmp_path / "log.db") as log:
        log.append("run-r1", [created(), queued()], expected_version=0)
        first = usage(provider="p", attempt=1, output_tokens=5, total_tokens=9)
        log.append("phase-r1/a", [first], expected_version=0)
        for figures in ({"output_tokens": 7}, {"total_tokens": 11, "split": "inferred"}):
            fields = {
                "run_id": "r1", "phase_id": "a", "attempt": 1,
                "provider": "p", "call_id": first.call_id, "why": "w", **figures,
            }  # fmt: skip
            log.append("phase-r1/a", [LlmUsageAmended(**fields)], expected_version=ANY)

    agree(tmp_path / "log.db")
    assert [(7, 11, "inferred", 1)] == select(
        tmp_path / "log.db",
        "SELECT output_tokens, total_tokens, split, is_amended FROM v_llm_usage",
    )


def test_gates_and_lost_usage_judge_a_sample_alike(tmp_path):
    """An answered gate is the attempt's end; an attempt that lost usage has no measured figure."""
    with create_log(tmp_path / "log.db") as log:
        create_run(log, "r", specs("p1", "p2", "p3", "p4"))

        def asks(phase, attempt):
            works(phase, attempt)
            if phase.phase_id in ("p1", "p4"):
                attempt.attach("usage-problems", "one line")
            return None if phase.phase_id == "p4" else NeedsPerson("Fit?")

        drain(log, executor=asks)
        for phase, decision in (("p1", "approve"), ("p2", "reject"), ("p3", "requeue")):
            decide_gate(log, PhaseRef("r", phase), decision=decision, why="w")

    agree(tmp_path / "log.db")
    assert [("p1", None, 1), ("p2", 20, 0), ("p3", 20, None), ("p4", None, 1)] == select(
        tmp_path / "log.db",
        "SELECT phase_id, actual_output_tokens, is_success FROM v_samples ORDER BY phase_id",
    )


_ATTEMPT = {"run_id": "r", "phase_id": "p", "attempt": 1}
_BEGUN = (
    PhaseEstimated(
        **_ATTEMPT,
        estimator="deliverables",
        estimator_version="v1",
        predicted_output_tokens=100,
        budget_tokens=200,
    ),
    LlmUsageRecorded(**_ATTEMPT, call_id="c", output_tokens=40),
)
_FACTS = {
    "done": PhaseCompleted(**_ATTEMPT),
    "failed": PhaseFailed(**_ATTEMPT, code="check_failed", message="1 failed"),
    "lost": PhaseFailed(**_ATTEMPT, code=LEASE_LOST, message="its worker is gone"),
    "late": PhaseTimedOut(**_ATTEMPT, lease_token="t", timeout_s=9.0, message="no result"),
    "taken back": PhaseReclaimed(**_ATTEMPT, why="killed"),
    "asked": PhaseGated(**_ATTEMPT, question="fine?"),
    "approved": PhaseGateDecided(**_ATTEMPT, by="ann", why="read it", decision="approve"),
    "passed": PhaseChecked(**_ATTEMPT, check="tests", verdict="passed", by="drain"),
    "not passed": PhaseChecked(**_ATTEMPT, check="tests", verdict="failed", by="recheck"),
    "unsure": PhaseChecked(**_ATTEMPT, check="tests", verdict="could_not_run", by="recheck"),
    "right": PhaseJudged(**_ATTEMPT, by="ann", why="read it", right=True),
    "wrong": PhaseJudged(**_ATTEMPT, by="ann", why="read it", right=False),
}


_SAID = ("passed", "not passed", "unsure", "right", "wrong")
_ENDS = ("done", "failed", "lost", "late", "taken back", "asked")
_ORDERS = [
    *product(_SAID[:3], _ENDS),
    *product(_ENDS, _SAID, _SAID),
    *product(_SAID[:3], _ENDS, _SAID),
    *product(["asked"], ["approved"], _SAID),
]


def test_verdicts_agree_in_any_order(tmp_path):
    """Whatever is said of an attempt before and after its end, SQL says what the account says."""
    path = tmp_path / "log.db"
    with create_log(path) as log:
        for n, names in enumerate(_ORDERS):
            phase = f"p{n}"
            facts = [*_BEGUN, *(_FACTS[name] for name in names)]
            told = [attrs.evolve(fact, phase_id=phase) for fact in facts]
            log.append(f"phase-r/{phase}", told, expected_version=0)
        rows = replay(log, ATTEMPTS).rows.values()

    assert sorted((row.position, row.success) for row in rows) == [
        (position, None if success is None else bool(success))
        for position, success in select(
            path, "SELECT position, is_success FROM v_samples ORDER BY 1"
        )
    ]


def test_damaged_data_leaves_the_other_rows_readable(recorded):
    """One event that is no JSON costs its own cells, not the view."""
    edit(recorded, "UPDATE events SET data = '{' WHERE position % 5 = 0")

    for name in SQL_VIEWS:
        assert select(recorded, f"SELECT count(*) FROM {name}")[0][0] > 0


def test_the_sqlite_utils_command_reads_the_file_as_it_is(recorded):
    """Its rows command prints a view without any preparation."""
    from click.testing import CliRunner
    from sqlite_utils.cli import cli

    call = ["rows", str(recorded), "v_phases", "--limit", "1", "--csv"]
    result = CliRunner().invoke(cli, call)

    assert 0 == result.exit_code
    assert result.output.startswith("run_id,phase_id,state,category,")
