"""A strategy that fails or answers amiss is named, with what is wrong and where."""

import attrs
import pytest
from click.testing import CliRunner

from autopack import Choose, Completed, Drain, Failed, PhaseRef, create_run, drain
from autopack.cli.main import autopack as command
from autopack.errors import PluginError
from drains import specs


def misspelt(view):
    """Ask the view for what it does not have."""
    return Choose(view.redy[0].ref, "first")


def test_a_strategy_that_raises_is_named_with_the_line(any_log):
    """The error says what was raised, and in which file and line."""
    create_run(any_log, "r", specs("a"))

    with pytest.raises(
        PluginError, match=r"misspelt.*AttributeError.*test_strategy_call\.py, line \d+"
    ):
        drain(any_log, executor=lambda phase, attempt: None, strategy=misspelt)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "answered with NoneType; it must return Choose"),
        ("a", "answered with str; it must return Choose"),
        (Choose(("r", "a"), ""), "answered with Choose and the reason ''; a reason is a text"),
        (Choose(("r", "a"), None), "and the reason None; a reason is a text that says why"),
        (
            Choose(PhaseRef("r", "z"), "why not"),
            "chose r/z, which is not in view.ready: there is no such phase",
        ),
        (Choose(("r", "z"), "why not"), "chose r/z, which is not in view.ready"),
    ],
)
def test_an_answer_that_is_none_is_told(any_log, answer, why):
    """The message names what came, and what may come."""
    create_run(any_log, "r", specs("a"))

    with pytest.raises(PluginError, match=why):
        drain(any_log, executor=lambda phase, attempt: None, strategy=lambda view: answer)


def test_a_view_in_place_of_its_name_is_told_shortly(any_log):
    """The message says what to give, not all that the phase is."""
    create_run(any_log, "r", specs("a"))

    with pytest.raises(
        PluginError, match=r"of type PhaseView\. Give its \.ref, .*strategy_call\.py, l"
    ):
        drain(
            any_log,
            executor=lambda phase, attempt: None,
            strategy=lambda view: Choose(view.ready[0], "x"),
        )


def test_a_choice_of_what_waits_says_why_it_waits(any_log):
    """A drain and a plan of it both know what the phase waits for."""
    create_run(any_log, "r", [*specs("a"), attrs.evolve(*specs("b"), after=("a",))])
    engine = Drain(
        any_log,
        executor=lambda phase, attempt: None,
        strategy=lambda view: Choose(PhaseRef("r", "b"), "x"),
    )

    for call in (engine.plan, engine.run):
        with pytest.raises(PluginError, match=r"view\.ready: it comes after a, which is not compl"):
            call()


def test_the_command_line_has_a_line_and_no_traceback(sqlite_log, log_path, tmp_path):
    """A dry run is refused with 2; a drain that had begun ends with 1."""
    create_run(sqlite_log, "r", specs("a"))
    file = tmp_path / "mine.py"
    file.write_text("def broken(view):\n    return view.redy\n")
    words = ["--log", str(log_path), "drain", "--executor", "recorded", "--strategy",
             f"{file}:broken"]  # fmt: skip

    planned = CliRunner().invoke(command, [*words, "--dry-run"])
    drained = CliRunner().invoke(command, words)

    assert (2, 1) == (planned.exit_code, drained.exit_code)
    for done in (planned, drained):
        assert "the strategy failed: AttributeError" in done.output
        assert "mine.py, line 2" in done.output
        assert "Traceback" not in done.output


def test_a_phase_that_was_retried_well_is_no_failure(any_log):
    """Attempts that failed are counted; what counts for the end is how the phases stand."""
    create_run(any_log, "r", specs("a"))

    def flaky(_phase, attempt):
        if attempt.number == 1:
            return Failed("overloaded", "529", retry_after_s=0.01)
        return Completed()

    report = drain(any_log, executor=flaky)

    assert (1, 1, 0, True) == (
        report.failed, report.completed, report.left_failed, report.is_clean,
    )  # fmt: skip
