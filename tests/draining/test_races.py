"""Two at one cap, one phase or one run: whoever comes second decides on what the first did."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

import pytest

from autopack import (
    Log,
    PhaseRef,
    amend_usage,
    attempt,
    cancel,
    create_run,
    drain,
    get_caps,
    get_phase,
    hookimpl,
    load_plugins,
    queue_phases,
    requeue,
    set_caps,
    skip,
)
from autopack.errors import (
    CapFullError,
    CapReachedError,
    InvalidInputError,
    LeaseLostError,
    UsageConflictError,
)
from autopack.log.command_handler import Handler
from autopack.log.log import handler_of, journal_of
from drains import Overtaken, found, specs, states, types_of, works

A, B = PhaseRef("r", "a"), PhaseRef("r", "b")


def use(log: Log, unit: str) -> tuple[float, float]:
    """What is used, and set aside, under the run's cap."""
    (one,) = [one for one in get_caps(log, "r") if one.unit == unit]
    return float(one.used), float(one.reserved)


def call(live, tokens, **figures):
    """Record a call of so many tokens."""
    return live.record_usage(model="m", total_tokens=tokens, split="total_only", **figures)


@contextmanager
def at_work(log, phase):
    """An attempt whose end may be refused, since somebody else was faster."""
    with suppress(LeaseLostError), attempt(log, phase) as live:
        yield live


@pytest.fixture
def hold():
    """Begins attempts that stay in work until the test ends."""
    with ExitStack() as stack:
        yield lambda log, phase: stack.enter_context(at_work(log, phase))


class TestTheLastOfACap:
    """A claim that is decided on what another has taken meanwhile is decided again."""

    def test_only_one_of_two_takes_it(self, any_log, another, hold):
        """Both saw one attempt left; the second is refused, and sets nothing aside."""
        create_run(any_log, "r", specs("a", "b", "c"), caps={"attempts": 2})
        hold(any_log, "r/c")
        Overtaken(any_log, lambda: hold(another(), "r/b"))
        with pytest.raises(CapFullError, match="2 attempts"), attempt(any_log, "r/a"):
            pytest.fail("the block must not run")

        assert (0, 2) == use(any_log, "attempts")
        assert "QUEUED" == states(any_log)["a"]

    def test_nor_where_both_open_the_runs_cap(self, any_log, another, hold):
        """The stream of a run's cap begins with its first claim: by whoever is first."""
        create_run(any_log, "r", specs("a", "b"), caps={"attempts": 1})
        Overtaken(any_log, lambda: hold(another(), "r/b"))
        with pytest.raises(CapFullError), attempt(any_log, "r/a"):
            pytest.fail("the block must not run")

        assert 1 == len(found(any_log, "cap.set"))
        assert (0, 1) == use(any_log, "attempts")

    def test_nor_under_a_cap_that_is_set_meanwhile(self, any_log, another, hold):
        """A claim in a run without caps asserts that it has none still."""
        create_run(any_log, "r", specs("a", "b"))
        other = another()

        def overtake():
            set_caps(other, "r", {"attempts": 1}, why="enough")
            hold(other, "r/b")

        Overtaken(any_log, overtake)
        with pytest.raises(CapFullError), attempt(any_log, "r/a"):
            pytest.fail("the block must not run")

        assert (0, 1) == use(any_log, "attempts")

    def test_a_claim_names_the_caps_that_were_set_meanwhile(self, any_log, another):
        """It is bound by them, so that what it does not tell of its use is missed."""
        create_run(any_log, "r", specs("a"))
        set_caps(any_log, "r", {"tokens": 10**6}, why="enough")
        other = another()
        Overtaken(any_log, lambda: set_caps(other, "r", {"attempts": 5}, why="few"))
        with attempt(any_log, "r/a"):
            pass
        (claimed,) = found(any_log, "phase.claimed")

        assert ["attempts", "tokens"] == sorted(claimed.capped)
        assert (0, 1) == (use(any_log, "attempts")[1], use(any_log, "attempts")[0])

    def test_two_that_begin_a_drain_at_once_have_one_cap(self, any_log, another):
        """The second is told of the cap that the first has set meanwhile."""
        create_run(any_log, "r", specs("a", "b"))
        other, told = another(), {"executor": works, "drain": "nightly", "max_phases": 1}
        Overtaken(any_log, lambda: drain(other, **told, max_tokens=10_000))
        with pytest.raises(InvalidInputError, match="is set to 10000 tokens"):
            drain(any_log, **told, max_tokens=20_000)

        assert [10_000] == [event.max_tokens for event in found(any_log, "cap.set")]

    def test_a_call_sees_what_another_used_meanwhile(self, any_log, another, hold):
        """Each of two calls fits by itself; the one that is recorded second goes above the cap."""
        create_run(any_log, "r", specs("a", "b"), caps={"tokens": 10_000})
        handler = Overtaken(any_log)
        mine, theirs = hold(any_log, "r/a"), hold(another(), "r/b")
        handler.others.append(lambda: call(theirs, 6000))
        with pytest.raises(CapReachedError, match="12000 of 10000 tokens"):
            call(mine, 6000)

        assert (0, 12_000) == use(any_log, "tokens")


class TestWhatIsUsedMeanwhile:
    """Use that is recorded between a decision and its append is missed by nobody."""

    def test_a_cap_begins_with_all_of_it(self, any_log, another, hold):
        """A call of an attempt in work, while a run gets its first cap."""
        create_run(any_log, "r", specs("a"))
        live = hold(another(), "r/a")
        Overtaken(any_log, lambda: call(live, 30_000))
        set_caps(any_log, "r", {"tokens": 50_000}, why="w")

        assert (0, 30_000) == use(any_log, "tokens")

    def test_an_end_meets_a_cap_that_is_set_meanwhile(self, any_log, another):
        """The attempt is taken up under the cap while its end is decided, and settled by it."""
        create_run(any_log, "r", specs("a"))
        other, handler = another(), Overtaken(any_log)
        with attempt(any_log, "r/a") as live:
            call(live, 1000)
            handler.others.append(lambda: set_caps(other, "r", {"tokens": 50_000}, why="w"))

        assert ((1000, 0), (1, 0)) == (use(any_log, "tokens"), use(any_log, "attempts"))

    def test_two_late_calls_of_before_the_cap_both_count(self, any_log, another):
        """They are added to one sum, each to what the other left."""
        create_run(any_log, "r", specs("a", "b"))
        other, handler = another(), Overtaken(any_log)
        with attempt(any_log, A) as mine:
            call(mine, 100)
        with attempt(other, B) as theirs:
            call(theirs, 100)
        set_caps(any_log, "r", {"tokens": 50_000}, why="w")

        def overtake():
            with pytest.raises(LeaseLostError):
                call(theirs, 20)

        handler.others.append(overtake)
        with pytest.raises(LeaseLostError):
            call(mine, 3)

        assert (223, 0) == use(any_log, "tokens")

    def test_an_amendment_may_take_away_from_what_was_before_the_cap(self, any_log):
        """It is taken from the sum, which alone holds the attempt."""
        create_run(any_log, "r", specs("a"))
        with attempt(any_log, A) as live:
            call(live, 1000, call_id="c")
        set_caps(any_log, "r", {"tokens": 50_000}, why="w")
        amend_usage(any_log, call_id="c", why="the bill", total_tokens=400)

        assert (400, 0) == use(any_log, "tokens")

    def test_an_amendment_meets_the_end_of_its_attempt(self, any_log, another):
        """Decided on while the attempt was in work, it counts after that was settled."""
        create_run(any_log, "r", specs("a"), caps={"tokens": 50_000})
        block = attempt(another(), A)
        call(block.__enter__(), 1000, call_id="c")
        Overtaken(any_log, lambda: block.__exit__(None, None, None))
        amend_usage(any_log, call_id="c", why="the bill", total_tokens=400)

        assert (400, 0) == use(any_log, "tokens")

    def test_two_amend_a_call_at_once(self, any_log, another):
        """The second changes what the first has made of it, and not the call as it was."""
        create_run(any_log, "r", specs("a"), caps={"tokens": 50_000})
        with attempt(any_log, A) as live:
            call(live, 1000, call_id="c")
        other, told = another(), {"call_id": "c", "why": "the bill"}
        Overtaken(any_log, lambda: amend_usage(other, **told, total_tokens=400))
        amend_usage(any_log, **told, total_tokens=700)

        assert (700, 0) == use(any_log, "tokens")

    def test_an_amendment_counts_under_the_cap_of_its_drain(self, any_log):
        """Whoever amends is in no drain; the attempt was. In work, its end counts it anew."""
        create_run(any_log, "r", specs("a", "b"))

        def execute(phase, live):
            call(live, 1000, call_id=phase.phase_id)
            amend_usage(any_log, call_id="a", why="the bill", total_tokens=400)

        report = drain(any_log, executor=execute, max_tokens=100_000)
        state = Handler(journal_of(any_log)).cap_state(f"drain-{report.drain_id}")
        amend_usage(any_log, call_id="b", why="the bill", total_tokens=70)
        after = Handler(journal_of(any_log)).cap_state(f"drain-{report.drain_id}")

        assert (1400, 470) == (state.spent.tokens, after.spent.tokens)
        assert 0 == after.reserved.tokens

    def test_calls_without_a_claim_begin_no_attempt(self, any_log):
        """Tokens that somebody recorded for a phase count under its cap, and no phase does."""
        from autopack.events import LlmUsageRecorded
        from autopack.ports.log import ANY

        create_run(any_log, "r", specs("a"))
        told = LlmUsageRecorded(run_id="r", phase_id="a", attempt=1, call_id="c", total_tokens=70)
        any_log.append("phase-r/a", [told], expected_version=ANY)
        set_caps(any_log, "r", {"tokens": 50_000}, why="w")

        assert ((70, 0), (0, 0)) == (use(any_log, "tokens"), use(any_log, "attempts"))

    def test_an_attempt_in_work_holds_what_it_has_used_already(self, any_log, hold):
        """Under a cap that is set later: more than it once meant to set aside."""
        create_run(any_log, "r", specs("a"))
        call(hold(any_log, A), 90_000)
        set_caps(any_log, "r", {"tokens": 10**6}, why="w")

        assert (0, 90_000) == use(any_log, "tokens")


class TestTwoPeople:
    """What one decides is no reason to forget what the other did."""

    def test_each_changes_a_cap_of_its_own(self, any_log, another):
        """Forty times at once: both changes are kept."""
        create_run(any_log, "r", specs("a"), caps={"tokens": 10**9, "usd": 10.0**6})
        with attempt(any_log, A):
            pass
        other, kept = another(), []
        for n in range(1, 41):
            Overtaken(any_log, lambda n=n: set_caps(other, "r", {"usd": float(n)}, why="w"))
            set_caps(any_log, "r", {"tokens": n}, why="w")
            caps = {one.unit: one.cap for one in get_caps(another(), "r")}
            kept.append((caps["tokens"], caps["usd"]))

        assert [(n, n) for n in range(1, 41)] == kept

    def test_the_first_caps_of_a_run_are_joined(self, any_log, another):
        """Both find a run without caps."""
        create_run(any_log, "r", specs("a"))
        other = another()
        Overtaken(any_log, lambda: set_caps(other, "r", {"usd": 5.0}, why="w"))
        set_caps(any_log, "r", {"tokens": 7000}, why="w")
        caps = {one.unit: one.cap for one in get_caps(any_log, "r")}

        assert (7000, 5.0) == (caps["tokens"], caps["usd"])

    def test_a_run_is_not_finished_over_a_phase_that_is_queued_again(self, any_log, another):
        """Its end rests on how each phase stands when it is written."""
        create_run(any_log, "r", specs("a", "b"))
        skip(any_log, A, why="w")
        other = another()
        Overtaken(any_log, lambda: None, lambda: requeue(other, A, why="after all"))
        skip(any_log, B, why="w")

        assert [] == found(any_log, "run.finished")
        assert {"a": "QUEUED", "b": "SKIPPED"} == states(any_log)

    def test_nor_over_a_phase_that_is_added_meanwhile(self, any_log, another):
        """The run's own stream tells of it; its end is decided again once that is read."""
        create_run(any_log, "r", specs("a"))
        other = another()
        Overtaken(any_log, lambda: None, lambda: queue_phases(other, "r", specs("b")))
        skip(any_log, A, why="w")

        assert [] == found(any_log, "run.finished")
        assert {"a": "SKIPPED", "b": "QUEUED"} == states(any_log)

    def test_the_last_of_a_run_finishes_it_whoever_ended_the_others(self, any_log, another):
        """What a handler knows of other phases may be old; it looks before it believes so."""
        create_run(any_log, "r", specs("a", "b"))
        handler_of(any_log).finish_run("r")
        skip(another(), B, why="w")
        skip(any_log, A, why="w")

        assert ["succeeded"] == [event.outcome for event in found(any_log, "run.finished")]

    def test_a_requeue_reopens_a_run_that_is_finished_meanwhile(self, any_log, another):
        """Its last other phase is skipped between the look and the append."""
        create_run(any_log, "r", specs("a", "b"))
        with attempt(any_log, A) as live:
            live.fail("boom", "it broke", retryable=False)
        other = another()
        Overtaken(any_log, lambda: skip(other, B, why="no need"))
        requeue(any_log, A, why="again")

        assert ["run.finished", "run.reopened"] == types_of(any_log, "run-r")[-2:]
        assert {"a": "QUEUED", "b": "SKIPPED"} == states(any_log)


class TestCalledOff:
    """A phase that is called off at work: what was used by then counts, and what comes after."""

    def test_what_it_set_aside_is_given_back_at_once(self, any_log, hold):
        """What it used is in its place, with its lease gone, before its worker knows."""
        create_run(any_log, "r", specs("a"), caps={"tokens": 50_000})
        live = hold(any_log, A)
        call(live, 1000)
        live.attach("notes", "so far")
        cancel(any_log, A, why="w")

        assert ((1000, 0), (1, 0)) == (use(any_log, "tokens"), use(any_log, "attempts"))
        assert [] == [
            one for one in journal_of(any_log).backend.leases() if one.token == live.lease_token
        ]

    def test_a_call_that_meets_it_is_late(self, any_log, another):
        """It was decided on as in time; it is recorded as what it is, and counts."""
        create_run(any_log, "r", specs("a"), caps={"tokens": 50_000})
        other, handler = another(), Overtaken(any_log)
        with pytest.raises(LeaseLostError), attempt(any_log, A) as live:
            call(live, 1000)
            handler.others.append(lambda: cancel(other, A, why="w"))
            call(live, 500)
        late = [event.late for event in found(any_log, "llm.usage_recorded")]

        assert [False, True] == late
        assert (1500, 0) == use(any_log, "tokens")

    def test_a_drains_cap_has_it_back_too(self, any_log):
        """Whoever calls it off is in no drain; the attempt is."""
        create_run(any_log, "r", specs("a", "b"))

        def execute(phase, live):
            call(live, 100)
            if phase.phase_id == "a":
                cancel(any_log, A, why="w")

        report = drain(any_log, executor=execute, max_tokens=100_000)
        state = Handler(journal_of(any_log)).cap_state(f"drain-{report.drain_id}")

        assert (200, 0, 2) == (state.spent.tokens, state.reserved.tokens, state.spent.attempts)
        assert not state.held


class TestTheSameCallAgain:
    """A report that is told twice counts once, under caps as in sums."""

    def test_it_sets_nothing_more_aside(self, any_log, hold):
        """Twice the call would go above the cap; it is one call."""
        create_run(any_log, "r", specs("a"), caps={"tokens": 10_000})
        live = hold(any_log, A)
        first, again = (call(live, 6000, call_id="c") for _ in range(2))

        assert first.position == again.position
        assert (0, 6000) == use(any_log, "tokens")
        assert 1 == live.use.calls

    def test_the_same_id_of_another_provider_is_another_call(self, any_log, hold):
        """Ids are the providers' own."""
        create_run(any_log, "r", specs("a"), caps={"tokens": 10**6})
        live = hold(any_log, A)
        one, other = (call(live, 600, call_id="c", provider=name) for name in ("x", "y"))

        assert one.position != other.position
        assert (2, 1200) == (live.use.calls, live.use.total_tokens)

    def test_it_adds_nothing_after_its_end(self, any_log):
        """A client that reports again what it reported before the attempt ended."""
        create_run(any_log, "r", specs("a"), caps={"tokens": 10_000})
        with attempt(any_log, A) as live:
            call(live, 600, call_id="c")
        again = call(live, 600, call_id="c")

        assert not again.event.late
        assert (600, 0) == use(any_log, "tokens")

    def test_a_price_that_is_reported_now_is_another_figure(self, another):
        """A plugin's price was ours to add; the provider's own is not."""

        class Prices:
            @hookimpl
            def autopack_price_usage(self, usage):
                return (usage.total_tokens or 0) / 1000

        log = another(registry=load_plugins(extra=[Prices()]))
        create_run(log, "r", specs("a"))
        with attempt(log, A) as live:
            call(live, 600, call_id="c")
            call(live, 600, call_id="c")
            with pytest.raises(UsageConflictError, match="cost_usd"):
                call(live, 600, call_id="c", cost_usd=9.0)

        assert 1 == get_phase(log, A).calls

    def test_a_slow_price_holds_up_no_other_call(self, another):
        """The plugin is asked before anything is locked: two calls can be priced at once."""
        both = threading.Barrier(2, timeout=20)

        class Prices:
            @hookimpl
            def autopack_price_usage(self, usage):
                both.wait()
                return 1.0

        log = another(registry=load_plugins(extra=[Prices()]))
        create_run(log, "r", specs("a"))
        with attempt(log, A) as live, ThreadPoolExecutor(2) as threads:
            costs = [one.event.cost_usd for one in threads.map(partial(call, live), (1, 2))]

        assert [1, 1] == costs

    @pytest.mark.parametrize("then", [0.5, 2.0, None])
    def test_a_price_that_has_changed_since_changes_no_call(self, another, then):
        """It costs what it did when it was recorded, under the cap as well."""
        prices = [1.0]

        class Prices:
            @hookimpl
            def autopack_price_usage(self, usage):
                return prices[0]

        log = another(registry=load_plugins(extra=[Prices()]))
        create_run(log, "r", specs("a"), caps={"usd": 9.0})
        with attempt(log, A) as live:
            first = call(live, 600, call_id="c")
            prices[0] = then
            again = call(live, 600, call_id="c")

        assert (first.position, first.event) == (again.position, again.event)
        assert (1, 0) == use(log, "usd")

    def test_a_price_that_was_reported_is_asked_for_again(self, another):
        """What the provider said is a figure of the call: it may not be left out the next time."""

        class Prices:
            @hookimpl
            def autopack_price_usage(self, usage):
                return 2.0

        log = another(registry=load_plugins(extra=[Prices()]))
        create_run(log, "r", specs("a"))
        with attempt(log, A) as live:
            call(live, 600, call_id="c", cost_usd=9.0)
            with pytest.raises(UsageConflictError, match="cost_usd"):
                call(live, 600, call_id="c")

        assert 1 == get_phase(log, A).calls

    def test_growth_in_tokens_gives_no_money_back(self, another, hold):
        """What was set aside in USD stays while a cheap call outgrows the tokens."""

        class Prices:
            @hookimpl
            def autopack_price_usage(self, usage):
                return (usage.total_tokens or 0) / 1000

        log = another(registry=load_plugins(extra=[Prices()]))
        create_run(log, "r", specs("a", model="m"), caps={"tokens": 10**6, "usd": 1000.0})
        live = hold(log, A)
        before = use(log, "usd")[1]
        call(live, 90_000, cost_usd=0.01)

        assert before > 0
        assert (90_000, before) == (use(log, "tokens")[1], use(log, "usd")[1])

    def test_growth_in_money_takes_no_tokens_for_it(self, another, hold):
        """A dear call of few tokens outgrows what was set aside in USD alone."""

        class Prices:
            @hookimpl
            def autopack_price_usage(self, usage):
                return (usage.total_tokens or 0) / 1_000_000

        log = another(registry=load_plugins(extra=[Prices()]))
        create_run(log, "r", specs("a", model="m"), caps={"tokens": 10**6, "usd": 1000.0})
        live = hold(log, A)
        before = use(log, "tokens")[1]
        call(live, 1, cost_usd=500)

        assert before > 1
        assert (before, 500) == (use(log, "tokens")[1], use(log, "usd")[1])
