"""What calls used and cost, from the one account: it agrees with totals, runs and caps."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given

import autopack
from autopack import PhaseSpec
from autopack.errors import InvalidInputError
from autopack.events import LlmUsageAmended
from autopack.log.backends.memory import MemoryBackend
from autopack.log.log import Log
from autopack.plugins.discovery import load_plugins
from autopack.ports.log import ANY, NewEvent
from autopack.testing.clock import VirtualClock
from autopack.testing.facts import append_all, created, queued, usage
from autopack.testing.generators import any_order
from autopack.values.money import Usd

REGISTRY = load_plugins()
START = datetime(2026, 3, 3, 22, tzinfo=UTC)


def groups(table, key):
    """Return the calls of each group."""
    return {row.group[key]: row.use.calls for row in table.rows}


@given(events=any_order)
def test_it_is_the_account(events):
    """In all, by run, model and account, the sums are those that status, runs and caps show."""
    log = Log(MemoryBackend(), registry=REGISTRY)
    append_all(log, events)
    account = autopack.view(log, "attempts").total
    table = autopack.usage(log, by="run")
    by_run = {row.group["run"]: row.use for row in table.rows}

    assert account.all.use == table.total.use
    assert by_run == {run: account.by_run[run].use for run in by_run if run} | (
        {None: by_run[None]} if None in by_run else {}
    )
    for key, sums in (("model", account.by_model), ("account", account.by_account)):
        found = autopack.usage(log, by=key).rows
        assert dict(sums) == {row.group[key] or "": row.use for row in found}
    for key in ("day", "model", "phase", "category", "account", "provider", "role"):
        assert account.all.use == autopack.usage(log, by=key).total.use


def test_it_is_what_a_cap_says_is_used(any_log):
    """Amended figures, late calls and calls of an attempt that was given up are among it."""
    autopack.create_run(any_log, "r", [PhaseSpec("a")], caps={"usd": "5", "tokens": 9_000})
    with autopack.attempt(any_log, "r/a") as attempt:
        attempt.record_usage(
            model="m", call_id="c1", input_tokens=10, output_tokens=5, cost_usd="0.25"
        )
        attempt.complete()
    autopack.amend_usage(any_log, call_id="c1", cost_usd="0.75", why="the bill came")
    used = {cap.unit: cap.used for cap in autopack.get_caps(any_log, "r")}
    total = autopack.usage(any_log).total

    assert Usd("0.75") == used["usd"] == total.cost_usd
    assert 15 == used["tokens"] == total.use.total_tokens


class TestGroups:
    """By what calls can be told apart."""

    def test_a_call_has_the_category_of_its_phase(self, any_log):
        """Whether or not its size was estimated; one of no phase has none."""
        append_all(
            any_log,
            [created(), queued("a", category="docs"), usage("c1"), usage("c2", phase_id=None)],
        )

        assert {"docs": 1, None: 1} == groups(autopack.usage(any_log, by="category"), "category")

    def test_a_call_has_its_own_account_or_that_of_its_attempt(self, any_log):
        """As it was claimed for."""
        append_all(any_log, [created(), queued("a"), usage("own", account="team")])
        drain = autopack.Drain(any_log, account="anthropic", executor=_works)
        drain.run()

        assert {"team": 1, "anthropic": 1} == groups(
            autopack.usage(any_log, by="account"), "account"
        )

    def test_a_phase_is_named_with_its_run(self, any_log):
        """An id is unique only within its run."""
        append_all(any_log, [usage("c1"), usage("c2", run_id="r2")])

        assert {"r1/a": 1, "r2/a": 1} == groups(autopack.usage(any_log, by="phase"), "phase")

    @pytest.mark.parametrize(
        ("zone", "day"),
        [("UTC", "2026-03-03"), ("Asia/Kathmandu", "2026-03-04"), (UTC, "2026-03-03")],
    )
    def test_a_day_is_one_of_a_zone(self, any_log, zone, day):
        """Midnight falls where the zone has it, also at three quarters past an hour."""
        _call_at(any_log, "c1", START.replace(hour=18, minute=15))

        assert {day: 1} == groups(autopack.usage(any_log, by="day", zone=zone), "day")

    def test_without_a_zone_a_day_is_this_machine_s(self, any_log, monkeypatch):
        """As its user's calendar says."""
        monkeypatch.setenv("TZ", "Pacific/Auckland")
        time.tzset()
        _call_at(any_log, "c1", START)
        found = groups(autopack.usage(any_log, by="day"), "day")
        monkeypatch.undo()
        time.tzset()

        assert {"2026-03-04": 1} == found

    def test_without_groups_there_is_the_total(self, any_log):
        """And no row."""
        append_all(any_log, [usage("c1"), usage("c2")])
        table = autopack.usage(any_log, by=())

        assert ((), 2) == (table.rows, table.total.use.calls)

    @pytest.mark.parametrize("by", ["dai", ("model", "colour"), ""])
    def test_a_group_that_is_none_is_refused(self, any_log, by):
        """With all there are."""
        with pytest.raises(InvalidInputError, match="day, model, run, phase"):
            autopack.usage(any_log, by=by)

    @pytest.mark.parametrize("zone", ["Mars", "", "/etc/passwd", "../UTC"])
    def test_a_zone_that_is_none_is_refused(self, any_log, zone):
        """Also where no day is asked for."""
        with pytest.raises(InvalidInputError, match="no time zone"):
            autopack.usage(any_log, zone=zone)


class TestPeriods:
    """Since and until."""

    def test_a_moment_chooses_by_when_calls_were_made(self, any_log):
        """An import brings in calls of last year, with what is known of them now."""
        for n in range(4):
            _call_at(any_log, f"c{n}", START + timedelta(days=n))
        amended = LlmUsageAmended(call_id="c1", why="the bill", cost_usd="0.5")
        any_log.append("r", [amended], expected_version=ANY)
        table = autopack.usage(
            any_log,
            by="day",
            zone=UTC,
            since=START + timedelta(days=1),
            until=START + timedelta(days=2),
        )

        assert {"2026-03-04": 1, "2026-03-05": 1} == groups(table, "day")
        assert Usd("0.5") == table.total.cost_usd

    def test_a_position_chooses_by_what_was_recorded(self, any_log):
        """Until one: what was known there. Since one: the calls that came after."""
        log = any_log
        _call_at(log, "c1", START)
        log.append(
            "r", [LlmUsageAmended(call_id="c1", why="w", cost_usd="0.5")], expected_version=ANY
        )
        _call_at(log, "c2", START - timedelta(days=300))

        assert (1, None) == _figures(autopack.usage(log, until=1))
        assert (1, Usd("0.5")) == _figures(autopack.usage(log, until=2))
        assert (1, None) == _figures(autopack.usage(log, since=1))
        assert (0, Usd("0")) == _figures(autopack.usage(log, since=3))
        assert (0, Usd("0")) == _figures(autopack.usage(log, since=1, until=2))

    @pytest.mark.parametrize("place", [-1, 9, datetime(2026, 1, 1)])
    @pytest.mark.parametrize("end", ["since", "until"])
    def test_a_place_that_is_none_is_refused(self, any_log, end, place):
        """Past the head, below 0, without a zone."""
        append_all(any_log, [usage("c1")])

        with pytest.raises(InvalidInputError):
            autopack.usage(any_log, **{end: place})

    def test_the_past_of_a_log_is_a_log(self):
        """What is asked of ``as_of`` is what was known then."""
        clock = VirtualClock(START)
        with autopack.create_log("memory:", clock=clock) as log:
            append_all(log, [usage("c1")])
            clock.now = START + timedelta(days=1)
            append_all(log, [usage("c2")])

            assert 1 == autopack.usage(log.as_of(START)).total.use.calls


def _works(phase, attempt):
    attempt.record_usage(model="m", input_tokens=1, output_tokens=1)


def _call_at(log, call_id, at):
    event = usage(call_id, phase_id=None, run_id=None, attempt=None)
    log.append("r", [NewEvent(event=event, occurred_at=at)], expected_version=ANY)


def _figures(table):
    return table.total.use.calls, table.total.cost_usd
