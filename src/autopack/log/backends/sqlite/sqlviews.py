"""
SQL views over a log file, for sqlite-utils, Datasette and anything else that reads SQLite.

They are computed from the events when asked, so they are true at every moment; units stand in
the columns' names. Times are UTC, in ISO 8601 with milliseconds. What is not known is NULL.
Of a cost, ``cost_usd`` is to be read, a float; ``cost_pico_usd`` is exact, and so are its sums.
"""

import re
import sqlite3
from collections.abc import Sequence
from typing import Final

from autopack.errors import InvalidInputError
from autopack.events.phase import LEASE_LOST
from autopack.events.usage import AMENDABLE, TOKEN_COUNTS
from autopack.values.money import PICO, PLACES

STATES: Final = {
    "phase.queued": "QUEUED",
    "phase.claimed": "CLAIMED",
    "phase.started": "RUNNING",
    "phase.submitted": "SUBMITTED",
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
ENDS: Final = ("phase.completed", "phase.failed", "phase.timed_out", "phase.gated")
DECISIONS: Final = {"approve": "COMPLETE", "reject": "FAILED", "requeue": "QUEUED"}
AMENDED: Final = (*AMENDABLE, "split")
SAID: Final = tuple(name for name in TOKEN_COUNTS if name != "total_tokens")


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
        CASE type WHEN 'phase.gate_decided' THEN {_case(_of("decision"), DECISIONS)}
            WHEN 'phase.inherited' THEN {_of("state")}
            ELSE {_case("type", STATES)} END AS state,
        coalesce({_of("code")}, {_of("reason_code")}) AS code,
        coalesce({_of("message")}, {_of("why")}, {_of("question")}, {_of("reason")}) AS reason
    FROM told
    WHERE type IN ({_quoted([*STATES, "phase.gate_decided", "phase.inherited"])})
    GROUP BY run_id, phase_id
),
ended AS (
    SELECT run_id, phase_id, max(position), coalesce({_of("duration_s")}, {_of("timeout_s")})
        AS duration_s
    FROM told WHERE type IN ({_quoted(ENDS)}) GROUP BY run_id, phase_id
),
estimated AS (
    SELECT run_id, phase_id, max(position), {_named("predicted_output_tokens", "budget_tokens")}
    FROM told WHERE type = 'phase.estimated' GROUP BY run_id, phase_id
),
claimed AS (
    SELECT run_id, phase_id, max(position), {_of("model")} AS last_model,
        {_of("executor")} AS last_executor
    FROM told WHERE type = 'phase.claimed' GROUP BY run_id, phase_id
),
counted AS (
    SELECT run_id, phase_id, sum(type = 'phase.claimed') AS attempts,
        sum(type = 'llm.usage_recorded') AS calls FROM told GROUP BY run_id, phase_id
)
SELECT run_id, phase_id, moved.state, queued.category, queued.complexity, queued.tier,
    queued.priority, queued.model, queued.goal, counted.attempts, counted.calls,
    estimated.predicted_output_tokens, estimated.budget_tokens, ended.duration_s,
    moved.code AS reason_code, moved.reason, {_at("queued.occurred_at")} AS queued_at_utc,
    {_at("moved.occurred_at")} AS state_since_utc, moved.position AS last_position,
    claimed.last_model, claimed.last_executor
FROM queued JOIN moved USING (run_id, phase_id) JOIN counted USING (run_id, phase_id)
    LEFT JOIN estimated USING (run_id, phase_id) LEFT JOIN ended USING (run_id, phase_id)
    LEFT JOIN claimed USING (run_id, phase_id)
"""

KEY: Final = ("run_id", "phase_id", "attempt", "provider", "call_id")
"""What tells a call from all others; an amendment is of the call that it names so."""

_SAME_CALL: Final = " AND ".join(f"amended.{name} IS calls.{name}" for name in KEY)


def _last(name: str) -> str:
    """Return the last figure that amendments gave, with where it stands."""
    return (
        f"SELECT {', '.join(KEY)}, '{name}' AS name, max(position) AS at, {_of(name)} AS value "
        f"FROM amendments WHERE {_of(name)} IS NOT NULL GROUP BY {', '.join(KEY)}"
    )


_SPLIT: Final = f"""
SELECT {", ".join(KEY)}, 'split' AS name, max(position) AS at,
    coalesce({_of("split")}, 'measured') AS value FROM amendments GROUP BY {", ".join(KEY)}
"""
_SOURCE: Final = f"""
SELECT {", ".join(KEY)}, 'cost_source' AS name, max(position) AS at,
    coalesce({_of("cost_source")}, 'unknown') AS value FROM amendments
    WHERE {_of("cost_usd")} IS NOT NULL GROUP BY {", ".join(KEY)}
"""
# A total that was told before a part of it was amended is not that of the new figures.
_UNDONE: Final = f"""
SELECT {", ".join(KEY)}, 'undone' AS name, max(position) AS at, 1 AS value FROM amendments
    WHERE {_of("total_tokens")} IS NULL
        AND coalesce({_of("input_tokens")}, {_of("output_tokens")}) IS NOT NULL
    GROUP BY {", ".join(KEY)}
"""
_LASTS: Final = " UNION ALL ".join(
    [*(_last(name) for name in AMENDED if name != "split"), _SPLIT, _SOURCE, _UNDONE]
)


def _pico(text: str) -> str:
    """Return the pico-dollars that a canonical decimal text says, by its digits: no float."""
    dot = f"instr({text} || '.', '.')"
    whole = f"CAST(substr({text}, 1, {dot} - 1) AS INTEGER) * {PICO}"
    rest = f"CAST(substr(substr({text}, {dot} + 1) || '{'0' * PLACES}', 1, {PLACES}) AS INTEGER)"
    return f"CASE WHEN {_is_amount(text)} THEN {whole} + {rest} END"


def _is_amount(text: str) -> str:
    # Damaged data is nobody's cost.
    digits = f"{text} GLOB '[0-9]*' AND {text} NOT GLOB '*[^0-9.]*'"
    return f"typeof({text}) = 'text' AND {digits}"


USAGE: Final = f"""
WITH said AS (
    SELECT type, position, data, {_named(*KEY)} FROM events
    WHERE type IN ('llm.usage_recorded', 'llm.usage_amended')
),
amendments AS (SELECT * FROM said WHERE type = 'llm.usage_amended'),
lasts AS ({_LASTS}),
amended AS (
    SELECT {", ".join(KEY)}, {
    ", ".join(
        f"max(CASE name WHEN '{name}' THEN value END) AS {name}"
        for name in (*AMENDED, "cost_source")
    )
}, max(CASE name WHEN 'total_tokens' THEN at END) AS total_at,
        max(CASE name WHEN 'undone' THEN at END) AS undone_at
    FROM lasts GROUP BY {", ".join(KEY)}
),
calls AS (
    SELECT min(position) AS position, {", ".join(KEY)} FROM said
    WHERE type = 'llm.usage_recorded' GROUP BY {", ".join(KEY)}
),
told AS (
    SELECT calls.*, occurred_at, data,
        coalesce(amended.split, {_of("split")}, 'measured') AS split,
        {", ".join(f"coalesce(amended.{name}, {_of(name)}) AS {name}" for name in SAID)},
        CASE WHEN undone_at IS NULL OR total_at > undone_at
            THEN coalesce(amended.total_tokens, {_of("total_tokens")}) END AS said_total,
        coalesce(amended.cost_usd, {_of("cost_usd")}) AS cost,
        coalesce(amended.cost_source, {_of("cost_source")}, 'unknown') AS cost_source,
        amended.split IS NOT NULL AS is_amended
    FROM calls JOIN events USING (position) LEFT JOIN amended ON {_SAME_CALL}
)
SELECT position, {_at("occurred_at")} AS occurred_at_utc, run_id, phase_id, attempt, call_id,
    coalesce({_of("role")}, 'builder') AS role, provider,
    coalesce({_of("response_model")}, {_of("request_model")}) AS model, split,
    coalesce({_of("late")}, 0) AS is_late, input_tokens,
    cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens,
    coalesce(said_total, input_tokens + output_tokens) AS total_tokens,
    {_of("max_tokens")} AS max_tokens, {_of("stop_reason")} AS stop_reason,
    {_of("truncated")} AS is_truncated, {_of("duration_s")} AS duration_s,
    CASE WHEN {_is_amount("cost")} THEN CAST(cost AS REAL) END AS cost_usd, cost_source, is_amended,
    coalesce(said_total, coalesce(input_tokens, 0) + coalesce(output_tokens, 0)) AS known_tokens,
    {_pico("cost")} AS cost_pico_usd, {_of("account")} AS account
FROM told
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
own_ends AS (
    SELECT {_named("run_id", "phase_id", "attempt")}, min(position) AS end_position
    FROM events WHERE type IN ({_quoted(ENDS)}) AND {_of("code")} IS NOT '{LEASE_LOST}'
    GROUP BY 1, 2, 3
),
verdicts AS (
    SELECT position, {_named("run_id", "phase_id", "attempt")},
        coalesce({_of("right")}, {_of("verdict")} = 'passed') AS is_success
    FROM events WHERE type = 'phase.judged'
        OR type = 'phase.checked' AND {_of("verdict")} IN ('passed', 'failed')
),
outcomes AS (
    SELECT position, {_named("run_id", "phase_id", "attempt")},
        type = 'phase.completed' OR {_of("decision")} IS 'approve' AS is_success
    FROM events WHERE type IN ('phase.completed', 'phase.failed', 'phase.timed_out')
        OR type = 'phase.gate_decided' AND {_of("decision")} IN ('approve', 'reject')
    UNION ALL
    SELECT position, run_id, phase_id, attempt, is_success
    FROM verdicts JOIN own_ends USING (run_id, phase_id, attempt) WHERE position > end_position
),
ended AS (
    SELECT run_id, phase_id, attempt, max(position), is_success FROM outcomes GROUP BY 1, 2, 3
),
misread AS (
    SELECT DISTINCT {_named("run_id", "phase_id", "attempt")}, 1 AS is_misread FROM events
    WHERE type IN ({_quoted(ENDS)}) AND {_of('artifacts."usage-problems"')} IS NOT NULL
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


_LONGEST_NAME: Final = 63
"""In characters; PostgreSQL cuts longer ones, so that two could be one."""
_CASTS: Final = {"integer": "INTEGER", "boolean": "INTEGER", "real": "REAL", "text": "TEXT"}


def rows_view(view: str, columns: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """
    Return the name and the SELECT of what shows a persisted view's rows.

    Raises:
        InvalidInputError: The name is that of a view of the library, or too long; a column's is no
            word, or two have one.
    """
    name = "v_" + re.sub(r"\W", "_", view, flags=re.ASCII)
    if name.lower() in SQL_VIEWS:
        raise name_taken(view, name, "choose another name")
    if len(name) > _LONGEST_NAME:
        raise name_taken(view, name, f"choose a name of at most {_LONGEST_NAME - 2} characters")
    told = [part for column, kind in columns for part in _columns_of(column, kind)]
    named = [
        "key",
        "as_of_position",
        *(part.rpartition('"')[0].rpartition('"')[2] for part in told),
    ]
    for column in named:
        if not column.isidentifier() or [one.lower() for one in named].count(column.lower()) > 1:
            raise name_taken(view, name, f"give the field of its column {column!r} another name")
    literal = view.replace("'", "''")
    at = f"(SELECT position FROM view_checkpoints WHERE view = '{literal}') AS as_of_position"
    return name, (f"SELECT {', '.join(['key', *told, at])} FROM view_rows WHERE view = '{literal}'")


def shows_rows(sql: str, view: str) -> bool:
    """Tell whether the text of a view in SQL shows the rows of that persisted view."""
    literal = view.replace("'", "''")
    return sql.endswith(f" FROM view_rows WHERE view = '{literal}'")


def name_taken(view: str, name: str, do: str) -> InvalidInputError:
    """Return the refusal of a view's name in SQL."""
    return InvalidInputError(
        f"View {view!r} cannot be {name} in SQL: {do}.", name="view", value=view
    )


def _columns_of(name: str, kind: str) -> list[str]:
    value = _of(name)
    if kind == "usd":
        stem = name.removesuffix("_usd")
        exact = _pico(value)
        return [f'CAST({value} AS REAL) AS "{stem}_usd"', f'{exact} AS "{stem}_pico_usd"']
    if kind == "moment":
        return [f'{value} AS "{name.removesuffix("_utc")}_utc"']
    if kind == "json":
        return [f'{value} AS "{name.removesuffix("_json")}_json"']
    return [f'CAST({value} AS {_CASTS[kind]}) AS "{name}"']


def make_views(connection: sqlite3.Connection) -> None:
    """Make the views, or renew those whose text changed, in the connection's transaction."""
    from sqlite_utils import Database

    database = Database(connection, execute_plugins=False, recursive_triggers=False)
    for name, sql in SQL_VIEWS.items():
        database.create_view(name, sql.strip(), replace=True)
