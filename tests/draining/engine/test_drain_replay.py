"""A drain asked again: its own choices are the same, another strategy is shown where it parts."""

import itertools
import threading
import time

import pytest

import autopack
from autopack import Choose, Completed, Failed, Retry, Stop, Wait, create_run, drain, replay_drain
from autopack.draining.engine import asked_strategy, drain_replay
from autopack.draining.strategies.triage import Triage
from autopack.errors import InvalidInputError
from autopack.events import DrainPhaseSelected, DrainStopped
from autopack.ports.log import ANY, NewEvent
from autopack.testing.mutants.strategies import Remembers, draws_at_random
from drains import end_leases, found, specs

QUICK = {"backoff_base_s": 0.001, "backoff_cap_s": 0.001}


def works(phase, attempt):
    """Do a phase with one call; those of run ``bad`` fail each time."""
    attempt.record_usage(model="m", input_tokens=10, output_tokens=90, cost_usd="0.01")
    if phase.run_id == "bad":
        return Failed("tests_failed", f"no {phase.phase_id}", retryable=False)
    return Completed()


def last_first(view):
    """Take the last that is ready."""
    if not view.ready:
        return Wait("nothing is ready", until=view.next_ready_at)
    return Choose(list(view.ready)[-1].ref, "the last first")


def runs(log):
    """Queue three runs, of which one fails."""
    for run_id in ("good", "bad", "late"):
        create_run(log, run_id, specs(*(f"{run_id}-{n}" for n in range(4)), priority=len(run_id)))


@pytest.mark.parametrize(
    ("strategy", "options"),
    [
        ("fifo", {}),
        ("priority", {"workers": 3}),
        ("triage", {"workers": 3}),
        ("explore", {"workers": 2}),
        ("retry-failed", {}),
        (autopack.Cascade(models=["small", "large"], on="execution"), {"workers": 2}),
    ],
)
def test_a_drain_chooses_the_same_again(any_log, strategy, options):
    """Asked again on the log alone, each built-in strategy chooses as it did, and says why."""
    runs(any_log)
    drain(any_log, executor=works, strategy="fifo", max_phases=6)
    drain(any_log, executor=works, strategy=strategy, **options, **QUICK)
    replay = replay_drain(any_log)
    answers = [one.answer for one in replay.choices]

    assert answers
    assert answers == [one.recorded for one in replay.choices]
    assert (True, False, None) == (replay.is_own, replay.is_impure, replay.parted)


def test_what_was_in_work_and_tried_is_shown_again(any_log):
    """A drain that another one is beside, and that was resumed, is asked on what it saw then."""
    runs(any_log)
    first = drain(any_log, executor=works, strategy="triage", max_phases=4, workers=2)
    drain(any_log, executor=works, run_id="late", max_phases=2)
    drain(any_log, executor=works, resumes=first.drain_id, max_phases=9, **QUICK)
    replay = replay_drain(any_log, first.drain_id)

    assert 2 == len({one.worker for one in replay.choices})
    assert len(replay.choices) == replay.n_same == replay.n_asked


@pytest.mark.remembers
@pytest.mark.parametrize("impure", ["counts", "draws", "remembers", "clock", "file"])
def test_an_impure_strategy_is_caught_with_the_position(memory_log, impure, tmp_path):
    """It counts, draws, remembers, reads the clock or a file: a choice of its own differs."""
    counted, told = itertools.count(), tmp_path / "told.txt"
    told.write_text("0", encoding="utf-8")

    def picks(view, number):
        if not view.ready:
            return Wait("nothing is ready", until=view.next_ready_at)
        return Choose(view.ready[number % len(view.ready)].ref, "by something else")

    strategies = {
        "counts": lambda view: picks(view, next(counted)),
        "draws": draws_at_random,
        "remembers": Remembers(),
        "clock": lambda view: picks(view, time.perf_counter_ns() // 1000),
        "file": lambda view: picks(view, int(told.read_text(encoding="utf-8"))),
    }
    create_run(memory_log, "r", specs(*(f"p{n}" for n in range(9))))
    drain(memory_log, executor=works, strategy=strategies[impure])
    told.write_text("1", encoding="utf-8")
    replay = replay_drain(memory_log, strategy=strategies[impure])
    selected = {one.position for one in memory_log.read_all(types=[DrainPhaseSelected])}

    assert replay.is_own
    assert replay.is_impure
    assert replay.parted.position in selected


def test_a_strategy_that_was_an_object_has_to_be_given_again(memory_log):
    """The log has its name alone; one with plain options can be made again from these."""
    runs(memory_log)
    drain(memory_log, executor=works, strategy=last_first, max_phases=2)
    with pytest.raises(InvalidInputError, match=r"'last_first'.* cannot be asked again: it was an"):
        replay_drain(memory_log)
    drain(memory_log, executor=works, strategy=Triage(max_timeouts_per_run=1), max_phases=2)

    assert replay_drain(memory_log).is_own
    assert replay_drain(memory_log, strategy=Triage(max_timeouts_per_run=1)).is_own
    assert not replay_drain(memory_log, strategy=Triage(max_timeouts_per_run=3)).is_own


def test_another_strategy_parts_and_its_path_is_what_the_log_knows(memory_log):
    """Of phases that ran anyway it is known what they used; others are named, and estimated."""
    runs(memory_log)
    drain(memory_log, executor=works, strategy="fifo", max_phases=6, **QUICK)
    replay = replay_drain(memory_log, strategy=last_first)
    path, parted = replay.path, replay.parted

    assert ("good/good-0", "late/late-3") == (parted.recorded.phase, parted.answer.phase)
    assert parted is replay.choices[0]
    assert (6, 6, 600) == (path.taken.attempts, len(path.steps), path.taken.tokens)
    assert ["late/late-3", "late/late-2", "late/late-1", "late/late-0"] == [
        step.phase for step in path.unknown[:4]
    ]
    assert {"it never ran"} == {step.why_unknown for step in path.unknown}
    assert all(step.estimated_output_tokens > 0 and step.tokens is None for step in path.unknown)
    assert path.known.attempts == len(path.steps) - len(path.unknown)
    assert "after 6 phases, as many as were taken" == path.ended
    assert set(path.only_other) >= {"late/late-3", "late/late-0"}


def test_what_ran_later_is_known_too(memory_log):
    """A phase that another drain did counts with what it used there."""
    runs(memory_log)
    first = drain(memory_log, executor=works, strategy="fifo", max_phases=4, **QUICK)
    drain(memory_log, executor=works, run_id="late")
    path = replay_drain(memory_log, first.drain_id, strategy=last_first).path

    assert (4, 4, 400) == (len(path.steps), path.known.attempts, path.known.tokens)
    assert ("0.04", "0.04") == (str(path.known.cost_usd), str(path.taken.cost_usd))
    assert () == path.unknown
    assert {"good/good-0", "good/good-1"} <= set(path.only_taken)


def test_another_model_is_another_attempt(memory_log):
    """What a phase used on one model says nothing of another one."""
    create_run(memory_log, "r", specs("a", "b", model="small"))
    drain(memory_log, executor=works)

    def larger(view):
        return Choose(view.ready[0].ref, "x", model="large") if view.ready else Stop("done")

    replay = replay_drain(memory_log, strategy=larger)

    assert ["small", "large"] == [replay.parted.recorded.model, replay.parted.answer.model]
    assert ["it ran on small, not on this one"] * 2 == [
        step.why_unknown for step in replay.path.unknown
    ]


def test_a_strategy_that_stops_or_retries_is_followed(memory_log):
    """Its path ends where it says so; a failed phase that it retries is on it."""
    runs(memory_log)
    drain(memory_log, executor=works, run_id="bad", **QUICK)
    drain(memory_log, executor=works, run_id="good", strategy="fifo")
    stopped = replay_drain(memory_log, strategy=lambda _view: Stop("enough"))

    def again(view):
        return Retry(view.failed[0].ref, "again") if view.failed else Stop("no more")

    again.takes_failed = True
    drain(memory_log, executor=works, run_id="bad", strategy=again)
    own = replay_drain(memory_log, strategy=again)

    assert (0, "enough") == (len(stopped.path.steps), stopped.path.ended)
    assert {"retry"} == {one.recorded.act for one in own.choices}
    assert own.n_same == len(own.choices) == 4


def test_a_strategy_that_fails_or_hangs_is_told(memory_log, monkeypatch):
    """What it raises is its answer; one that hangs costs its deadline once."""
    create_run(memory_log, "r", specs("a", "b", "c"))
    drain(memory_log, executor=works)
    for module in (asked_strategy, drain_replay):
        monkeypatch.setattr(module, "DEADLINE_S", 0.2)

    def raises(view):
        return view.nothing_of_the_kind

    asked, go = [], threading.Event()

    def hangs(view):
        asked.append(view)
        go.wait()

    broken = replay_drain(memory_log, strategy=raises)
    hung = replay_drain(memory_log, strategy=hangs)
    go.set()

    assert {"failed"} == {one.answer.act for one in (*broken.choices, *hung.choices)}
    assert "AttributeError" in broken.path.ended
    assert 1 == len(asked)
    assert 3 == len(hung.choices)


def test_choices_of_before_are_not_asked_again(memory_log):
    """One that notes nothing of what it went by is counted, with why."""
    create_run(memory_log, "r", specs("a", "b"))
    report = drain(memory_log, executor=works)
    (_first, second) = found(memory_log, "drain.phase_selected")
    old = DrainPhaseSelected(
        drain_id=report.drain_id, run_id="r", phase_id="b", reason=second.reason
    )
    memory_log.append(f"drain-{report.drain_id}", [old], expected_version=ANY)
    replay = replay_drain(memory_log)

    assert (3, 2, 2) == (len(replay.choices), replay.n_asked, replay.n_same)
    assert "from before choices noted" in replay.choices[-1].why_not


def test_choices_that_were_imported_are_not_asked_again(memory_log):
    """The positions that they name are another log's."""
    create_run(memory_log, "r", specs("a"))
    report = drain(memory_log, executor=works)
    (one,) = found(memory_log, "drain.phase_selected")
    new = NewEvent(event=one, meta={"imported": "another"})
    memory_log.append(f"drain-{report.drain_id}", [new], expected_version=ANY)
    replay = replay_drain(memory_log)

    assert (2, 1) == (len(replay.choices), replay.n_asked)
    assert "another log's" in replay.choices[-1].why_not


def test_a_drain_that_is_not_there_is_refused(memory_log):
    """By its name, with those that are."""
    create_run(memory_log, "r", specs("a"))
    with pytest.raises(InvalidInputError, match="No drain was ever started"):
        replay_drain(memory_log)
    drain(memory_log, executor=works)

    with pytest.raises(InvalidInputError, match="There is no drain 'nightly'"):
        replay_drain(memory_log, "nightly")


def test_a_drain_of_the_past_is_replayed_in_the_past(memory_log):
    """As of a position, its choices up to there are asked again."""
    create_run(memory_log, "r", specs("a", "b", "c"))
    drain(memory_log, executor=works)
    _first, second, _third = memory_log.read_all(types=[DrainPhaseSelected])
    replay = replay_drain(memory_log.as_of(second.position))

    assert (2, 2) == (len(replay.choices), replay.n_same)


class TestBudgets:
    """What attempts would have been given by another calibrator or estimator."""

    def test_budgets_are_compared_on_what_was_written(self, memory_log):
        """Cuts, waste and sums of both, by what the log had taught before each attempt."""
        create_run(memory_log, "r", specs(*(f"p{n}" for n in range(14)), deliverables="a.md"))
        drain(memory_log, executor=works)
        budgets = replay_drain(memory_log, calibrator="shrinkage-quantile").budgets
        first, last = budgets.budgets[0], budgets.budgets[-1]

        assert (14, {}) == (len(budgets.budgets), budgets.left_out)
        assert first.tokens == first.recorded_tokens
        assert (90, False) == (last.actual_tokens, last.is_cut)
        assert last.tokens < last.recorded_tokens
        assert budgets.recorded.waste_tokens == budgets.recorded.budget_tokens - 14 * 90
        assert budgets.replayed.budget_tokens == sum(one.tokens for one in budgets.budgets)

    def test_they_are_what_a_drain_would_have_given(self, memory_log):
        """By its own calibrator, each is what the log has."""
        create_run(memory_log, "r", specs(*(f"p{n}" for n in range(14)), deliverables="a.md"))
        drain(memory_log, executor=works, calibrator="mixture", workers=2)
        budgets = replay_drain(memory_log, calibrator="mixture").budgets

        assert [one.recorded_tokens for one in budgets.budgets] == [
            one.tokens for one in budgets.budgets
        ]

    def test_no_strategy_is_asked_for_budgets_alone(self, memory_log):
        """An object that nobody has any more is no hindrance."""
        create_run(memory_log, "r", specs("a"))
        drain(memory_log, executor=works, strategy=last_first)

        assert () == replay_drain(memory_log, tau=0.5, calibrator="median-ratio").choices

    def test_a_cut_output_is_at_least_what_was_seen(self, memory_log):
        """Within a larger budget nobody knows; what followed it was escalated, and is left out."""
        create_run(memory_log, "r", specs("a", deliverables="a.md"))

        def execute(_phase, attempt):
            is_cut = attempt.number == 1
            attempt.record_usage(model="m", output_tokens=50, truncated=is_cut)
            return Failed("max_tokens", "cut", failure_class="truncated") if is_cut else None

        drain(memory_log, executor=execute, **QUICK)
        budgets = replay_drain(memory_log, estimator="deliverables").budgets
        (one,) = budgets.budgets

        assert one.is_cut
        assert (0, 1, 0) == (
            budgets.replayed.cuts, budgets.replayed.maybe_cuts, budgets.replayed.waste_tokens,
        )  # fmt: skip
        assert {"it followed a cut one, which escalates": 1} == budgets.left_out


def test_an_executor_with_an_account_of_its_own_is_gone_to_again(memory_log):
    """Where one account is refused, phases that a strategy sends to another one are shown."""
    create_run(memory_log, "r", specs(*"abcd"))

    class Other:
        account = "second"

        def execute(self, phase, attempt):
            return works(phase, attempt)

    class ByTurns:
        def __call__(self, view):
            if not view.ready:
                return Wait("nothing is ready", until=view.next_ready_at)
            return self.choice_for(view.ready[0], view)

        def choice_for(self, phase, _view):
            other = "other" if phase.phase_id in "bd" else None
            return Choose(phase.ref, "by turns", executor=other)

    def refused(phase, attempt):
        if attempt.number == 1:
            return Failed("overloaded", "529", failure_class="overloaded", retry_after_s=60.0)
        return works(phase, attempt)

    strategy = ByTurns()
    drain(memory_log, executor=refused, executors={"other": Other()}, strategy=strategy)
    told = [one.circumstances for one in found(memory_log, "drain.phase_selected")]
    replay = replay_drain(memory_log, strategy=strategy)

    assert {"other": "second"} in [one.get("accounts") for one in told]
    assert replay.is_own
    assert replay.n_same == len(replay.choices)


class TestEnds:
    """A strategy that ends its drain is asked again there too."""

    @pytest.mark.parametrize("workers", [1, 3])
    def test_a_stop_and_a_wait_for_nothing_are_answered_again(self, any_log, workers):
        """With the reason; what ends by itself asks nobody."""
        runs(any_log)

        def three(view):
            if sum(run.completed for run in view.history.values()) >= 3:
                return Stop("three are enough")
            return Choose(view.ready[0].ref, "the first")

        def none(_view):
            return Wait("for nothing")

        stopped = drain(any_log, executor=works, strategy=three, run_id="good", workers=workers)
        waited = drain(any_log, executor=works, strategy=none, workers=workers)
        empty = drain(any_log, executor=works, strategy="fifo", run_id="late")
        replays = {
            one.drain_id: replay_drain(any_log, one.drain_id, strategy=strategy)
            for one, strategy in ((stopped, three), (waited, none), (empty, "fifo"))
        }
        told = [[(a.about, a.answer) for a in one.ends] for one in replays.values()]

        assert ["stop", "wait", None] == [ends[0][1].act if ends else None for ends in told]
        assert ["three are enough", "for nothing"] == [ends[0][1].reason for ends in told[:2]]
        assert not any(one.is_impure for one in replays.values())
        assert [one.recorded for one in replays[stopped.drain_id].ends] == [told[0][0][1]]

    @pytest.mark.remembers
    def test_an_end_by_something_else_is_caught_there(self, memory_log):
        """Its choices are the same; the position is that of the drain's end."""
        runs(memory_log)
        times = itertools.count()

        def tired(view):
            if len(view.ready) < 11 and next(times) == 0:
                return Stop("it is late")
            return Choose(view.ready[0].ref, "the first")

        drain(memory_log, executor=works, strategy=tired)
        replay = replay_drain(memory_log, strategy=tired)
        (ended,) = memory_log.read_all(types=[DrainStopped])

        assert replay.n_same == len(replay.choices) == 2
        assert replay.is_impure
        assert (ended.position, "end") == (replay.parted.position, replay.parted.about)


def test_a_phase_that_another_drain_took_over_is_known_by_what_it_came_to(any_log):
    """The last choice of a drain that lost its phase is asked again, as the other one's is."""
    create_run(any_log, "r", specs("a", "b", "c"))
    others = []

    def overtaken(phase, attempt):
        if phase.phase_id == "b":
            end_leases(any_log)
            others.append(drain(any_log, executor=works, phase_id="b", run_id="r"))
        return works(phase, attempt)

    lost = drain(any_log, executor=overtaken, strategy="fifo", max_phases=2)
    own, taker = (replay_drain(any_log, one.drain_id) for one in (lost, others[0]))
    other = replay_drain(any_log, lost.drain_id, strategy=last_first)
    by_phase = {step.phase: step for step in other.path.steps}

    assert [2, 1] == [one.n_same for one in (own, taker)] == [len(own.choices), len(taker.choices)]
    assert ["r/c", "r/b"] == list(by_phase)
    assert (100, None) == (by_phase["r/b"].tokens, by_phase["r/c"].tokens)
