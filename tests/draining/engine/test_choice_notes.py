"""What a choice notes beside the log: nothing in most, and all that a replay needs."""

from datetime import timedelta

from autopack import (
    Choose,
    Completed,
    Failed,
    PhaseSpec,
    Stop,
    create_log,
    create_run,
    drain,
    hookimpl,
    load_plugins,
    replay_drain,
)
from autopack.events import DrainPhaseSelected
from autopack.testing.clock import VirtualClock
from drains import found, specs


def works(_phase, attempt):
    """Do a phase with one call."""
    attempt.record_usage(model="m", input_tokens=10, output_tokens=90)
    return Completed()


def selected(log):
    """Return what was noted with each choice."""
    return found(log, DrainPhaseSelected.TYPE)


def test_a_choice_notes_up_to_where_it_had_read(memory_log):
    """Its position and time; and nothing else, where nothing was held or closed."""
    create_run(memory_log, "r", specs("a", "b"))
    drain(memory_log, executor=works)
    first, second = selected(memory_log)

    assert first.read_to < second.read_to
    assert first.looked_at is not None
    assert [({}, {})] * 2 == [(one.circumstances, one.holds) for one in (first, second)]


def test_what_the_breaker_holds_is_told_once(memory_log):
    """With the first choice after it, and not again."""
    create_run(memory_log, "bad", specs(*(f"x{n}" for n in range(4))))
    create_run(memory_log, "good", specs(*(f"y{n}" for n in range(3))))

    def execute(phase, attempt):
        if phase.run_id == "good":
            return works(phase, attempt)
        return Failed("tests_failed", "as ever", retryable=False)

    report = drain(memory_log, executor=execute, max_fingerprint_repeats=2)
    told = [dict(one.holds) for one in selected(memory_log)]

    assert [{}, {}, {"run bad": True}, {}, {}] == told
    assert 5 == replay_drain(memory_log, report.drain_id).n_same


def test_a_closed_lane_is_noted_with_the_choice_beside_it(memory_log):
    """Which model rests until when; the phases of others are taken."""
    create_run(memory_log, "r", [
        PhaseSpec("a", category="docs", complexity="low", model="one"),
        PhaseSpec("b", category="docs", complexity="low", model="two"),
        PhaseSpec("c", category="docs", complexity="low", model="two"),
    ])  # fmt: skip

    def execute(phase, attempt):
        if phase.model == "one" and attempt.number == 1:
            return Failed("overloaded", "529", failure_class="overloaded", retry_after_s=60.0)
        return works(phase, attempt)

    drain(memory_log, executor=execute)
    _first, second, *_others = selected(memory_log)

    assert ["one"] == list(second.circumstances["lanes"]["default"])
    assert 4 == replay_drain(memory_log).n_same


def test_predictions_that_hang_on_files_are_noted(memory_log, tmp_path):
    """The files may be others by the time of a replay: what was predicted then is in the log."""
    (tmp_path / "big.md").write_text("word\n" * 4000, encoding="utf-8")
    phases = [
        PhaseSpec(name, category="docs", complexity="low", deliverables=f"{name}.md")
        for name in ("big", "small")
    ]
    create_run(memory_log, "r", phases)
    drain(memory_log, executor=works, strategy="explore", workspace=tmp_path)
    told = [name for one in selected(memory_log) for name in one.holds]
    (tmp_path / "big.md").unlink()

    assert ["predicted r/big", "predicted r/small"] == sorted(told)
    assert replay_drain(memory_log).n_same == len(selected(memory_log))


def test_a_clock_that_was_set_back_is_noted(memory_log):
    """A back-off that ends earlier than it was recorded to, since our clock was set back."""
    clock = memory_log._journal.clock
    create_run(memory_log, "r", specs("a", "b", "c"))

    def execute(phase, attempt):
        if phase.phase_id == "a" and attempt.number == 1:
            return Failed("tests_failed", "2 of 9", retryable=True, retry_after_s=30.0)
        if phase.phase_id == "b":
            clock.now -= timedelta(days=1)
        return works(phase, attempt)

    assert isinstance(clock, VirtualClock)
    drain(memory_log, executor=execute, backoff_base_s=30.0)
    told = [dict(one.holds) for one in selected(memory_log)]

    assert ["due r/a"] == [name for holds in told for name, due in holds.items() if due]
    assert replay_drain(memory_log).n_same == len(told) == 4


def test_a_category_of_a_plugin_is_redacted_again(tmp_path):
    """Its word is hidden before an estimator sees it, in a drain and in its replay."""

    class Words:
        @hookimpl
        def autopack_category_for(self, category):
            return "docs of acme"

        @hookimpl
        def autopack_redact(self, text):
            return text.replace("docs of acme", "docs")

    def by_prediction(view):
        if not view.ready:
            return Stop("done")
        told = sum(view.predict(phase) for phase in view.ready)
        return Choose(view.ready[told % len(view.ready)].ref, f"of {told} tokens")

    plugins = load_plugins(extra=[Words()])
    with create_log(tmp_path / "hidden.db", plugins=plugins) as log:
        create_run(log, "r", specs("a", "b", "c", category="tests"))
        drain(log, executor=works, strategy=by_prediction)
        replay = replay_drain(log, strategy=by_prediction)
        before = replay_drain(log.as_of(log.head().position), strategy=by_prediction)

    assert [one.recorded for one in replay.choices] == [one.answer for one in replay.choices]
    assert (3, 3) == (replay.n_same, before.n_same)
