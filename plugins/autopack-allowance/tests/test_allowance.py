"""The strategy's answers, as a function and in real drains."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autopack
from autopack import Choose, Completed, DrainView, PhaseSpec, PhaseView, Stop, Wait
from autopack.errors import InvalidInputError
from autopack_allowance import Allowance

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
P1 = PhaseView(run_id="r", phase_id="p1", order=1)
QUARTER = timedelta(minutes=15)


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch):
    for name in ("TOKENS", "QUIET", "ZONE"):
        monkeypatch.delenv(f"AUTOPACK_ALLOWANCE_{name}", raising=False)


def view(now=NOON, **given):
    return DrainView(**{"now": now, "ready": [P1], **given})


def test_phases_are_taken_while_tokens_are_left():
    """One token below the allowance, the next phase is chosen."""
    strategy = Allowance(daily_tokens=100)

    assert isinstance(strategy(view(tokens_by_quarter={NOON: 99})), Choose)


def test_the_next_day_is_waited_for():
    """When the day's tokens are used up, it waits until midnight, and says how many they were."""
    choice = Allowance(daily_tokens=100)(view(tokens_by_quarter={NOON: 60, NOON - QUARTER: 40}))

    assert datetime(2026, 2, 1, tzinfo=UTC) == choice.until
    assert "the allowance of 2026-01-31 (UTC) is used up: 100 of 100 tokens" == choice.reason


def test_yesterday_does_not_count():
    """Only what was used since midnight is used of the day's allowance."""
    used = {datetime(2026, 1, 30, 23, 45, tzinfo=UTC): 10**9}

    assert isinstance(Allowance(daily_tokens=100)(view(tokens_by_quarter=used)), Choose)


def test_the_day_is_the_zones():
    """In Kathmandu the day began at a quarter past six in the evening, UTC."""
    strategy = Allowance(daily_tokens=100, zone="Asia/Kathmandu")
    evening = datetime(2026, 1, 31, 18, 30, tzinfo=UTC)
    before, since = evening - 2 * QUARTER, evening - QUARTER

    assert isinstance(strategy(view(evening, tokens_by_quarter={before: 100})), Choose)
    assert datetime(2026, 2, 1, 18, 15, tzinfo=UTC) == (
        strategy(view(evening, tokens_by_quarter={since: 100})).until
    )


def test_phases_in_work_hold_what_they_may_write():
    """What is reserved counts as used, and is told apart."""
    choice = Allowance(daily_tokens=1_000)(
        view(tokens_by_quarter={NOON: 400}, reserved_tokens=600, running=1)
    )

    assert choice.reason.endswith("400 and 600 held by phases in work of 1,000 tokens")


def test_quiet_hours_come_first():
    """In quiet hours nothing is chosen, whatever is left."""
    choice = Allowance(daily_tokens=100, quiet="08:00-18:00", zone="Europe/Berlin")(view())

    assert (
        Wait("quiet hours 08:00-18:00 Europe/Berlin", until=datetime(2026, 1, 31, 17, tzinfo=UTC))
        == choice
    )


def test_another_strategy_may_choose():
    """Whoever stands behind it is asked only while phases may be taken."""
    strategy = Allowance(daily_tokens=100, then=lambda view: Stop("enough"))

    assert Stop("enough") == strategy(view())
    assert isinstance(strategy(view(tokens_by_quarter={NOON: 100})), Wait)


def test_nothing_ready_is_waited_for():
    """Its own choice is the first that is ready, or the moment when one will be."""
    assert Wait("nothing is ready", until=NOON) == Allowance(daily_tokens=1)(
        view(ready=[], next_ready_at=NOON)
    )


@settings(max_examples=100)
@given(
    minutes=st.integers(0, 3 * 24 * 60),
    used=st.lists(st.tuples(st.integers(-200, 0), st.integers(0, 500)), max_size=8),
    reserved=st.integers(0, 500),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"]),
)
def test_a_wait_ends(minutes, used, reserved, zone):
    """At the end of a wait a phase is taken, unless it waits again for longer; twice is enough."""
    strategy = Allowance(daily_tokens=1_000, quiet="22:00-06:00", zone=zone)
    now = NOON + timedelta(minutes=minutes)
    start = now.replace(minute=0)
    tokens = {start + place * QUARTER: n for place, n in used}
    first = view(now, tokens_by_quarter=tokens, reserved_tokens=reserved)
    choice, again = strategy(first), strategy(first)
    waits = 0
    seen = first
    while isinstance(choice, Wait):
        waits += 1
        assert choice.until > seen.now
        seen = attrs.evolve(first, now=choice.until, reserved_tokens=0)
        choice = strategy(seen)

    assert strategy(first) == again
    assert waits <= 2
    assert Choose(P1.ref, "first of 1 ready") == choice


class TestSettings:
    """From arguments, and from the environment for what is not given."""

    def test_the_environment_is_read_when_it_is_made(self, monkeypatch):
        """Variables are read for a drain, not when the plugin is loaded."""
        monkeypatch.setenv("AUTOPACK_ALLOWANCE_TOKENS", "200_000")
        monkeypatch.setenv("AUTOPACK_ALLOWANCE_QUIET", "22:00-06:00")
        monkeypatch.setenv("AUTOPACK_ALLOWANCE_ZONE", "Europe/Berlin")
        made = Allowance()

        assert (200_000, "22:00-06:00") == (made.daily_tokens, str(made.quiet))
        assert ZoneInfo("Europe/Berlin") == made.zone

    def test_an_argument_wins(self, monkeypatch):
        """What is given is not looked up, even where the variable is wrong."""
        monkeypatch.setenv("AUTOPACK_ALLOWANCE_TOKENS", "many")
        monkeypatch.setenv("AUTOPACK_ALLOWANCE_QUIET", "22:00-06:00")

        assert Allowance(daily_tokens=7, quiet=None) == Allowance(
            daily_tokens=7, quiet=None, zone="UTC"
        )

    def test_nothing_to_keep_to_is_refused(self):
        """A forgotten variable must not cost a night's tokens."""
        with pytest.raises(InvalidInputError, match="AUTOPACK_ALLOWANCE_TOKENS"):
            Allowance()

    @pytest.mark.parametrize(
        ("name", "value"), [("TOKENS", "many"), ("QUIET", "night"), ("ZONE", "Nowhere/Land")]
    )
    def test_a_wrong_variable_is_named(self, monkeypatch, name, value):
        """With its value."""
        monkeypatch.setenv("AUTOPACK_ALLOWANCE_TOKENS", "1")
        monkeypatch.setenv(f"AUTOPACK_ALLOWANCE_{name}", value)
        with pytest.raises(InvalidInputError, match=f"AUTOPACK_ALLOWANCE_{name}.*'{value}'"):
            Allowance()

    @pytest.mark.parametrize("tokens", [0, -1, 1.5, "100", True])
    def test_tokens_are_a_whole_number(self, tokens):
        """Above 0."""
        with pytest.raises(InvalidInputError, match="daily_tokens"):
            Allowance(daily_tokens=tokens)

    @pytest.mark.parametrize("zone", ["Nowhere/Land", "../etc/passwd"])
    def test_an_unknown_zone_is_named(self, zone):
        """A path is no zone either."""
        with pytest.raises(InvalidInputError, match="time zone"):
            Allowance(daily_tokens=1, zone=zone)


class TestInDrains:
    """With a real log, its clock moved by hand while the strategy waits."""

    @pytest.fixture
    def log(self, tmp_path):
        clock = [NOON.timestamp()]
        with autopack.create_log(tmp_path / "work.db", clock=lambda: clock[0]) as log:
            log.moved = clock
            specs = [PhaseSpec(f"p{n}", category="docs", complexity="low") for n in range(4)]
            autopack.create_run(log, "r", specs)
            yield log

    def patient(self, log, strategy, waits):
        """Return the strategy; while it waits, the clock goes to the end of the wait."""

        def ask(view):
            choice = strategy(view)
            if isinstance(choice, Wait) and choice.until is not None:
                waits.append(choice)
                log.moved[0] = choice.until.timestamp()
            return choice

        return ask

    def test_a_night_is_waited_out(self, log):
        """Two phases a day are paid for: the others are done on the days after."""
        done = []

        def execute(phase, attempt):
            done.append(datetime.fromtimestamp(log.moved[0], UTC).day)
            attempt.record_usage(model="m", input_tokens=50, output_tokens=50)
            return Completed()

        waits = []
        strategy = self.patient(log, Allowance(daily_tokens=150, zone="UTC"), waits)
        report = autopack.drain(log, executor=execute, strategy=strategy)

        assert (4, "empty") == (report.completed, report.reason)
        assert [31, 31, 1, 1] == done
        assert "200 of 150 tokens" in waits[0].reason

    def test_two_drains_share_a_day(self, log):
        """What an earlier drain used is used up for the next one too."""

        def execute(phase, attempt):
            attempt.record_usage(model="m", input_tokens=50, output_tokens=50)
            return Completed()

        strategy = Allowance(daily_tokens=150, zone="UTC")
        autopack.drain(log, executor=execute, strategy=strategy, max_phases=2)
        waits = []
        autopack.drain(log, executor=execute, strategy=self.patient(log, strategy, waits))

        assert "200 of 150 tokens" in waits[0].reason
