"""Caps in USD to the pico-dollar: in sums, at the last call, in large sums, at any context."""

from decimal import ROUND_UP, Decimal, Inexact, localcontext
from fractions import Fraction

import pytest
from structlog.testing import capture_logs

from autopack import (
    amend_usage,
    attempt,
    create_run,
    drain,
    get_caps,
    hookimpl,
    load_plugins,
    set_caps,
    status,
)
from autopack.errors import (
    CapFullError,
    CapReachedError,
    InvalidEventError,
    InvalidInputError,
)
from autopack.log.backends.sqlite.store import SqliteBackend
from autopack.log.log import Log
from autopack.values.money import Usd
from drains import found, specs


def used_in(log, run_id="r"):
    """What a run used of its cap in USD, what is set aside, and the cap, as texts."""
    (use,) = [one for one in get_caps(log, run_id) if one.unit == "usd"]
    return str(use.used), str(use.reserved), str(use.cap)


def paying(cost):
    """An executor whose phases make one call each, of such a cost."""

    def execute(_phase, work):
        work.record_usage(model="m", total_tokens=1, split="total_only", cost_usd=cost)

    return execute


def pays(log, phase, *costs):
    """Do a phase with calls of such costs."""
    with attempt(log, f"r/{phase}") as work:
        for number, cost in enumerate(costs):
            work.record_usage(call_id=f"{phase}-{number}", model="m", cost_usd=cost)


@pytest.mark.parametrize("cap", [0.3, "0.3", Decimal("0.30")])
def test_a_cap_is_filled_to_the_last_pico_dollar(sqlite_log, cap):
    """Three dimes fit under thirty cents, and nothing is claimed after them."""
    create_run(sqlite_log, "r", specs("a", "b"), caps={"usd": cap})
    pays(sqlite_log, "a", 0.1, 0.1, 0.1)

    assert ("0.3", "0", "0.3") == used_in(sqlite_log)
    with pytest.raises(CapFullError, match=r"is 0\.3 USD: 0\.3 are used"):
        pays(sqlite_log, "b", 0)


def test_a_pico_dollar_more_is_above_it(sqlite_log):
    """The call is recorded, and the worker is told which figures met."""
    create_run(sqlite_log, "r", specs("a"), caps={"usd": 0.3})
    with pytest.raises(CapReachedError, match=r"0\.300000000001 of 0\.3 usd"):
        pays(sqlite_log, "a", 0.1, 0.2, "0.000000000001")

    assert ("0.300000000001", "0", "0.3") == used_in(sqlite_log)


def test_nothing_is_left_of_what_was_set_aside(sqlite_log):
    """After amendments up and down, late and early, sums are what the calls say, with no dust."""
    create_run(sqlite_log, "r", specs("a", "b"), caps={"usd": 100})
    pays(sqlite_log, "a", 0.1, 0.2, 0.7)
    pays(sqlite_log, "b", 1.1, 2.2)
    for call, cost in (("a-0", 0.3), ("a-0", 0), ("b-1", 2.3), ("a-2", 0.6), ("b-0", "1e-12")):
        amend_usage(sqlite_log, call_id=call, why="the bill", cost_usd=cost)

    assert ("3.100000000001", "0", "100") == used_in(sqlite_log)
    assert "3.100000000001" == str(status(sqlite_log).cost_usd)
    set_caps(sqlite_log, "r", {"usd": None}, why="w")
    set_caps(sqlite_log, "r", {"usd": "50"}, why="w")
    assert ("3.100000000001", "0", "50") == used_in(sqlite_log)


def test_sums_may_be_larger_than_any_amount(sqlite_log):
    """Two calls whose sum no 64-bit number of pico-dollars holds are counted, settled and read."""
    create_run(sqlite_log, "r", specs("a", "b"), caps={"usd": 9_000_000})
    with pytest.raises(CapReachedError):
        pays(sqlite_log, "a", 9_000_000, 9_000_000.5)
    set_caps(sqlite_log, "r", {"tokens": 10**6}, why="w")

    assert ("18000000.5", "0", "9000000") == used_in(sqlite_log)
    assert ["18000000.5"] == [str(one.usd) for one in found(sqlite_log, "cap.settled")]
    assert sqlite_log.verify(views=True).is_clean


def test_a_context_of_the_program_changes_no_figure(sqlite_log):
    """Not one of six digits that rounds up, and not one that traps what is inexact."""
    create_run(sqlite_log, "r", specs("a", "b", "c"), caps={"usd": "8000000.5"})
    with localcontext() as context:
        context.prec, context.rounding = 6, ROUND_UP
        context.traps[Inexact] = True
        pays(sqlite_log, "a", "1234567.000000000001", 0.1)
        report = drain(sqlite_log, executor=paying("1000000.25"), allow_unknown_price=True)
        used = used_in(sqlite_log)

    assert ("3234567.600000000001", "0", "8000000.5") == used
    assert (2, "2000000.5") == (report.completed, str(report.cost_usd))


@pytest.mark.parametrize(
    ("price", "cost"),
    [
        (Decimal("0.1"), "0.1"),
        (Decimal(1) / 3, "0.333333333333"),
        (0.1 + 0.2, "0.3"),
        (2, "2"),
        (Decimal("NaN"), None),
        (Decimal(-1), None),
        (float("inf"), None),
        (10**400, None),
        ("free", None),
        (Fraction(1, 3), None),
        ([], None),
        (True, None),
    ],
)
def test_a_plugins_price_is_rounded_or_told(log_path, price, cost):
    """To the pico-dollar; of what is no amount nobody is charged, and it is logged."""

    class Prices:
        @hookimpl
        def autopack_price_usage(self, usage):
            return price

    with (
        capture_logs() as logged,
        Log(SqliteBackend(log_path), registry=load_plugins(extra=[Prices()])) as log,
    ):
        create_run(log, "r", specs("a"))
        with attempt(log, "r/a") as work:
            event = work.record_usage(call_id="c", model="m", output_tokens=1).event

    assert (cost, "unknown" if cost is None else "computed") == (
        event.cost_usd and str(event.cost_usd), event.cost_source,
    )  # fmt: skip
    told = {line["event"] for line in logged} & {"a plugin's price is none", "hook failed"}
    assert (cost is None) == bool(told)


def test_the_same_cap_is_set_once(sqlite_log):
    """By the run's first change, in whatever way it is given; a pico-dollar more is another."""
    create_run(sqlite_log, "r", specs("a"), caps={"usd": 0.1})
    for cap in (0.1, "0.10", Decimal("0.100"), "0.100000000001"):
        set_caps(sqlite_log, "r", {"usd": cap}, why="w")

    there = [str(one.max_usd) for one in found(sqlite_log, "cap.set")]
    assert ["0.1", "0.100000000001"] == there


class TestWhatIsGiven:
    """To record_usage() and amend_usage()."""

    @pytest.mark.parametrize("given", [0.1, "0.1", "0.100", Decimal("0.1"), Usd.of("0.1")])
    def test_all_ways_are_one_call(self, sqlite_log, given):
        """The same call told in another way is the same event, reported by its provider."""
        create_run(sqlite_log, "r", specs("a"))
        with attempt(sqlite_log, "r/a") as work:
            first = work.record_usage(call_id="c", model="m", cost_usd=0.1)
            again = work.record_usage(call_id="c", model="m", cost_usd=given)

        assert first == again
        assert ("0.1", "reported") == (str(first.event.cost_usd), first.event.cost_source)
        assert '"cost_usd":"0.1"' in first.row[9]

    @pytest.mark.parametrize(
        "given",
        [
            "0.0000000000001",
            Decimal("1e-13"),
            -0.1,
            float("nan"),
            float("inf"),
            1e7,
            "a",
            True,
            b"1",
        ],
    )
    def test_what_is_no_amount_is_refused(self, sqlite_log, given):
        """And nothing is recorded; the attempt goes on."""
        create_run(sqlite_log, "r", specs("a"))
        with attempt(sqlite_log, "r/a") as work:
            with pytest.raises((InvalidInputError, InvalidEventError), match="US dollars"):
                work.record_usage(call_id="c", model="m", cost_usd=given)
            work.record_usage(call_id="c", model="m", cost_usd=1)
        with pytest.raises((InvalidInputError, InvalidEventError), match="US dollars"):
            amend_usage(sqlite_log, call_id="c", why="w", cost_usd=given)

        assert "1" == str(status(sqlite_log).cost_usd)

    def test_a_source_needs_a_cost(self, sqlite_log):
        """A cost alone was reported; nobody's cost is unknown if that is said, or none is given."""
        create_run(sqlite_log, "r", specs("a"))
        with attempt(sqlite_log, "r/a") as work:
            told = [
                work.record_usage(call_id=name, model="m", **figures).event.cost_source
                for name, figures in (
                    ("a", {"cost_usd": 0}),
                    ("b", {"cost_usd": 0.5, "cost_source": "unknown"}),
                    ("c", {}),
                    ("d", {"cost_usd": None}),
                )
            ]
            with pytest.raises(InvalidEventError, match="'reported', but there is no cost_usd"):
                work.record_usage(call_id="e", model="m", cost_source="reported")

        assert ["reported", "unknown", "unknown", "unknown"] == told

    @pytest.mark.parametrize("cap", [0, -1, "x", float("nan"), "0.0000000000001", 10**7, True])
    def test_what_is_no_cap_is_refused(self, sqlite_log, cap):
        """By a drain, at the creation of a run, and later; nothing is written."""
        create_run(sqlite_log, "r", specs("a"))
        before = sqlite_log.head()
        with pytest.raises(InvalidInputError, match="max_usd"):
            drain(sqlite_log, executor=lambda _phase, _work: None, max_usd=cap)
        with pytest.raises(InvalidInputError, match="usd"):
            create_run(sqlite_log, "s", specs("a"), caps={"usd": cap})
        with pytest.raises(InvalidInputError, match="usd"):
            set_caps(sqlite_log, "r", {"usd": cap}, why="w")

        assert before == sqlite_log.head()


@pytest.mark.parametrize("cap", [0.1, "0.1", Decimal("0.10")])
def test_a_drains_cap_is_in_its_settings(sqlite_log, cap):
    """As its text, and the drain is gone on with under the same one."""
    create_run(sqlite_log, "r", specs("a", "b", "c"))
    given = {"executor": paying(0.06), "allow_unknown_price": True}
    first = drain(sqlite_log, max_usd=cap, max_phases=1, **given)
    again = drain(sqlite_log, resumes=first.drain_id, max_phases=9, **given)
    started, resumed = found(sqlite_log, "drain.started")
    stopped = found(sqlite_log, "drain.stopped")[-1]

    assert ("0.1", "0.1") == (started.settings["max_usd"], resumed.settings["max_usd"])
    assert ("0.06", "0.06") == (str(again.cost_usd), stopped.totals["cost_usd"])
    assert "0.06 are used, so that a claim of 0.12 does not fit" in again.detail
