"""How many phases workers of a kind can be at, as one question in SQL to a log in PostgreSQL."""

import json
from collections.abc import Mapping
from typing import Any

_QUERY = """\
WITH phases AS (SELECT run_id, phase_id, state, last_position FROM {schema}.v_phases),
queued AS (SELECT {schema}.json_of(data) AS said FROM {schema}.events WHERE type = 'phase.queued')
SELECT count(*) FROM phases
JOIN queued ON said ->> 'run_id' = run_id AND said ->> 'phase_id' = phase_id
JOIN {schema}.v_runs AS runs USING (run_id)
WHERE coalesce(nullif(said -> 'requires', 'null'), '{{}}') = {requires}{scope} AND (
  phases.state IN ('CLAIMED', 'RUNNING')
  OR phases.state = 'QUEUED' AND runs.status <> 'PAUSED'
  AND NOT EXISTS (
    SELECT FROM jsonb_array_elements_text(coalesce(nullif(said -> 'after', 'null'), '[]')) AS name
    WHERE NOT EXISTS (
      SELECT FROM phases AS done WHERE done.run_id = phases.run_id AND done.phase_id = name
      AND done.state IN ('COMPLETE', 'SKIPPED')))
  AND NOT EXISTS (
    SELECT FROM {schema}.events WHERE position = phases.last_position AND type = 'phase.requeued'
    AND ({schema}.json_of(data) ->> 'not_before')::timestamptz > now() + interval '1 minute'))
"""


def queue_query(schema: str, requires: Mapping[str, Any], run_id: str | None = None) -> str:
    """
    Return a query that counts the phases that are in work, or could be within a minute.

    It knows of order, paused runs and back-offs, and nothing of lanes and caps.

    Args:
        schema: The log's, a name that need not be quoted.
        requires: What exactly they require.
        run_id: Only this run's.
    """
    told = _text(json.dumps(dict(requires), sort_keys=True, ensure_ascii=False))
    scope = "" if run_id is None else f" AND phases.run_id = {_text(run_id)}"
    return _QUERY.format(schema=schema, requires=f"{told}::jsonb", scope=scope)


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return f"E'{escaped}'"
