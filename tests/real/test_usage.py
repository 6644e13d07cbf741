"""What calls used, and the morning's page, over histories of another system."""

import sqlite3
from itertools import pairwise

import pytest

import autopack
from autopack import create_log, import_history
from autopack.report.run_report import report_sheet
from autopack.report.sheet import sheet_html, sheet_markdown, sheet_text

pytest.importorskip("autopack_legacy")

pytestmark = pytest.mark.real

NAMES = ["autopack_legacy.db", "autopack_rebuilt.db"]


@pytest.fixture(scope="module", params=NAMES)
def log(tmp_path_factory, real_data, request):
    """A log of an imported database."""
    with create_log(tmp_path_factory.mktemp("real") / "log.db") as log:
        import_history(log, "autopack-legacy", real_data / request.param)
        yield log


@pytest.mark.parametrize(("key", "column"), [("model", "model"), ("run", "run_id")])
def test_groups_are_those_of_sql(log, key, column):
    """The view counts by other means."""
    with sqlite3.connect(log.target) as database:
        told = database.execute(
            f"SELECT {column}, count(*), sum(known_tokens) FROM v_llm_usage GROUP BY 1"
        ).fetchall()
    database.close()
    rows = autopack.usage(log, by=key).rows

    assert {name: (calls, tokens) for name, calls, tokens in told} == {
        row.group[key]: (row.use.calls, row.use.total_tokens) for row in rows
    }


def test_days_are_all_of_it(log):
    """In whatever zone."""
    total = autopack.usage(log, by=()).total.use
    zones = [autopack.usage(log, by="day", zone=zone) for zone in ("UTC", "Asia/Kathmandu")]

    assert [total, total] == [table.total.use for table in zones]
    assert total.calls == sum(row.use.calls for row in zones[0].rows)


def test_each_run_has_its_page(log):
    """In each form; what is on it is the run's."""
    for run_id in _some(log):
        found = autopack.report_runs(log, run_id)
        sheet = report_sheet(found)

        assert found.runs[0].phases == len(
            [row for row in autopack.view(log, "phases").rows.values() if row.run_id == run_id]
        )
        assert sheet_text(sheet)
        assert sheet_markdown(sheet)
        assert "</html>" in sheet_html(sheet)


def test_runs_are_compared(log):
    """Each with the next: every phase is on one side, or told once."""
    for one, other in pairwise(_some(log)):
        found = autopack.compare(log, one, other)
        both = found.same + len(found.changed)

        assert (found.a.phases, found.b.phases) == (
            both + len(found.only_in_a),
            both + len(found.only_in_b),
        )


def _some(log):
    """Return a few runs, some of which only calls name."""
    runs = autopack.view(log, "runs").rows
    implied = [name for name, row in runs.items() if not row.created]
    return [*[name for name in runs if name not in implied][::20], *implied[:2]]
