"""Any cell may hold anything: reading never fails, and a second reading is equal."""

from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from autopack.format.codec import Codec
from autopack_legacy import LegacyImporter
from autopack_legacy.values import flag, moment, plain, unwrapped, whole

COLUMNS = {
    "runs": ("id", "state", "created_at", "updated_at", "token_cap", "goal_anchor"),
    "tiers": ("tier_id", "run_id", "tier_index"),
    "phases": (
        "run_id", "phase_id", "tier_id", "phase_index", "name", "state", "task_category",
        "complexity", "max_builder_attempts", "created_at", "updated_at", "started_at", "scope",
        "last_failure_reason",
    ),
    "llm_usage_events": (
        "run_id", "phase_id", "role", "model", "prompt_tokens", "completion_tokens", "created_at",
    ),
    "token_estimation_v2_events": (
        "run_id", "phase_id", "timestamp", "category", "complexity", "deliverables_json",
        "predicted_output_tokens", "actual_output_tokens", "success", "truncated",
    ),
}  # fmt: skip

cells = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(max_size=12),
    st.binary(max_size=8),
    st.sampled_from(
        [
            "r1", "p1", "unknown", "DONE_SUCCESS", "COMPLETE", "FAILED", "EXECUTING", "GATE",
            "2025-12-01 10:00:00", "2025-12-01T10:00:00Z", "0001-01-01T00:00:00+14:00",
            '{"deliverables": {"a": [1, null, "x.py"]}}', '"{\\"deliverables\\": [NaN]}"',
            '"\\ud800"', "[" * 3000, "[" * 60 + "]" * 60, "1e999", str(10**40),
        ]
    ),
)  # fmt: skip
rows = st.sampled_from(sorted(COLUMNS)).flatmap(
    lambda table: st.tuples(
        st.just(table), st.dictionaries(st.sampled_from(COLUMNS[table]), cells, max_size=6)
    )
)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(rows, max_size=8), is_later=st.booleans())
def test_any_row_can_be_read(database_in, rows, is_later):
    """Events come in order of time, with ids of their own, fit the log, and come again."""
    with TemporaryDirectory() as folder:
        database = database_in(folder, is_later=is_later)
        for table, row in rows:
            database.add(table, **row)
        one, two = (LegacyImporter().read(database.path) for _ in range(2))
        events, again = list(one.events), list(two.events)
    codec = Codec()
    stored = [codec.encode(new.event) for _, new in events]

    assert again == events
    assert two.findings == one.findings
    assert sorted(new.occurred_at for _, new in events) == [new.occurred_at for _, new in events]
    assert len(events) == len({new.event_id for _, new in events})
    assert [codec.decode(*text, 1) for text in stored] == [new.event for _, new in events]


@given(cells)
def test_values_are_read_or_none(value):
    """A cell is a time, a number or a truth value, or it is not: nothing raises."""
    at, number = moment(value), whole(value)

    assert at is None or (at.tzinfo is not None and at.year >= 1970)
    assert number is None or 0 <= number <= 2**53
    assert flag(value) in (True, False, None)


def test_numbers_kept_in_other_ways():
    """A whole number is read from text and float too; a fraction or a sign is not one."""
    assert [12, 12, None, None, None] == [whole(v) for v in ("12 ", 12.0, 1.5, "-3", "1e3")]
    assert [True, False, True, None] == [flag(v) for v in ("true", "0", 2, "maybe")]


def test_json_that_a_log_takes():
    """Numbers of over 64 bits, infinities and lone surrogates become texts that can be stored."""
    assert {"a": str(2**70), "b": "inf", "c": "?"} == plain(
        {"a": 2**70, "b": float("inf"), "c": "\ud800"}
    )
    assert {"x": 1} == unwrapped('"{\\"x\\": 1}"')
