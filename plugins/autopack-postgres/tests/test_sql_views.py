"""The SQL views of a log on a server say what those of a file do."""

import os
from collections.abc import Mapping
from pathlib import Path

import attrs
import psycopg
import pytest
from tests.log.backends.test_sqlviews import COLUMNS, select
from tests.postgres_server import new_url

import autopack
from autopack.errors import InvalidInputError
from autopack.events import PhaseQueued
from autopack.log.backends.sqlite.sqlviews import SQL_VIEWS
from autopack.ports.log import ANY
from autopack.testing.facts import queued
from autopack.types import Usd
from autopack_postgres.database_address import parsed

ROOT = Path(__file__).resolve().parents[3]
DATA = os.environ.get("AUTOPACK_REAL_DATA")
SUMS = """
    SELECT model, split, count(*), sum(output_tokens), sum(cost_pico_usd), sum(is_late)
    FROM v_llm_usage WHERE is_truncated = 0 OR is_truncated IS NULL
    GROUP BY model, split ORDER BY 1, 2
"""


def asked(url, sql):
    """Return the rows of a statement on a server."""
    address = parsed(url)
    with psycopg.connect(address.conninfo, autocommit=True) as connection:
        connection.execute(f"SET search_path = {address.schema}")
        return connection.execute(sql).fetchall()


def _agree(path):
    """Copy a log in a file to a server, and ask both the same."""
    url = new_url()
    autopack.copy_log(path, url).close()
    counts = []
    for name in SQL_VIEWS:
        columns = ", ".join(COLUMNS[name].split())
        order = "run_id, phase_id" if name == "v_phases" else "run_id"
        sql = f"SELECT {columns} FROM {name} ORDER BY {order}, 1, 2, 3"
        if name not in ("v_runs", "v_phases"):
            sql = f"SELECT {columns} FROM {name} ORDER BY position"
        here, there = select(path, sql), asked(url, sql)
        for one, other in zip(here, there, strict=True):
            assert one == other, name
        counts.append(len(here))
    assert select(path, SUMS.replace("1, 2", "coalesce(model, ''), 2")) == asked(
        url, SUMS.replace("1, 2", "coalesce(model, ''), 2")
    )
    return counts


def test_views_on_a_server_are_those_of_a_file(tmp_path):
    """Each column of each row of a release's log is the same."""
    autopack.restore_log(ROOT / "tests/logs/0.1.0.ndjson.gz", tmp_path / "log.db").close()

    assert all(_agree(tmp_path / "log.db"))


@pytest.mark.real
@pytest.mark.skipif(DATA is None, reason="AUTOPACK_REAL_DATA names no folder")
def test_views_of_an_imported_log_are_those_of_a_file(tmp_path):
    """So it is with a history of years."""
    with autopack.create_log(tmp_path / "legacy.db") as log:
        autopack.import_history(log, "autopack-legacy", Path(DATA, "autopack_legacy.db"))

    assert _agree(tmp_path / "legacy.db")[0] > 1000


@attrs.frozen
class Spent:
    """A row with a field of each kind."""

    phases: int = 0
    is_many: bool = False
    share: float = 0.0
    cost_usd: Usd = attrs.Factory(lambda: Usd("0"))
    last: str = ""
    tags: tuple[str, ...] = ()
    by_name: Mapping[str, int] = attrs.Factory(dict)


class ByRun:
    """What was queued, by run."""

    name, version, types, row_type, sql_view = "by-run", 1, (PhaseQueued,), Spent, True

    def key(self, recorded):
        return recorded.event.run_id

    def project(self, row, recorded):
        n = (row or Spent()).phases + 1
        name = recorded.event.phase_id
        return Spent(n, n > 1, n / 8, Usd("0.1") * n, name, ("a", name), {name: n})


def test_a_projection_is_a_view_on_a_server_as_in_a_file(tmp_path):
    """Its columns and rows are the same, also with keys that no text of PostgreSQL can hold."""
    found = []
    url = new_url()
    for target in (tmp_path / "log.db", url):
        with autopack.create_log(target) as log:
            for run, phase in (("r", "å'\""), ("r", "b"), ("s", "c")):
                log.append(
                    f"run-{run}", [attrs.evolve(queued(phase), run_id=run)], expected_version=ANY
                )
            for _ in range(2):
                log.refresh_views(also=[ByRun()])
    for ask, target in ((select, tmp_path / "log.db"), (asked, url)):
        found.append(ask(target, "SELECT * FROM v_by_run ORDER BY key"))

    assert found[0] == found[1]
    assert ("r", 2, 1, 0.25, 0.2, 2 * 10**11, "b", '["a","b"]', '{"b":2}', 3) == found[1][0]


def test_another_projections_view_stays(tmp_path):
    """Two names that are one in SQL: the second is refused, as in a file."""

    class Second(ByRun):
        name = "by run"

    for target in (tmp_path / "log.db", new_url()):
        with autopack.create_log(target) as log:
            log.append("run-r", [queued("a")], expected_version=0)
            for _ in range(2):
                log.refresh_views(also=[ByRun()])
                with pytest.raises(
                    InvalidInputError, match="'by run' cannot be v_by_run in SQL: an"
                ):
                    log.refresh_views(also=[Second()])


def test_who_may_read_may_ask_in_sql_and_who_may_write_makes_views(tmp_path):
    """A role of each kind does what it needs, and no view hides one of the library's."""
    url = new_url()
    schema = parsed(url).schema
    with autopack.create_log(url) as log:
        log.append("run-r", [queued("a")], expected_version=0)
    with psycopg.connect(parsed(url).conninfo, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {schema}_w LOGIN; CREATE ROLE {schema}_r LOGIN")
        owner.execute(f"SELECT {schema}.grant_writer('{schema}_w')")
        owner.execute(f"SELECT {schema}.grant_reader('{schema}_r')")
        as_writer, as_reader = (
            url.replace("user=autopack", f"user={schema}_{kind}") for kind in "wr"
        )
        with autopack.open_log(as_writer) as log:
            log.refresh_views(also=[ByRun()])
        with pytest.raises(psycopg.errors.RaiseException):
            asked(as_writer, "SELECT show_view('v_runs', 'x', '{a}', '{text}')")
        owner.execute(f"CREATE VIEW {schema}.v_mine AS SELECT 1 AS mine")
        with pytest.raises(psycopg.errors.RaiseException):
            asked(as_writer, "SELECT show_view('v_mine', 'x', '{a}', '{text}')")
        rows = asked(as_reader, "SELECT v_by_run.phases FROM v_by_run JOIN v_runs ON run_id = key")
        owner.execute(f"DROP OWNED BY {schema}_w, {schema}_r; DROP ROLE {schema}_w, {schema}_r")

    assert [] != rows


def test_damaged_data_costs_its_own_cells(tmp_path):
    """What is no JSON, or of another kind, is NULL, and the view is there."""
    url = new_url()
    autopack.create_log(url).close()
    events = (
        ("llm.usage_recorded", '{"run_id": "r", "output_tokens": "7", "cost_usd": 3}'),
        ("llm.usage_recorded", '{"run_id": "r\\u0000\\\\u0000", "output_tokens": 1e400}'),
        ("phase.queued", "{"),
        (
            "llm.usage_recorded",
            f'{{"run_id": "s", "cost_usd": "{"9" * 400}", "duration_s": 1e-400}}',
        ),
    )
    for at, (name, data) in enumerate(events, start=1):
        asked(
            url,
            "SELECT append_event(NULL, decode(md5(%s), 'hex'), 's', %s, 1, NULL, '', %s) IS NULL"
            .replace("%s", f"'{at}'", 1).replace("%s", f"'{name}'", 1).replace("%s", f"'{data}'"),
        )  # fmt: skip

    usage = asked(url, "SELECT run_id, output_tokens, cost_usd FROM v_llm_usage ORDER BY position")
    assert [("r", None, None), ("r\ufffd\\u0000", None, None), ("s", None, None)] == usage
    assert [(0.0,)] == asked(url, "SELECT duration_s FROM v_llm_usage WHERE run_id = 's'")
    assert [(None,)] == asked(url, "SELECT utc_of(9223372036854775807)")
    assert 4 == len(asked(url, "SELECT run_id FROM v_events"))
    assert [] == asked(url, "SELECT * FROM v_phases") + asked(url, "SELECT * FROM v_samples")
    assert 3 == len(asked(url, "SELECT * FROM v_runs"))
