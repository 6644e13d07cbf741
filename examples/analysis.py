"""
What was used, how good the predictions were, and what fails: tables of a log, with pandas.

python analysis.py LOG.db    a log of yours, opened for reading only
python analysis.py           a made-up week, in analysis.db; made if it is not there
"""

import random
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

import autopack
from autopack import Completed, Failed, PhaseSpec
from autopack.testing.clock import VirtualClock

CALLS = """
    SELECT occurred_at_utc, coalesce(category, '(none)') AS category, v_llm_usage.model,
        split, input_tokens, output_tokens, cost_pico_usd
    FROM v_llm_usage LEFT JOIN v_phases USING (run_id, phase_id)
"""
SAMPLES = """
    SELECT category, complexity, predicted_output_tokens, actual_output_tokens, budget_tokens
    FROM v_samples
    WHERE actual_output_tokens IS NOT NULL AND is_success AND NOT is_truncated
"""
ENDS = """
    SELECT occurred_at_utc, type = 'phase.completed' AS is_completed,
        run_id || '/' || phase_id AS phase,
        json_extract(data_json, '$.fingerprint') AS fingerprint,
        coalesce(json_extract(data_json, '$.code'), 'timed_out') AS code,
        json_extract(data_json, '$.message') AS message
    FROM v_events WHERE type IN ('phase.completed', 'phase.failed', 'phase.timed_out')
"""


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open a log so that nothing can be changed; a file that is not there is not made."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)


def read(log: sqlite3.Connection, sql: str) -> pd.DataFrame:
    """Return the rows of a query; a figure that is not known is NaN, also where none is known."""
    rows = pd.read_sql_query(sql, log)
    kinds = {"_tokens": "float64", "_pico_usd": "Int64"}  # of pico-dollars each one counts
    found = {name: kinds[end] for name in rows for end in kinds if name.endswith(end)}
    return rows.astype(found)


def used(calls: pd.DataFrame) -> pd.DataFrame:
    """
    Return tokens and cost by category and model; what nobody knows is no 0.

    Where the split is not ``measured``, input and output were guessed, or only their sum is known.
    """
    groups = calls.groupby(["category", "model", "split"], dropna=False)
    sums = groups[["input_tokens", "output_tokens"]].sum(min_count=1)
    sums.insert(0, "calls", groups.size())
    sums["cost_usd"] = usd(groups["cost_pico_usd"].sum(min_count=1))
    sums["without_cost"] = sums["calls"] - groups["cost_pico_usd"].count()
    return sums.sort_values("output_tokens", ascending=False).reset_index()


def predicted(samples: pd.DataFrame) -> pd.DataFrame:
    """Return how actual outputs compare with what was predicted, and how much budget they took."""
    of = samples.assign(
        ratio=samples["actual_output_tokens"] / samples["predicted_output_tokens"],
        of_budget=samples["actual_output_tokens"] / samples["budget_tokens"],
    ).groupby(["category", "complexity"])
    return pd.DataFrame(
        {
            "n": of.size(),
            "predicted": of["predicted_output_tokens"].median(),
            "actual": of["actual_output_tokens"].median(),
            "ratio_p10": of["ratio"].quantile(0.1),
            "ratio_p50": of["ratio"].median(),
            "ratio_p90": of["ratio"].quantile(0.9),
            "of_budget_max": of["of_budget"].max(),
        }
    ).reset_index()


def failures(ends: pd.DataFrame) -> pd.DataFrame:
    """Return what fails, the most frequent first; equal failures have one fingerprint."""
    failed = ends[ends["is_completed"] == 0].sort_values("occurred_at_utc")
    return (
        failed.groupby("fingerprint", dropna=False)
        .agg(
            times=("phase", "size"),
            phases=("phase", "nunique"),
            first=("occurred_at_utc", "min"),
            last=("occurred_at_utc", "max"),
            code=("code", "last"),
            message=("message", "last"),
        )
        .sort_values("times", ascending=False)
        .reset_index(drop=True)
    )


def by_day(calls: pd.DataFrame, ends: pd.DataFrame) -> pd.DataFrame:
    """Return calls, tokens, cost and ended attempts of each day (UTC)."""
    spent = calls.groupby(day_of(calls))
    ended = ends.groupby(day_of(ends))["is_completed"]
    return pd.DataFrame(
        {
            "calls": spent.size(),
            "output_tokens": spent["output_tokens"].sum(min_count=1),
            "cost_usd": usd(spent["cost_pico_usd"].sum(min_count=1)),
            "completed": ended.sum(),
            "failed": ended.size() - ended.sum(),
        }
    ).reset_index()


def usd(pico_usd: pd.Series) -> pd.Series:
    """Return sums of pico-dollars, which are exact, as US dollars to be read."""
    return (pico_usd / 1e12).astype("float64")


def day_of(rows: pd.DataFrame) -> pd.Series:
    """Return the day on which each row happened."""
    return pd.to_datetime(rows["occurred_at_utc"]).dt.date.rename("day")


def show(path: Path) -> None:
    """Print the tables of a log."""
    with closing(open_for_reading(path)) as log:
        calls, samples, ends = (read(log, sql) for sql in (CALLS, SAMPLES, ENDS))
    for title, table in (
        ("Tokens and cost by category and model", used(calls)),
        ("Actual output against what was predicted", predicted(samples)),
        ("Failures by fingerprint", failures(ends)),
        ("By day", by_day(calls, ends)),
    ):
        print(f"\n{title}\n{'-' * len(title)}")
        text = table.to_string(index=False, na_rep="-", float_format=figure)
        print(text if len(table) else "(nothing yet)")


def figure(value: float) -> str:
    """Return a number with as many places as it needs."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def make_up_a_week(path: Path) -> None:
    """Drain a run each night from Monday to Friday, with answers that nobody gave."""
    clock = VirtualClock(datetime(2026, 3, 2, 22, tzinfo=UTC))
    with autopack.create_log(path, clock=clock) as log:
        for day in range(5):
            phases = [
                PhaseSpec(
                    f"{category}-{n}",
                    category=category,
                    complexity=complexity,
                    deliverables=f"{category}/{n}.py",
                    model=model,
                )
                for category, complexity, model, count in (
                    ("implementation", "medium", "m-large", 4),
                    ("tests", "low", "m-small", 3),
                    ("docs", "low", "m-small", 3),
                )
                for n in range(count)
            ]
            autopack.create_run(log, f"night-{day + 1}", phases)
            autopack.drain(log, executor=made_up)
            clock.advance(timedelta(days=1))


def made_up(phase, attempt):
    """Use some tokens; fail now and then."""
    draw = random.Random(phase.key)
    tokens = int(draw.lognormvariate(7.5 if phase.complexity == "medium" else 6.6, 0.3))
    price = {"m-large": 15e-6, "m-small": 1e-6}[phase.model]
    attempt.record_usage(
        call_id=phase.key,
        model=phase.model,
        input_tokens=3 * tokens,
        output_tokens=tokens,
        # One provider tells what a call cost, the other does not.
        **({"cost_usd": tokens * price, "cost_source": "reported"} if price > 2e-6 else {}),
    )
    if draw.random() < 0.8:
        return Completed(summary="made up")
    if phase.category == "docs":
        return Failed("dead_links", "docs/guide.md links to a page that is gone", retryable=False)
    return Failed("tests_failed", f"{draw.randint(1, 9)} of 14 tests failed", retryable=False)


def main(paths: list[str]) -> None:
    """Show the log that is named, or a made-up week, which is made once."""
    path = Path(paths[0] if paths else "analysis.db")
    if not paths and not path.exists():
        make_up_a_week(path)
    autopack.open_log(path).close()  # says what is wrong with a path that is no log
    show(path)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except autopack.AutopackError as fault:
        sys.exit(f"analysis.py: {fault}")
