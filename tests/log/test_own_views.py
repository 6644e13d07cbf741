"""A projection of somebody else is worth as much as ours: kept, read by rows, asked in SQL."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Literal

import attrs
import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

import autopack
from autopack import ANY, hookimpl
from autopack.cli.main import autopack as command
from autopack.errors import InvalidInputError
from autopack.events import RunPaused
from autopack.log.log import journal_of
from autopack.plugins.discovery import load_plugins
from autopack.values.money import Usd
from drains import specs


@attrs.frozen(kw_only=True)
class Pause:
    """What is known of a run's pauses: a field of each kind."""

    n: int
    last_why: str | None = None
    is_by_user: bool = False
    waited_s: float = 0.5
    cost_usd: Usd | None = None
    since: datetime | None = None
    order: Literal["first", "later"] = "first"
    actors: tuple[str, ...] = ()


class Pauses:
    """How often each run was paused."""

    name, version, types, row_type, sql_view = "pauses", 1, (RunPaused,), Pause, True

    def __init__(self) -> None:
        self.n_asked = 0

    def key(self, recorded: Any) -> str | None:
        return str(recorded.event.run_id)

    def project(self, row: Any, recorded: Any) -> Any:
        self.n_asked += 1
        row = row or Pause(n=0)
        return attrs.evolve(
            row,
            n=row.n + 1,
            last_why=recorded.event.why,
            is_by_user=recorded.event.actor == "user",
            cost_usd=Usd("0.1") if row.n else None,
            since=datetime(2026, 1, 31, 12, tzinfo=UTC),
            order="later" if row.n else "first",
            actors=(*row.actors, recorded.event.actor),
        )


def paused(log, run_id="r", n=1):
    """Pause a run so often."""
    events = [RunPaused(run_id=run_id, actor="user", why=f"reason {k}") for k in range(n)]
    log.append(f"pauses-{run_id}", events, expected_version=ANY)


class Plugin:
    """Registers it."""

    def __init__(self, projection):
        self.projection = projection

    @hookimpl
    def autopack_register_projections(self, register):
        register("pauses", self.projection)


def opened(path, *projections):
    """A log whose plugins register these."""
    return autopack.open_log(
        path, plugins=load_plugins(extra=[Plugin(projection) for projection in projections])
    )


def asked(path, sql):
    """What SQLite answers, from beside."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as other:
        cursor = other.execute(sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


class TestReading:
    """As of now, and without a replay."""

    def test_one_row_is_read_by_its_key(self, log_path):
        """What is saved of it, and what came since; None where there is no such row."""
        pauses = Pauses()
        with opened(log_path, pauses) as log:
            paused(log, n=50)
            paused(log, "other", n=50)
            log.refresh_views()
            paused(log)
            pauses.n_asked = 0
            row = autopack.view(log, "pauses", key="r")

            assert (51, "reason 0") == (row.n, row.last_why)
            assert 1 == pauses.n_asked
            assert autopack.view(log, "pauses", key="nobody") is None
            assert row == autopack.view(log, "pauses").rows["r"]

    def test_a_value_has_no_rows(self, log_path):
        """A key is refused by name."""
        whole = autopack.projection(initial=0, name="n")(lambda n, _recorded: n + 1)
        with opened(log_path) as log, pytest.raises(InvalidInputError, match="without rows"):
            autopack.view(log, whole, key="r")

    def test_the_command_shows_it(self, log_path, tmp_path):
        """The whole view, one row, and that there is none."""
        with autopack.open_log(log_path) as log:
            autopack.create_run(log, "r", specs("a", "b"))
        run = ["--log", str(log_path), "view", "phases"]
        whole = CliRunner().invoke(command, run)
        row = CliRunner().invoke(command, [*run, "--key", "r/a"])
        none = CliRunner().invoke(command, [*run, "--key", "r/z"])

        assert [0, 0, 0] == [whole.exit_code, row.exit_code, none.exit_code]
        assert "r/b" in whole.output
        assert "QUEUED" in row.output
        assert "r/b" not in row.output
        assert "r/z: no such row" in none.output


class TestKeeping:
    """Persisted, caught up, compared, made anew."""

    def test_a_drain_brings_it_up_to_date(self, log_path):
        """A plugin's view is saved at the head at its end, and compared by verify."""
        with opened(log_path, Pauses()) as log:
            autopack.create_run(log, "r", specs("a"))
            paused(log, "elsewhere")
            autopack.drain(log, executor=lambda _p, _a: autopack.Completed())
            saved = journal_of(log).backend.checkpoint("pauses")

            assert log.head().position == saved.position
            assert log.verify(views=True).is_clean
            with journal_of(log).backend.transaction() as store:
                store.save_view(saved, {"elsewhere": '{"n": 7}'}, replace=False)
            assert "'pauses' is not what the log says: elsewhere" in str(log.verify(views=True))

    @pytest.mark.parametrize(
        "fault", [ZeroDivisionError, RecursionError, SystemExit, GeneratorExit]
    )
    def test_one_that_fails_costs_a_drain_nothing(self, log_path, fault):
        """Whatever it raises: it is named, and left as it was."""

        class Failing(Pauses):
            def project(self, row, recorded):
                raise fault("no")

        with opened(log_path, Failing()) as log, capture_logs() as logged:
            autopack.create_run(log, "r", specs("a"))
            paused(log, "elsewhere")
            report = autopack.drain(log, executor=lambda _p, _a: autopack.Completed())
            told = [line["event"] for line in logged if line["log_level"] == "error"]

            assert ("empty", 1) == (report.reason, report.completed)
            assert ["a plugin's view was not persisted"] == told
            assert journal_of(log).backend.checkpoint("pauses") is None

    @pytest.mark.parametrize(
        "row",
        [Pause(n="one"), {"n": 1}, Pause(n=1, waited_s=float("nan")), Pause(n=1, actors=["a"])],
    )
    def test_a_row_that_would_come_back_as_another_is_not_kept(self, log_path, row):
        """It is the projection that is wrong then; the log was never damaged."""

        class Wrong(Pauses):
            def project(self, _row, recorded):
                return row

        with autopack.open_log(log_path) as log:
            paused(log)
            with pytest.raises(
                InvalidInputError, match=r"'pauses' cannot be persisted: its row 'r'"
            ):
                log.refresh_views(also=[Wrong()])

            assert log.verify(views=True).is_clean
            assert journal_of(log).backend.checkpoint("pauses") is None

    def test_one_of_your_own_is_kept_when_you_say_so(self, log_path):
        """Without any plugin: afterwards only what is new is folded."""
        mine = Pauses()
        with autopack.open_log(log_path) as log:
            paused(log, n=20)
            positions = log.refresh_views(also=[mine])
            paused(log)
            mine.n_asked = 0

            assert 20 == positions["pauses"]
            assert 21 == autopack.view(log, mine, key="r").n
            assert 1 == mine.n_asked

    def test_the_command_keeps_one_of_a_file(self, log_path, tmp_path):
        """``views refresh FILE.PY:NAME``."""
        (tmp_path / "mine.py").write_text(
            "import autopack\n"
            "@autopack.projection(initial=0)\n"
            "def events(n, recorded):\n    return n + 1\n",
            encoding="utf-8",
        )
        with autopack.open_log(log_path) as log:
            paused(log, n=3)
        place = f"{tmp_path / 'mine.py'}:events"
        told = CliRunner().invoke(command, ["--log", str(log_path), "views", "refresh", place])

        assert 0 == told.exit_code
        with autopack.open_log(log_path) as log:
            assert 3 == journal_of(log).backend.checkpoint("events").position

    def test_a_name_of_others_is_no_place_for_yours(self, log_path):
        """It is neither read from their rows nor written over them."""

        class Runs(Pauses):
            name, version = "runs", 1

        with autopack.open_log(log_path) as log:
            autopack.create_run(log, "r", specs("a"))
            paused(log, n=2)
            log.refresh_views()

            assert 2 == autopack.view(log, Runs(), key="r").n
            assert ["r"] == list(autopack.view(log, Runs()).rows)
            with pytest.raises(InvalidInputError, match="give yours its own name"):
                log.refresh_views(also=[Runs()])
            assert log.verify(views=True).is_clean

    def test_a_lower_version_leaves_what_a_higher_one_saved(self, log_path):
        """Two versions of a plugin do not take turns; a rebuild that is asked for is done."""

        class Newer(Pauses):
            version = 2

        with opened(log_path, Newer()) as log:
            paused(log, n=3)
            log.refresh_views()
        with opened(log_path, Pauses()) as log:
            log.refresh_views()
            backend = journal_of(log).backend

            assert 2 == backend.checkpoint("pauses").version
            assert 3 == autopack.view(log, "pauses", key="r").n
            log.refresh_views(rebuild=True)
            assert 1 == backend.checkpoint("pauses").version


@autopack.event("visit.paid")
class VisitPaid:
    """Of a plugin that comes and goes."""

    by: str


class Visits:
    """Registers it."""

    @hookimpl
    def autopack_register_events(self, register):
        register(VisitPaid)


@autopack.projection(initial={}, name="kinds", types=None)
def kinds(view, recorded):
    """Count all events by type."""
    return {**view, recorded.type: view.get(recorded.type, 0) + 1}


class TestWithoutAPlugin:
    """A projection of every type, while some events are of a plugin that is not there."""

    def test_what_it_could_not_be_shown_is_shown_later(self, log_path):
        """It is persisted up to the first event that nobody knows, and right when that is known."""
        with autopack.open_log(log_path, plugins=load_plugins(extra=[Visits()])) as log:
            paused(log)
            log.append("visits", [VisitPaid(by="kim")], expected_version=ANY)
        with autopack.open_log(log_path) as log:
            paused(log)

            assert 1 == log.refresh_views(also=[kinds])["kinds"]
            assert {"run.paused": 2} == autopack.view(log, kinds).value
            assert log.verify(views=True).is_clean
        with autopack.open_log(log_path, plugins=load_plugins(extra=[Visits()])) as log:
            assert {"run.paused": 2, "visit.paid": 1} == autopack.view(log, kinds).value
            assert 3 == log.refresh_views(also=[kinds])["kinds"]
            assert {"run.paused": 2, "visit.paid": 1} == autopack.view(log, kinds).value

    def test_what_it_was_shown_stays_and_is_no_fault(self, log_path):
        """What was folded with the plugin is kept without it; nobody can compare it then."""

        class Both(Visits):
            @hookimpl
            def autopack_register_projections(self, register):
                register("kinds", kinds)

        class Kinds:
            @hookimpl
            def autopack_register_projections(self, register):
                register("kinds", kinds)

        with autopack.open_log(log_path, plugins=load_plugins(extra=[Both()])) as log:
            log.append("visits", [VisitPaid(by="kim")], expected_version=ANY)
            log.refresh_views()
        with autopack.open_log(log_path, plugins=load_plugins(extra=[Kinds()])) as log:
            paused(log)

            assert 2 == log.refresh_views()["kinds"]
            assert {"run.paused": 1, "visit.paid": 1} == autopack.view(log, "kinds").value
            assert log.verify(views=True).is_clean


class TestSql:
    """A view in SQL, for whoever reads the file."""

    def test_each_field_is_a_column_of_its_kind(self, log_path):
        """Units stand in the names; what is not known is NULL; an amount is there exactly."""
        with opened(log_path, Pauses()) as log:
            paused(log, n=2)
            paused(log, "once")
            log.refresh_views()
        once, twice = asked(log_path, "SELECT * FROM v_pauses ORDER BY n")

        assert {
            "key": "r", "n": 2, "last_why": "reason 1", "is_by_user": 1, "waited_s": 0.5,
            "cost_usd": 0.1, "cost_pico_usd": 100_000_000_000, "since_utc": "2026-01-31T12:00:00Z",
            "order": "later", "actors_json": '["user","user"]', "as_of_position": 3,
        } == twice  # fmt: skip
        assert (None, None) == (once["cost_usd"], once["cost_pico_usd"])

    def test_it_follows_its_columns(self, log_path):
        """Another version has other columns; the same is not written again."""

        @attrs.frozen
        class Count:
            times: int

        class Newer(Pauses):
            version, row_type = 2, Count

            def project(self, row, recorded):
                return Count(1 + (row.times if row else 0))

        with opened(log_path, Pauses()) as log:
            paused(log)
            log.refresh_views()
            (before,) = asked(log_path, "PRAGMA schema_version")
            paused(log)
            log.refresh_views()
            assert [before] == asked(log_path, "PRAGMA schema_version")
        with opened(log_path, Newer()) as log:
            log.refresh_views()

        assert [{"key": "r", "times": 2, "as_of_position": 2}] == asked(
            log_path, "SELECT * FROM v_pauses"
        )

    def test_a_view_of_the_library_is_not_replaced(self, log_path):
        """A projection whose view would have its name is refused."""

        class Samples(Pauses):
            name = "samples"

        with (
            autopack.open_log(log_path) as log,
            pytest.raises(InvalidInputError, match="choose another name"),
        ):
            log.refresh_views(also=[Samples()])

    @pytest.mark.parametrize("name", ["Samples", "LLM-usage", "x" * 62])
    def test_nor_is_it_by_another_way_to_write_its_name(self, log_path, name):
        """SQLite knows no case, and PostgreSQL cuts long names: two would be one."""
        other = type("Other", (Pauses,), {"name": name})
        with autopack.open_log(log_path) as log:
            paused(log)
            with pytest.raises(InvalidInputError, match="choose a"):
                log.refresh_views(also=[other()])

        assert 1 == len(asked(log_path, "SELECT 1 FROM sqlite_schema WHERE name = 'v_samples'"))

    def test_what_others_made_of_its_name_stays(self, log_path):
        """Another projection's view, of a name that is the same in SQL, or one made by hand."""

        class Two(Pauses):
            name = "pau ses"

        class Three(Pauses):
            name = "pau-ses"

        with closing(sqlite3.connect(log_path)) as by_hand:
            by_hand.execute("CREATE VIEW v_Pauses AS SELECT 1 AS mine")
        with opened(log_path, Pauses()) as log, capture_logs() as logged:
            paused(log)
            log.refresh_views(also=[Two()])
            with pytest.raises(InvalidInputError, match="'pau-ses' cannot be v_pau_ses in SQL: an"):
                log.refresh_views(also=[Three()])

        assert [{"mine": 1}] == asked(log_path, "SELECT * FROM v_pauses")
        assert ["r"] == [row["key"] for row in asked(log_path, "SELECT key FROM v_pau_ses")]
        assert {("pauses", "a plugin's view was not persisted")} == {
            (line["view"], line["event"]) for line in logged
        }

    @pytest.mark.parametrize(
        "names",
        [["key"], ["as_of_position"], ["n", "N"], ["since", "since_utc"], ["cost_pico_usd"]],
    )
    def test_two_columns_of_one_name_are_refused(self, log_path, names):
        """Those that come by themselves count; SQLite would rename one, and PostgreSQL refuse."""
        kinds = {"since": datetime | None}
        fields = {
            name: attrs.field(default=None, type=kinds.get(name, int | None)) for name in names
        }
        fields["cost_usd"] = attrs.field(default=None, type=Usd | None)
        row = attrs.make_class("Odd", fields, frozen=True)

        class Odd(Pauses):
            row_type = row

            def project(self, found, recorded):
                return row()

        with autopack.open_log(log_path) as log:
            paused(log)
            with pytest.raises(InvalidInputError, match="give the field of its column"):
                log.refresh_views(also=[Odd()])

    def test_what_has_no_rows_has_none(self, log_path):
        """Nor has what was not asked for; other backends have no SQL."""

        class Quiet(Pauses):
            name, sql_view = "quiet", False

        class Odd(Pauses):
            name, row_type = "odd", int

        with autopack.open_log(log_path) as log:
            paused(log)
            log.refresh_views(also=[Quiet()])
            with pytest.raises(InvalidInputError, match="no rows of an attrs class"):
                log.refresh_views(also=[Odd()])
        with autopack.create_log("memory:") as log:
            paused(log)
            log.refresh_views(also=[Pauses()])

            assert 1 == autopack.view(log, Pauses(), key="r").n
        assert [] == asked(log_path, "SELECT 1 FROM sqlite_schema WHERE name LIKE 'v_quiet'")
