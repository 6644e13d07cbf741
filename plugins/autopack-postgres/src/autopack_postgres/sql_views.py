"""
The SQL views of a log file, with the same columns and rows, for PostgreSQL.

Truth is 1 or 0, as there, so that the same questions get the same answers from both. Data that was
damaged costs its own cells: what is not of a column's kind is NULL.
"""

from typing import Final

from autopack.events.phase import LEASE_LOST
from autopack.log.backends.sqlite.sqlviews import DECISIONS, ENDS, KEY, SAID, STATES


def _text(name: str) -> str:
    return f"""text_of(json -> '{name}') COLLATE "C" AS {name}"""


def _texts(*names: str) -> str:
    return ", ".join(map(_text, names))


def _whole(*names: str) -> str:
    return ", ".join(f"whole_of(json -> '{name}') AS {name}" for name in names)


def _quoted(names: object) -> str:
    return ", ".join(f"'{name}'" for name in names)  # type: ignore[attr-defined]


def _case(of: str, cases: dict[str, str]) -> str:
    return f"CASE {of} " + " ".join(f"WHEN '{k}' THEN '{v}'" for k, v in cases.items()) + " END"


_PHASE: Final = f"{_texts('run_id', 'phase_id')}, {_whole('attempt')}"

_EVENTS: Final = f"""
SELECT position, encode(event_id, 'hex') AS event_id, stream, version, type, schema,
    utc_of(occurred_at) AS occurred_at_utc, utc_of(recorded_at) AS recorded_at_utc,
    {_PHASE}, data AS data_json, meta AS meta_json, encode(hash, 'hex') AS hash
FROM events LEFT JOIN LATERAL json_of(data) AS json ON true
"""

_RUNS: Final = f"""
WITH named AS MATERIALIZED (
    SELECT position, type, occurred_at, json, {_text("run_id")}
    FROM events CROSS JOIN LATERAL json_of(data) AS json
    WHERE type LIKE 'run.%' OR type LIKE 'phase.%'
        OR type IN ('llm.usage_recorded', 'sample.recorded', 'budget.escalated')
),
created AS (
    SELECT DISTINCT ON (run_id) run_id, occurred_at, {_text("goal")} FROM named
    WHERE type = 'run.created' ORDER BY run_id, position
),
moved AS (
    SELECT DISTINCT ON (run_id) run_id, type, {_text("outcome")} FROM named
    WHERE type IN ('run.created', 'run.paused', 'run.resumed', 'run.reopened', 'run.finished')
    ORDER BY run_id, position DESC
),
counted AS (
    SELECT run_id, count(*) FILTER (WHERE type = 'phase.queued') AS phases,
        min(position) AS first_position, max(position) AS last_position,
        max(occurred_at) AS last_at
    FROM named WHERE run_id IS NOT NULL GROUP BY run_id
)
SELECT run_id, (created.run_id IS NOT NULL)::int AS is_created,
    CASE moved.type WHEN 'run.paused' THEN 'PAUSED' WHEN 'run.finished' THEN 'FINISHED'
        ELSE 'OPEN' END AS status,
    moved.outcome, created.goal, utc_of(created.occurred_at) AS created_at_utc,
    phases, first_position, last_position, utc_of(last_at) AS last_event_at_utc
FROM counted LEFT JOIN created USING (run_id) LEFT JOIN moved USING (run_id)
"""


def _last_of(where: str, columns: str, *, key: str = "run_id, phase_id") -> str:
    return (
        f"SELECT DISTINCT ON ({key}) {key}, {columns} FROM told WHERE {where}"
        f" ORDER BY {key}, position DESC"
    )


_PHASES: Final = f"""
WITH named AS MATERIALIZED (
    SELECT position, type, occurred_at, json, {_texts("run_id", "phase_id")}
    FROM events CROSS JOIN LATERAL json_of(data) AS json
    WHERE type LIKE 'phase.%' OR type = 'llm.usage_recorded'
),
queued AS (
    SELECT DISTINCT ON (run_id, phase_id) run_id, phase_id, position AS queued_position,
        occurred_at, {_texts("category", "complexity", "tier")}, {_whole("priority")},
        {_texts("model", "goal")}
    FROM named WHERE type = 'phase.queued' ORDER BY run_id, phase_id, position
),
told AS (
    SELECT named.* FROM named JOIN queued USING (run_id, phase_id)
    WHERE position >= queued_position
),
moved AS ({
    _last_of(
        f"type IN ({_quoted([*STATES, 'phase.gate_decided', 'phase.inherited'])})",
        f'''position, occurred_at,
        CASE type WHEN 'phase.gate_decided' THEN {_case("json ->> 'decision'", DECISIONS)}
            WHEN 'phase.inherited' THEN json ->> 'state' ELSE {_case("type", STATES)} END AS state,
        coalesce(json ->> 'code', json ->> 'reason_code') AS code,
        coalesce(json ->> 'message', json ->> 'why', json ->> 'question', json ->> 'reason')
            AS reason''',
    )
}),
ended AS ({
    _last_of(
        f"type IN ({_quoted(ENDS)})",
        "coalesce(number_of(json -> 'duration_s'), number_of(json -> 'timeout_s')) AS duration_s",
    )
}),
estimated AS ({
    _last_of("type = 'phase.estimated'", _whole("predicted_output_tokens", "budget_tokens"))
}),
claimed AS ({
    _last_of(
        "type = 'phase.claimed'", "json ->> 'model' AS last_model, json ->> 'executor' AS executor"
    )
}),
counted AS (
    SELECT run_id, phase_id, count(*) FILTER (WHERE type = 'phase.claimed') AS attempts,
        count(*) FILTER (WHERE type = 'llm.usage_recorded') AS calls
    FROM told GROUP BY run_id, phase_id
)
SELECT run_id, phase_id, moved.state, queued.category, queued.complexity, queued.tier,
    queued.priority, queued.model, queued.goal, counted.attempts, counted.calls,
    estimated.predicted_output_tokens, estimated.budget_tokens, ended.duration_s,
    moved.code AS reason_code, moved.reason, utc_of(queued.occurred_at) AS queued_at_utc,
    utc_of(moved.occurred_at) AS state_since_utc, moved.position AS last_position,
    claimed.last_model, claimed.executor AS last_executor
FROM queued JOIN moved USING (run_id, phase_id) JOIN counted USING (run_id, phase_id)
    LEFT JOIN estimated USING (run_id, phase_id) LEFT JOIN ended USING (run_id, phase_id)
    LEFT JOIN claimed USING (run_id, phase_id)
"""


def _amended(name: str, value: str, where: str = "true") -> str:
    """Return the last value that amendments gave."""
    return f"(array_agg({value} ORDER BY position DESC) FILTER (WHERE {where}))[1] AS {name}"


_USAGE: Final = f"""
WITH said AS MATERIALIZED (
    SELECT type, position, occurred_at, json,
        jsonb_build_array({", ".join(f"json -> '{name}'" for name in KEY)}) AS call
    FROM events CROSS JOIN LATERAL json_of(data) AS json
    WHERE type IN ('llm.usage_recorded', 'llm.usage_amended')
),
amended AS (
    SELECT call, {
    ", ".join(
        _amended(name, f"whole_of(json -> '{name}')", f"json ->> '{name}' IS NOT NULL")
        for name in (*SAID, "total_tokens")
    )
}, {_amended("cost", "amount_of(json -> 'cost_usd')", "json ->> 'cost_usd' IS NOT NULL")},
        {
    _amended(
        "cost_source",
        "coalesce(json ->> 'cost_source', 'unknown')",
        "json ->> 'cost_usd' IS NOT NULL",
    )
},
        {_amended("split", "coalesce(json ->> 'split', 'measured')")},
        max(position) FILTER (WHERE json ->> 'total_tokens' IS NOT NULL) AS total_at,
        -- A total that was told before a part of it was amended is not that of the new figures.
        max(position) FILTER (WHERE json ->> 'total_tokens' IS NULL AND coalesce(
            json ->> 'input_tokens', json ->> 'output_tokens') IS NOT NULL) AS undone_at
    FROM said WHERE type = 'llm.usage_amended' GROUP BY call
),
calls AS (
    SELECT DISTINCT ON (call) * FROM said WHERE type = 'llm.usage_recorded'
    ORDER BY call, position
),
told AS (
    SELECT calls.position, calls.occurred_at, calls.json,
        coalesce(amended.split, json ->> 'split', 'measured') AS split,
        {
    ", ".join(f"coalesce(amended.{name}, whole_of(json -> '{name}')) AS {name}" for name in SAID)
},
        CASE WHEN undone_at IS NULL OR total_at > undone_at
            THEN coalesce(amended.total_tokens, whole_of(json -> 'total_tokens')) END AS said_total,
        coalesce(amended.cost, amount_of(json -> 'cost_usd')) AS cost,
        coalesce(amended.cost_source, json ->> 'cost_source', 'unknown') AS cost_source,
        (amended.split IS NOT NULL)::int AS is_amended
    FROM calls LEFT JOIN amended USING (call)
)
SELECT position, utc_of(occurred_at) AS occurred_at_utc, {_PHASE}, {_text("call_id")},
    coalesce(json ->> 'role', 'builder') AS role, {_text("provider")},
    coalesce(json ->> 'response_model', json ->> 'request_model') COLLATE "C" AS model, split,
    coalesce(truth_of(json -> 'late'), 0) AS is_late, input_tokens,
    cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens,
    coalesce(said_total, input_tokens + output_tokens) AS total_tokens,
    {_whole("max_tokens")}, {_text("stop_reason")},
    truth_of(json -> 'truncated') AS is_truncated, number_of(json -> 'duration_s') AS duration_s,
    cost::double precision AS cost_usd, cost_source, is_amended,
    coalesce(said_total, coalesce(input_tokens, 0) + coalesce(output_tokens, 0)) AS known_tokens,
    pico_of(cost) AS cost_pico_usd, {_text("account")}
FROM told
"""

_SUCCESS: Final = "(type = 'phase.completed' OR json ->> 'decision' IS NOT DISTINCT FROM 'approve')"

_SAMPLES: Final = f"""
WITH named AS MATERIALIZED (
    SELECT position, type, json, {_PHASE} FROM events CROSS JOIN LATERAL json_of(data) AS json
    WHERE type LIKE 'phase.%' OR type = 'sample.recorded'
),
calls AS (
    SELECT run_id, phase_id, attempt, min(position) AS first_call,
        sum(output_tokens)::bigint AS output_tokens, count(output_tokens) = count(*) AS is_known,
        bool_or(split <> 'measured') AS is_guessed, max(is_truncated) AS is_truncated,
        (array_agg(model ORDER BY position))[1] AS model
    FROM v_llm_usage WHERE role = 'builder' AND is_late = 0 AND attempt IS NOT NULL
    GROUP BY run_id, phase_id, attempt
),
predicted AS (
    SELECT DISTINCT ON (run_id, phase_id, attempt) position, run_id, phase_id, attempt, json,
        calls.output_tokens, calls.is_known, calls.is_guessed, calls.is_truncated, calls.model
    FROM named LEFT JOIN calls USING (run_id, phase_id, attempt) WHERE type = 'phase.estimated'
    ORDER BY run_id, phase_id, attempt,
        CASE WHEN first_call IS NULL OR position < first_call THEN position ELSE -position END DESC
),
own_ends AS (
    SELECT run_id, phase_id, attempt, min(position) AS end_position FROM named
    WHERE type IN ({_quoted(ENDS)}) AND json ->> 'code' IS DISTINCT FROM '{LEASE_LOST}'
    GROUP BY run_id, phase_id, attempt
),
verdicts AS (
    SELECT position, run_id, phase_id, attempt,
        coalesce(truth_of(json -> 'right'), (json ->> 'verdict' = 'passed')::int) AS is_success
    FROM named WHERE type = 'phase.judged'
        OR type = 'phase.checked' AND json ->> 'verdict' IN ('passed', 'failed')
),
outcomes AS (
    SELECT position, run_id, phase_id, attempt, {_SUCCESS}::int AS is_success
    FROM named WHERE type IN ('phase.completed', 'phase.failed', 'phase.timed_out')
        OR type = 'phase.gate_decided' AND json ->> 'decision' IN ('approve', 'reject')
    UNION ALL
    SELECT position, run_id, phase_id, attempt, is_success
    FROM verdicts JOIN own_ends USING (run_id, phase_id, attempt) WHERE position > end_position
),
ended AS (
    SELECT DISTINCT ON (run_id, phase_id, attempt) run_id, phase_id, attempt, is_success
    FROM outcomes ORDER BY run_id, phase_id, attempt, position DESC
),
misread AS (
    SELECT DISTINCT run_id, phase_id, attempt, 1 AS is_misread FROM named
    WHERE type IN ({_quoted(ENDS)})
        AND json #>> '{{{{artifacts,usage-problems}}}}' IS NOT NULL
)
SELECT position, run_id, phase_id, attempt,
    json #>> '{{{{features,category}}}}' AS category,
    json #>> '{{{{features,complexity}}}}' AS complexity, {_whole("predicted_output_tokens")},
    CASE WHEN is_known AND NOT is_guessed AND is_misread IS NULL THEN output_tokens END
        AS actual_output_tokens,
    {_whole("budget_tokens")}, {_texts("estimator", "estimator_version")}, ended.is_success,
    coalesce(is_truncated, 0) AS is_truncated, predicted.model, 0 AS is_imported
FROM predicted LEFT JOIN ended USING (run_id, phase_id, attempt)
    LEFT JOIN misread USING (run_id, phase_id, attempt)
UNION ALL
SELECT position, run_id, phase_id, NULL, {_texts("category", "complexity")},
    {_whole("predicted_output_tokens")},
    CASE WHEN coalesce(json ->> 'split', 'measured') = 'measured'
        THEN whole_of(json -> 'actual_output_tokens') END,
    {_whole("budget_tokens")}, {_texts("estimator", "estimator_version")},
    truth_of(json -> 'success'), coalesce(truth_of(json -> 'truncated'), 0), {_text("model")}, 1
FROM named WHERE type = 'sample.recorded'
"""

VIEWS: Final = "".join(
    f"CREATE VIEW {name} AS {sql};\n"
    for name, sql in (
        ("v_events", _EVENTS),
        ("v_runs", _RUNS),
        ("v_phases", _PHASES),
        ("v_llm_usage", _USAGE),
        ("v_samples", _SAMPLES),
    )
)
