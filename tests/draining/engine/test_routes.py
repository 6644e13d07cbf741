"""A model and an executor for each attempt: the claim has them, and lanes and rates follow."""

import pytest

from autopack import (
    Choose,
    Completed,
    Drain,
    Failed,
    Retry,
    Wait,
    create_run,
    drain,
    get_phase,
    usage,
)
from autopack.errors import InvalidInputError, PluginError
from drains import Clock, found, specs, states

FACTS = {"http_status": 429, "error": "rate_limit_error"}


class Jumping(Clock):
    """A clock that drains which only wait move on."""

    def idle_until(self, moment):
        self.now = max(self.now, moment.timestamp())


@pytest.fixture
def clock():
    """In place of one that stands still."""
    return Jumping()


@pytest.fixture
def clocked(another, clock):
    """An empty log by that clock."""
    return another(clock=clock)


def on(model=None, executor=None):
    """A strategy that takes the first phase, on a model and by an executor."""

    def strategy(view):
        if not view.ready:
            return Wait("nothing is ready", until=view.next_ready_at)
        return Choose(view.ready[0].ref, "the first", model=model, executor=executor)

    return strategy


class Seen:
    """Completes each phase with one call, and keeps what it was shown."""

    def __init__(self, account=None):
        self.seen = []
        self.account = account

    def execute(self, phase, attempt):
        self.seen.append((phase.phase_id, phase.model))
        attempt.record_usage(model=phase.model, input_tokens=10, output_tokens=5)
        return Completed()


class TestTheClaim:
    """What was chosen for an attempt is what it is claimed with."""

    def test_it_has_the_chosen_model_and_the_phase_keeps_its_own(self, any_log):
        """The executor sees the chosen model; the phase is asked for with its own all the same."""
        create_run(any_log, "r", specs("a", model="own"))
        executor = Seen()
        drain(any_log, executor=executor, strategy=on("large"))

        assert [("a", "large")] == executor.seen
        assert ["large"] == [one.model for one in found(any_log, "phase.claimed")]
        assert ["large"] == [one.features["model"] for one in found(any_log, "phase.estimated")]
        assert ["own"] == [one.model for one in found(any_log, "phase.queued")]
        phase = get_phase(any_log, "r/a")
        assert ("own", "large") == (phase.model, phase.last_model)

    def test_without_a_choice_it_has_the_phases_model_and_the_drains_executor(self, any_log):
        """What nobody chose is as it was asked for."""
        create_run(any_log, "r", specs("a", model="own"))
        executor = Seen()
        executor.name = "mine"
        drain(any_log, executor=executor, strategy=on())

        (claimed,) = found(any_log, "phase.claimed")
        assert ("own", "mine") == (claimed.model, claimed.executor)

    def test_a_named_executor_does_it_and_is_on_record(self, any_log):
        """One of the drain's executors is called for the phase, by its name."""
        create_run(any_log, "r", specs("a"))
        own, other = Seen(), Seen()
        drain(any_log, executor=own, executors={"other": other}, strategy=on("m", "other"))

        (claimed,) = found(any_log, "phase.claimed")
        assert ([], [("a", "m")]) == (own.seen, other.seen)
        assert ("m", "other") == (claimed.model, claimed.executor)

    def test_a_registered_executor_needs_no_mapping(self, any_log, tmp_path):
        """A name that plugins or files give is found as the drain's own executor would be."""
        file = tmp_path / "does.py"
        file.write_text("def it(phase, attempt):\n    attempt.progress('done')\n")
        create_run(any_log, "r", specs("a"))
        drain(any_log, executor=Seen(), strategy=on(executor=f"{file}:it"))

        assert {"a": "COMPLETE"} == states(any_log)
        assert [f"{file}:it"] == [one.executor for one in found(any_log, "phase.claimed")]

    @pytest.mark.parametrize("is_retry", [False, True])
    def test_an_unknown_executor_ends_the_drain_before_anything_is_claimed(self, any_log, is_retry):
        """The error names the strategy's word; nothing is put back for it, either."""
        create_run(any_log, "r", specs("a"))
        if is_retry:
            drain(any_log, executor=lambda _p, _a: Failed("x", "no", retryable=False))
        before = states(any_log)

        class Strategy:
            takes_failed = True

            def __call__(self, view):
                if view.failed:
                    return Retry(view.failed[0].ref, "again", executor="nobody")
                return Choose(view.ready[0].ref, "the first", executor="nobody")

        n_claims = len(found(any_log, "phase.claimed"))
        with pytest.raises(PluginError, match="'nobody'"):
            drain(any_log, executor=Seen(), strategy=Strategy())

        assert before == states(any_log)
        assert n_claims == len(found(any_log, "phase.claimed"))

    def test_a_retry_has_a_model_too(self, any_log):
        """A failed phase is put back and taken on the model that was named."""
        create_run(any_log, "r", specs("a", model="small"))
        drain(any_log, executor=lambda _p, _a: Failed("x", "no", retryable=False))

        class Again:
            takes_failed = True

            def __call__(self, view):
                if view.failed:
                    return Retry(view.failed[0].ref, "stronger", model="large")
                return Wait("nothing is left")

        drain(any_log, executor=Seen(), strategy=Again())

        assert ["small", "large"] == [one.model for one in found(any_log, "phase.claimed")]
        assert {"a": "COMPLETE"} == states(any_log)

    @pytest.mark.parametrize("wrong", [{"": Seen()}, ["x"], {"x": 3}])
    def test_executors_that_are_none_are_refused(self, any_log, wrong):
        """Each has a name and can be called, or the drain does not begin."""
        create_run(any_log, "r", specs("a"))

        with pytest.raises(InvalidInputError):
            drain(any_log, executor=Seen(), executors=wrong)
        assert [] == found(any_log, "drain.started")

    def test_each_executors_own_check_is_asked_before_anything_is_written(self, any_log):
        """A missing program of the second one is found before the night, not in it."""

        class Unable(Seen):
            def check(self):
                raise InvalidInputError("it is not installed", name="executor", value="x")

        create_run(any_log, "r", specs("a"))
        with pytest.raises(InvalidInputError, match="not installed"):
            drain(any_log, executor=Seen(), executors={"x": Unable()})

        assert [] == found(any_log, "drain.started")

    def test_a_drain_goes_on_only_with_its_executors_given_again(self, any_log):
        """Objects are not in the log; their names are, and the error asks for them."""
        create_run(any_log, "r", specs("a", "b"))
        drain(any_log, executor="recorded", executors={"x": Seen()}, max_phases=1)

        with pytest.raises(InvalidInputError, match="executors"):
            drain(any_log, resumes="last", max_phases=2)
        report = drain(any_log, resumes="last", executors={"x": Seen()}, max_phases=2)
        assert 2 == report.attempts


class TestEarlierAttempts:
    """What a strategy sees of the attempts that were made."""

    @pytest.mark.remembers
    def test_they_are_shown_in_order_with_their_figures(self, any_log):
        """Model, executor, end, failure and use of each, as long as the phase is there."""
        create_run(any_log, "r", specs("a", max_attempts=3))
        views = []

        def strategy(view):
            if not view.ready:
                return Wait("nothing is ready", until=view.next_ready_at)
            views.append(view.attempts(view.ready[0].ref))
            return Choose(view.ready[0].ref, "x", model=f"m{len(views)}", executor="other")

        def execute(phase, attempt):
            attempt.record_usage(model="answers", input_tokens=10, output_tokens=7, cost_usd="0.25")
            if attempt.number < 3:
                return Failed("tests_failed", "2 of 9", retryable=True, retry_after_s=0.001)
            return None

        quick = {"backoff_base_s": 0.001, "backoff_cap_s": 0.001}
        drain(any_log, executor=Seen(), executors={"other": execute}, strategy=strategy, **quick)
        first, _second = views[-1]

        assert [0, 1, 2] == [len(one) for one in views]
        assert (1, "m1", "other") == (first.number, first.model, first.executor)
        assert ("failed", "execution", "tests_failed") == (
            first.ending, first.failure_class, first.reason_code,
        )  # fmt: skip
        assert ("0.25", 1, 7) == (str(first.cost_usd), first.calls, first.output_tokens)

    @pytest.mark.remembers
    def test_another_drain_sees_the_same(self, any_log, another):
        """They are read from the log, so it does not matter who made them."""
        create_run(any_log, "r", specs("a", max_attempts=3))
        seen = []

        def strategy(view):
            if not view.ready:
                return Wait("nothing is ready", until=view.next_ready_at)
            seen.append(view.attempts(view.ready[0].ref))
            return Choose(view.ready[0].ref, "x", model=f"m{len(seen)}")

        def execute(_phase, _attempt):
            return Failed("x", "no", retryable=True, retry_after_s=0.001)

        quick = {"backoff_base_s": 0.001, "backoff_cap_s": 0.001}
        drain(any_log, executor=execute, strategy=strategy, max_phases=1, **quick)
        with another() as reopened:
            drain(reopened, executor=execute, strategy=strategy, max_phases=1, **quick)

        assert [(), ("m1",)] == [tuple(one.model for one in past) for past in seen]

    def test_a_call_of_unknown_price_is_no_free_one(self, any_log):
        """A cost that nobody knows is None, not zero."""
        create_run(any_log, "r", specs("a", max_attempts=2))
        costs = []

        def strategy(view):
            if not view.ready:
                return Wait("nothing is ready", until=view.next_ready_at)
            costs.extend(one.cost_usd for one in view.attempts(view.ready[0].ref))
            return Choose(view.ready[0].ref, "x")

        def execute(_phase, attempt):
            attempt.record_usage(model="m", output_tokens=1)
            return Failed("x", "no", retryable=True, retry_after_s=0.001)

        quick = {"backoff_base_s": 0.001, "backoff_cap_s": 0.001}
        drain(any_log, executor=execute, strategy=strategy, **quick)

        assert [None] == costs


class TestClosedLanes:
    """A model that nobody is sent to now."""

    def close(self, log, model):
        """Let a model be refused for an hour."""
        create_run(log, "closing", specs("x", model=model))

        def refused(_phase, _attempt):
            return Failed("e", "slow", source_fields=FACTS, retry_after_s=3600)

        drain(log, executor=refused, run_id="closing", max_phases=1)

    def test_a_phase_whose_own_model_rests_is_done_on_another(self, clocked, clock):
        """A strategy that says where each would go lets nothing wait for what it would not use."""
        self.close(clocked, "small")
        create_run(clocked, "r", specs("a", "b", model="small"))
        executor, began = Seen(), clock.now

        class Elsewhere:
            def __call__(self, view):
                if not view.ready:
                    return Wait("nothing is ready", until=view.next_ready_at)
                return self.choice_for(view.ready[0], view)

            def choice_for(self, phase, view):
                is_closed = phase.model in view.resting
                return Choose(phase.ref, "open", model="large" if is_closed else None)

        drain(clocked, executor=executor, run_id="r", strategy=Elsewhere())

        assert [("a", "large"), ("b", "large")] == executor.seen
        assert clock.now - began < 60

    def test_a_choice_of_a_model_that_rests_waits_and_the_next_phase_is_asked_for(
        self, clocked, clock
    ):
        """Each is chosen once, not again and again; what is open is done meanwhile."""
        self.close(clocked, "large")
        create_run(clocked, "r", specs("a", "b", "c"))
        executor, asked = Seen(), []

        def strategy(view):
            if not view.ready:
                return Wait("nothing is ready", until=view.next_ready_at)
            first = view.ready[0]
            asked.append(first.phase_id)
            assert len(asked) < 99  # nothing else would end a drain that asks on and on
            return Choose(first.ref, "x", model=None if first.phase_id == "b" else "large")

        began = clock.now
        drain(clocked, executor=executor, run_id="r", strategy=strategy)

        assert ["b", "a", "c"] == [name for name, _model in executor.seen]
        assert ["a", "b", "c"] == asked[:3]
        assert len(asked) <= 6
        assert clock.now - began >= 3590

    def test_a_retry_waits_for_its_lane_and_is_put_back_only_then(self, clocked, clock):
        """What cannot be taken yet stays failed: nothing is put back in bulk while a lane rests."""
        create_run(clocked, "r", specs("a", "b"))
        drain(clocked, executor=lambda _p, _a: Failed("x", "no", retryable=False))
        self.close(clocked, "large")
        moments = []

        class Again:
            takes_failed = True

            def __call__(self, view):
                moments.append((view.now.timestamp(), len(view.failed)))
                if view.failed:
                    return Retry(view.failed[0].ref, "x", model="large")
                return Wait("nothing is left")

        began = clock.now
        drain(clocked, executor=Seen(), run_id="r", strategy=Again())

        assert {"a": "COMPLETE", "b": "COMPLETE"} == {
            name: state for name, state in states(clocked).items() if name in "ab"
        }
        assert all(n == 2 for at, n in moments if at < began + 3590)
        assert len(moments) <= 8

    def test_what_waits_is_told_by_the_model_that_was_chosen(self, clocked):
        """The drain's status names the lane that its phases wait for, not that of their own."""
        self.close(clocked, "large")
        create_run(clocked, "r", specs("a", "b", model="small"))

        class Large:
            def __call__(self, view):
                return Wait("x", until=view.next_ready_at)

            def choice_for(self, phase, view):
                return Choose(phase.ref, "x", model="large")

        session = Drain(clocked, executor=Seen(), run_id="r", strategy=Large())._session
        session.check()
        view = session.view()

        assert [] == list(view.ready)
        assert ["large"] == list(view.resting)
        assert [("large", 2)] == [(one.model, one.phases) for one in session.waiting.waits]

    def test_an_executors_own_account_has_lanes_of_its_own(self, clocked, clock):
        """Where one account is refused, a phase that goes to another one is done."""
        create_run(clocked, "r", specs("a"))
        own, other = Seen("first"), Seen("second")
        facts = {"http_status": 429, "error": "usage_limit_reached", "window": "five_hour"}
        reset = int(clock.now + 7200)

        def refused(_phase, _attempt):
            return Failed("e", "used up", source_fields={**facts, "resets_at": reset})

        create_run(clocked, "closing", specs("x"))
        drain(clocked, executor=refused, account="first", run_id="closing", max_phases=1)

        class Over:
            def __call__(self, view):
                if not view.ready:
                    return Wait("nothing is ready", until=view.next_ready_at)
                return self.choice_for(view.ready[0], view)

            def choice_for(self, phase, view):
                return Choose(phase.ref, "x", executor="other" if "" in view.resting else None)

        began = clock.now
        drain(clocked, executor=own, executors={"other": other}, run_id="r", strategy=Over())

        assert ([], ["a"]) == (own.seen, [name for name, _model in other.seen])
        assert ["second"] == [
            one.account for one in found(clocked, "phase.claimed") if one.run_id == "r"
        ]
        assert clock.now - began < 60

    def test_a_refusal_closes_the_lane_of_the_chosen_model(self, clocked):
        """The phase's own model is not to blame for what another one was refused."""
        create_run(clocked, "r", specs("a", model="small"))

        def refused(_phase, _attempt):
            return Failed("e", "slow", source_fields=FACTS, retry_after_s=3600)

        drain(clocked, executor=refused, strategy=on("large"), max_phases=1)

        assert ["large"] == [one.model for one in found(clocked, "lane.rested")]

    def test_rates_count_on_the_chosen_model(self, clocked, clock):
        """Requests a minute of the model that is asked, and of no other."""
        create_run(clocked, "r", specs("a", "b", model="small"))
        executor, began = Seen(), clock.now
        drain(
            clocked,
            executor=executor,
            strategy=on("large"),
            requests_per_minute={"large": 1, "small": 100},
        )

        assert [("a", "large"), ("b", "large")] == executor.seen
        assert clock.now - began >= 59

    def test_an_answer_that_is_another_phase_is_refused(self, clocked):
        """choice_for says where one phase would go; anything else names the strategy's fault."""
        self.close(clocked, "large")
        create_run(clocked, "r", specs("a", "b"))

        class Confused:
            def __call__(self, view):
                return Choose(view.ready[0].ref, "x")

            def choice_for(self, phase, view):
                return Choose("r/b", "x")

        with pytest.raises(PluginError, match=r"choice_for\(r/a\)"):
            drain(clocked, executor=Seen(), run_id="r", strategy=Confused())


def test_use_is_told_by_the_model_that_was_asked(filed):
    """The account of use has the model of the attempt's own calls."""
    drain(filed, executor=Seen(), strategy=on("large"))

    assert ["large"] == [row.group["model"] for row in usage(filed, by=["model"]).rows]


def test_a_plan_is_of_the_chosen_models(any_log):
    """A dry run names the model and the executor that the strategy would use."""
    create_run(any_log, "r", specs("a", model="small"))
    engine = Drain(any_log, executor=Seen(), executors={"x": Seen()}, strategy=on("large", "x"))
    (planned,) = engine.plan()

    assert ("large", "x") == (planned.model, planned.executor)
