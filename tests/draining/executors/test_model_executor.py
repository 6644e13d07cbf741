"""What executors that call a model share, with a client that says what the test says."""

import pytest

from autopack import PhaseRef, PhaseSpec, create_run, drain, get_phase
from autopack.draining.executors.model_executor import ModelExecutor
from autopack.testing.executors import ExecutorContract
from drains import found

FIGURES = {"prompt_tokens": 3, "completion_tokens": 4}


class BusyError(Exception):
    """What a client raises."""

    def __init__(self, said, status=None):
        super().__init__(said)
        self.status_code = status


class Scripted(ModelExecutor):
    """Does with the answer what it is given to do, one step a call; the last one again."""

    name, account = "scripted", "nobody"

    def __init__(self, *steps, **options):
        usual = {"model": "m", "system": None, "prompt": "{goal}", "max_output_tokens": None}
        super().__init__(**{**usual, **options})
        self.steps, self.asked = steps, []

    def check(self):
        """Nothing is missing."""

    async def ready(self):
        """It is."""

    def faults(self):
        return (BusyError,)

    def secrets(self):
        return ("hush",)

    async def ask(self, request, answer):
        self.asked.append(request)
        self.steps[min(len(self.asked), len(self.steps)) - 1](answer)


def whole(answer):
    """Answer in full."""
    answer.told.update(id=None, object="chat.completion", usage=FIGURES)
    answer.stop_reason, answer.is_whole = "stop", True
    answer.write("Hello")


class TestContract(ExecutorContract):
    """It does what every executor does."""

    def make(self):
        return Scripted(whole)

    def failing(self):
        return PhaseSpec("p", category="docs", complexity="low")  # has no goal


def drained(log, executor, **phase):
    """Drain one phase."""
    create_run(log, "one", [PhaseSpec("p", category="docs", complexity="low", goal="x", **phase)])
    return drain(log, executor=executor, run_id="one", backoff_base_s=0.01)


@pytest.mark.parametrize(("fault", "calls"), [
    (BusyError("no", 404), 0), (BusyError("gone away in its midst"), 1),
])  # fmt: skip
def test_a_call_counts_unless_it_was_refused(log, fault, calls):
    """What was sent, and refused by nobody, may have been paid: its use is not known."""

    def failing(_answer):
        raise fault

    report = drained(log, Scripted(failing), max_attempts=1)

    assert (calls, calls) == (report.calls, report.unreadable)
    assert {None} >= {call.total_tokens for call in found(log, "llm.usage_recorded")}


def test_a_secret_that_comes_back_is_cut_out(log):
    """Of the message, and of each fact."""

    def failing(_answer):
        raise BusyError("the key hush is wrong", 401)

    drained(log, Scripted(failing))
    (failed,) = found(log, "phase.failed")

    assert ("auth", "the key [key] is wrong") == (
        failed.failure_class,
        failed.source_fields["said"],
    )
    assert "hush" not in repr(failed)


def empty(answer):
    """Answer without a word."""
    answer.told.update(id=None, object="chat.completion", usage=FIGURES)
    answer.is_whole = True


def busy(_answer):
    """Refuse."""
    raise BusyError("slow down", 429)


@pytest.mark.parametrize(("options", "second"), [
    ({}, ("x\n\nOf the last attempt at this:\n{said}", None)),
    ({"system": "Before: {feedback}"}, ("x", "Before: {said}")),
])  # fmt: skip
def test_feedback_stands_behind_the_prompt_or_where_it_is_named(log, options, second):
    """What it failed with, as long as that is about the work."""
    executor = Scripted(empty, whole, **options)
    drained(log, executor)
    (failed,) = found(log, "phase.failed")
    first, last = executor.asked

    assert ("x", None if not options else "Before:  ") == (first.prompt, first.system)
    assert second == tuple(
        text and text.replace(failed.message, "{said}") for text in (last.prompt, last.system)
    )


def test_that_a_provider_was_busy_is_told_to_no_model(log):
    """It says nothing of the work; what people said of it does."""
    executor = Scripted(busy, busy, whole)
    drained(log, executor)

    assert ["x", "x", "x"] == [one.prompt for one in executor.asked]


def test_what_a_phase_lacks_is_foreseen(log):
    """By a plan, in the words of the failure."""
    drained(log, Scripted(whole))
    phase = get_phase(log, PhaseRef("one", "p"))
    foreseen = Scripted(whole, prompt="{labels.language}").foresee(
        phase, budget_tokens=5, settings={}
    )

    assert "phase one/p has no value for {labels.language}, which its prompt needs" == foreseen
    assert Scripted(whole).foresee(phase, budget_tokens=5, settings={}) is None
