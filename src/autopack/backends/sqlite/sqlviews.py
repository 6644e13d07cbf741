"""
SQL views over a log file, for sqlite-utils, Datasette and anything else that reads SQLite.

They are computed from the events when asked, so they are true at every moment; units stand in
the columns' names. Times are UTC, in ISO 8601 with milliseconds. What is not known is NULL.
"""

import sqlite3
from typing import Final

_STATES: Final = {
    "phase.queued": "QUEUED",
    "phase.claimed": "CLAIMED",
    "phase.started": "RUNNING",
    "phase.completed": "COMPLETE",
    "phase.failed": "FAILED",
    "phase.timed_out": "TIMED_OUT",
    "phase.gated": "GATED",
    "phase.released": "QUEUED",
    "phase.reclaimed": "QUEUED",
    "phase.requeued": "QUEUED",
    "phase.skipped": "SKIPPED",
    "phase.cancelled": "CANCELLED",
}
_ENDS: Final = ("phase.completed", "phase.failed", "phase.timed_out", "phase.gated")
_DECISIONS: Final = {"approve": "COMPLETE", "reject": "FAILED", "requeue": "QUEUED"}
_AMENDED: Final = ("input_tokens", "output_tokens", "total_tokens", "cost_usd", "split")


def _at(column: str) -> str:
    return f"strftime('%Y-%m-%dT%H:%M:%fZ', {column} / 1000000.0, 'unixepoch')"


def _of(name: str, table: str = "") -> str:
    # Damaged data is no reason for a whole view to fail.
    data = f"{table}data"
    return f"CASE WHEN json_valid({data}) THEN json_extract({data}, '$.{name}') END"


def _named(*names: str) -> str:
    return ", ".join(f"{_of(name)} AS {name}" for name in names)


def _quoted(names: object) -> str:
    return ", ".join(f"'{name}'" for name in names)  # type: ignore[attr-defined]


def _case(of: str, cases: dict[str, str]) -> str:
    return f"CASE {of} " + " ".join(f"WHEN '{k}' THEN '{v}'" for k, v in cases.items()) + " END"


EVENTS: Final = f"""
SELECT position, lower(hex(event_id)) AS event_id, stream, version, type, schema,
    {_at("occurred_at")} AS occurred_at_utc, {_at("recorded_at")} AS recorded_at_utc,
    {_named("run_id", "phase_id", "attempt")}, data AS data_json, meta AS meta_json,
    lower(hex(hash)) AS hash
FROM events
"""

RUNS: Final = f"""
WITH named AS (
    SELECT position, type, occurred_at, data, {_of("run_id")} AS run_id FROM events
    WHERE type LIKE 'run.%' OR type LIKE 'phase.%'
        OR type IN ('llm.usage_recorded', 'sample.recorded', 'budget.escalated')
),
created AS (
    SELECT run_id, min(position), occurred_at, {_of("goal")} AS goal FROM named
    WHERE type = 'run.created' GROUP BY run_id
),
moved AS (
    SELECT run_id, max(position), type, {_of("outcome")} AS outcome FROM named
    WHERE type IN ('run.created', 'run.paused', 'run.resumed', 'run.reopened', 'run.finished')
    GROUP BY run_id
)
SELECT named.run_id, created.run_id IS NOT NULL AS is_created,
    CASE moved.type WHEN 'run.paused' THEN 'PAUSED' WHEN 'run.finished' THEN 'FINISHED'
        ELSE 'OPEN' END AS status,
    moved.outcome, created.goal, {_at("created.occurred_at")} AS created_at_utc,
    sum(named.type = 'phase.queued') AS phases,
    min(named.position) AS first_position, max(named.position) AS last_position,
    {_at("max(named.occurred_at)")} AS last_event_at_utc
FROM named LEFT JOIN created USING (run_id) LEFT JOIN moved USING (run_id)
WHERE named.run_id IS NOT NULL
GROUP BY named.run_id
"""

PHASES: Final = f"""
WITH named AS (
    SELECT position, type, occurred_at, data, {_named("run_id", "phase_id")} FROM events
    WHERE type LIKE 'phase.%' OR type = 'llm.usage_recorded'
),
queued AS (
    SELECT run_id, phase_id, min(position) AS queued_position, occurred_at, {
    _named("category", "complexity", "tier", "priority", "model", "goal")
} FROM named WHERE type = 'phase.queued' GROUP BY run_id, phase_id
),
told AS (
    SELECT named.* FROM named JOIN queued USING (run_id, phase_id)
    WHERE position >= queued_position
),
moved AS (
    SELECT run_id, phase_id, max(position) AS position, occurred_at,
        CASE type WHEN 'phase.gate_decided' THEN {_case(_of("decision"), _DECISIONS)}
            ELSE {_case("type", _STATES)} END AS state,
        {_named("code")},
        coalesce({_of("message")}, {_of("why")}, {_of("question")}) AS reason
    FROM told WHERE type IN ({_quoted([*_STATES, "phase.gate_decided"])})
    GROUP BY run_id, phase_id
),
ended AS (
    SELECT run_id, phase_id, max(position), coalesce({_of("duration_s")}, {_of("timeout_s")})
        AS duration_s
    FROM told WHERE type IN ({_quoted(_ENDS)}) GROUP BY run_id, phase_id
),
estimated AS (
    SELECT run_id, phase_id, max(position), {_named("predicted_output_tokens", "budget_tokens")}
    FROM told WHERE type = 'phase.estimated' GROUP BY run_id, phase_id
),
counted AS (
    SELECT run_id, phase_id, sum(type = 'phase.claimed') AS attempts,
        sum(type = 'llm.usage_recorded') AS calls FROM told GROUP BY run_id, phase_id
)
SELECT run_id, phase_id, moved.state, queued.category, queued.complexity, queued.tier,
    queued.priority, queued.model, queued.goal, counted.attempts, counted.calls,
    estimated.predicted_output_tokens, estimated.budget_tokens, ended.duration_s,
    moved.code AS reason_code, moved.reason, {_at("queued.occurred_at")} AS queued_at_utc,
    {_at("moved.occurred_at")} AS state_since_utc, moved.position AS last_position
FROM queued JOIN moved USING (run_id, phase_id) JOIN counted USING (run_id, phase_id)
    LEFT JOIN estimated USING (run_id, phase_id) LEFT JOIN ended USING (run_id, phase_id)
"""

USAGE: Final = f"""
WITH said AS (
    SELECT type, position, data, {_of("call_id")} AS call_id,
        coalesce({_of("provider")}, '') AS by_provider FROM events
    WHERE type IN ('llm.usage_recorded', 'llm.usage_amended')
),
told AS ({
    " UNION ALL ".join(
        f"SELECT by_provider, call_id, '{name}' AS name, max(position), {_of(name)} AS value "
        f"FROM said WHERE type = 'llm.usage_amended' AND {_of(name)} IS NOT NULL "
        "GROUP BY by_provider, call_id"
        for name in _AMENDED[:-1]
    )
} UNION ALL SELECT by_provider, call_id, 'split', max(position),
    coalesce({_of("split")}, 'measured') FROM said WHERE type = 'llm.usage_amended'
    GROUP BY by_provider, call_id),
amended AS (SELECT by_provider, call_id, {
    ", ".join(f"max(CASE name WHEN '{name}' THEN value END) AS {name}" for name in _AMENDED)
} FROM told GROUP BY by_provider, call_id)
SELECT said.position, {_at("occurred_at")} AS occurred_at_utc,
    {", ".join(f"{_of(n, 'events.')} AS {n}" for n in ("run_id", "phase_id", "attempt"))},
    said.call_id, coalesce({_of("role", "events.")}, 'builder') AS role,
    {_of("provider", "events.")} AS provider,
    coalesce({_of("response_model", "events.")}, {_of("request_model", "events.")}) AS model,
    coalesce(amended.split, {_of("split", "events.")}, 'measured') AS split,
    coalesce({_of("late", "events.")}, 0) AS is_late,
    coalesce(amended.input_tokens, {_of("input_tokens", "events.")}) AS input_tokens,
    {_of("cache_read_tokens", "events.")} AS cache_read_tokens,
    {_of("cache_write_tokens", "events.")} AS cache_write_tokens,
    coalesce(amended.output_tokens, {_of("output_tokens", "events.")}) AS output_tokens,
    {_of("reasoning_tokens", "events.")} AS reasoning_tokens,
    coalesce(amended.total_tokens, {_of("total_tokens", "events.")}) AS total_tokens,
    {_of("max_tokens", "events.")} AS max_tokens, {_of("stop_reason", "events.")} AS stop_reason,
    {_of("truncated", "events.")} AS is_truncated, {_of("duration_s", "events.")} AS duration_s,
    coalesce(amended.cost_usd, {_of("cost_usd", "events.")}) AS cost_usd,
    coalesce({_of("cost_source", "events.")}, 'unknown') AS cost_source,
    amended.call_id IS NOT NULL AS is_amended
FROM said JOIN events USING (position)
    LEFT JOIN amended ON amended.by_provider = said.by_provider AND amended.call_id = said.call_id
WHERE said.type = 'llm.usage_recorded'
"""

SAMPLES: Final = f"""
WITH calls AS (
    SELECT run_id, phase_id, attempt, min(position) AS first_call,
        sum(output_tokens) AS output_tokens, count(output_tokens) = count(*) AS is_known,
        max(split <> 'measured') AS is_guessed, max(is_truncated) AS is_truncated, model
    FROM v_llm_usage WHERE role = 'builder' AND NOT is_late AND attempt IS NOT NULL
    GROUP BY run_id, phase_id, attempt
),
estimates AS (
    SELECT position, {
    _named(
        "run_id",
        "phase_id",
        "attempt",
        "predicted_output_tokens",
        "budget_tokens",
        "estimator",
        "estimator_version",
    )
}, {_of("features.category")} AS category, {_of("features.complexity")} AS complexity
    FROM events WHERE type = 'phase.estimated'
),
predicted AS (
    SELECT estimates.*, calls.output_tokens, calls.is_known, calls.is_guessed,
        calls.is_truncated, calls.model, max(
            CASE WHEN calls.first_call IS NULL OR position < calls.first_call THEN position
            ELSE -position END)
    FROM estimates LEFT JOIN calls USING (run_id, phase_id, attempt)
    GROUP BY run_id, phase_id, attempt
),
ended AS (
    SELECT {_named("run_id", "phase_id", "attempt")}, max(position),
        type = 'phase.completed' OR {_of("decision")} IS 'approve' AS is_success
    FROM events WHERE type IN ('phase.completed', 'phase.failed', 'phase.timed_out')
        OR type = 'phase.gate_decided' AND {_of("decision")} IN ('approve', 'reject')
    GROUP BY 1, 2, 3
),
misread AS (
    SELECT DISTINCT {_named("run_id", "phase_id", "attempt")}, 1 AS is_misread FROM events
    WHERE type IN ({_quoted(_ENDS)}) AND {_of('artifacts."usage-problems"')} IS NOT NULL
)
SELECT position, run_id, phase_id, attempt, category, complexity, predicted_output_tokens,
    CASE WHEN is_known AND NOT is_guessed AND is_misread IS NULL THEN output_tokens END
        AS actual_output_tokens,
    budget_tokens, estimator, estimator_version, ended.is_success,
    coalesce(is_truncated, 0) AS is_truncated, predicted.model, 0 AS is_imported
FROM predicted LEFT JOIN ended USING (run_id, phase_id, attempt)
    LEFT JOIN misread USING (run_id, phase_id, attempt)
UNION ALL
SELECT position, {_named("run_id", "phase_id")}, NULL, {
    _named("category", "complexity", "predicted_output_tokens")
},
    CASE WHEN coalesce({_of("split")}, 'measured') = 'measured'
        THEN {_of("actual_output_tokens")} END,
    {_named("budget_tokens", "estimator", "estimator_version")}, {_of("success")},
    coalesce({_of("truncated")}, 0), {_of("model")}, 1
FROM events WHERE type = 'sample.recorded'
"""

SQL_VIEWS: Final = {
    "v_events": EVENTS,
    "v_runs": RUNS,
    "v_phases": PHASES,
    "v_llm_usage": USAGE,
    "v_samples": SAMPLES,
}


def make_views(connection: sqlite3.Connection) -> None:
    """Make the views, or renew those whose text changed, in the connection's transaction."""
    from sqlite_utils import Database

    database = Database(connection, execute_plugins=False, recursive_triggers=False)
    for name, sql in SQL_VIEWS.items():
        database.create_view(name, sql.strip(), replace=True)
