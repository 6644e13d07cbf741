"""The columns of the SQL views: of which kind each is, which its name tells, and what it says."""

from typing import Final

from autopack.ports.exporting import Column, ColumnKind

_ENDINGS: Final[tuple[tuple[str, ColumnKind], ...]] = (
    ("_pico_usd", "integer"),
    ("_usd", "usd"),
    ("_tokens", "integer"),
    ("position", "integer"),
    ("_utc", "moment"),
    ("_s", "real"),
)
_INTEGERS: Final = frozenset({"version", "schema", "attempt", "attempts", "calls", "phases",
                              "priority"})  # fmt: skip

_EVENTS: Final = """
position: The event's place in the log, from 1.
event_id: Its id, in hexadecimal digits.
stream: The stream that it belongs to.
version: Its place in that stream, from 1.
type: What happened, as in phase.completed.
schema: In which shape its data are.
occurred_at_utc: When it happened.
recorded_at_utc: When it was recorded, by the log's clock.
run_id: The run that it names.
phase_id: The phase that it names.
attempt: The attempt that it names.
data_json: Its fields, as JSON.
meta_json: What was noted beside it, as JSON; empty if nothing was.
hash: The hash that chains it to the event before.
"""
_RUNS: Final = """
run_id: The run.
is_created: Whether it was created; if not, other records only name it.
status: OPEN, PAUSED or FINISHED.
outcome: How it was finished.
goal: What it is for.
created_at_utc: When it was created.
phases: How many phases were queued.
first_position: Its first event.
last_position: Its last event.
last_event_at_utc: When its last event happened.
"""
_PHASES: Final = """
run_id: The phase's run.
phase_id: The phase, within its run.
state: QUEUED, CLAIMED, RUNNING, COMPLETE, FAILED, TIMED_OUT, GATED, SKIPPED or CANCELLED.
category: What sort of work it is, as it was queued.
complexity: How hard it is, as it was queued.
tier: Its tier, as it was queued.
priority: Its priority, as it was queued.
model: The model that was asked for.
goal: What it is for.
attempts: How often it was claimed.
calls: How many LLM calls were recorded for it.
predicted_output_tokens: What its last attempt's output was predicted to be.
budget_tokens: The budget that followed.
duration_s: How long its last attempt took.
reason_code: Why it is in its state, in one word.
reason: Why it is in its state.
queued_at_utc: When it was queued first.
state_since_utc: Since when it is in its state.
last_position: The event that brought it there.
last_model: The model of its last claim.
last_executor: The executor of its last claim.
"""
_USAGE: Final = """
position: Where the call was recorded.
occurred_at_utc: When it was answered.
run_id: The run that made it.
phase_id: The phase that made it.
attempt: The attempt that made it.
call_id: Its id at the provider.
role: builder for the work itself; helper and others for what is beside it.
provider: Who answered.
model: The model that answered, or that was asked.
split: measured, inferred, or total_only; whether input and output are known apart.
is_late: Whether it came after the attempt had ended.
input_tokens: Input, with what was read from and written to a cache.
cache_read_tokens: Of the input, what a cache held.
cache_write_tokens: Of the input, what was put into a cache.
output_tokens: Output, with reasoning.
reasoning_tokens: Of the output, what was reasoning.
total_tokens: Input and output together.
max_tokens: The most output that was allowed.
stop_reason: Why the output ended.
is_truncated: Whether the output was cut off.
duration_s: How long the call took.
cost_usd: What it cost, exactly.
cost_source: reported, computed or unknown; who says what it cost.
is_amended: Whether later figures took the place of the first.
known_tokens: What is known of the total.
cost_pico_usd: What it cost, in millionths of a millionth of a dollar.
account: Whose limits the provider counts.
"""
_SAMPLES: Final = """
position: Where the prediction stands.
run_id: The run.
phase_id: The phase.
attempt: The attempt; unknown for pairs that were imported.
category: What sort of work it was predicted for.
complexity: How hard it was taken to be.
predicted_output_tokens: What the output was predicted to be.
actual_output_tokens: What it was, where that was measured.
budget_tokens: The budget that followed from the prediction.
estimator: What made the prediction.
estimator_version: With which coefficients.
is_success: Whether the work was right.
is_truncated: Whether an output was cut off.
model: The model that answered.
is_imported: Whether prediction and output came as a pair from another source.
"""


def _kind(name: str) -> ColumnKind:
    if name.startswith("is_"):
        return "boolean"
    if name in _INTEGERS:
        return "integer"
    return next((kind for ending, kind in _ENDINGS if name.endswith(ending)), "text")


def _columns(told: str) -> tuple[Column, ...]:
    pairs = (line.split(": ", 1) for line in told.strip().splitlines())
    return tuple(Column(name, _kind(name), doc) for name, doc in pairs)


COLUMNS: Final = {
    "events": _columns(_EVENTS),
    "runs": _columns(_RUNS),
    "phases": _columns(_PHASES),
    "usage": _columns(_USAGE),
    "samples": _columns(_SAMPLES),
}
"""The columns of each view, by its short name."""
