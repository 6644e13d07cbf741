"""A table of tasks, answered: each row once, gone on with, asked anew where it changed."""

import asyncio
from decimal import Decimal

import pytest

import autopack
from autopack.errors import InvalidInputError

ROWS = [{"id": f"t{n}", "prompt": f"say {n}"} for n in range(5)]


class Answers:
    """Answers each row with its goal, told what it used; fails those that it is told to."""

    def __init__(self, failing=()):
        self.asked, self.failing = [], failing

    def __call__(self, phase, attempt):
        self.asked.append(phase.phase_id)
        attempt.record_usage(model="m", input_tokens=3, output_tokens=4, cost_usd="0.01")
        if phase.phase_id in self.failing:
            return autopack.Failed("wrong", "two of nine are wrong", retryable=False)
        return f"answer to {phase.goal}"


@pytest.fixture
def place(tmp_path):
    """Where there is no log yet."""
    return tmp_path / "tasks.autopack"


def test_each_row_is_answered_once(place):
    """The second call asks nobody, and yields the same, from the log."""
    answers = Answers(failing=["t2"])
    first = {r.id: r for r in autopack.batch(ROWS, answers, log=place, workers=2)}
    again = list(autopack.batch(ROWS, answers, log=place))

    assert sorted(answers.asked) == [row["id"] for row in ROWS]
    assert list(map(first.get, sorted(first))) == again
    assert ("COMPLETE", "answer to say 1", 7, Decimal("0.01"), None) == (
        again[1].state, again[1].output, again[1].tokens, again[1].cost_usd, again[1].error,
    )  # fmt: skip
    assert ("FAILED", None, "two of nine are wrong") == (
        again[2].state, again[2].output, again[2].error,
    )  # fmt: skip


def test_what_is_not_known_is_not_zero(place):
    """Nobody told of a call: no tokens, no cost."""
    (result,) = autopack.batch(["hello"], lambda phase, attempt: phase.goal, log=place)

    assert ("hello", None, None) == (result.output, result.tokens, result.cost_usd)


def test_a_batch_that_is_left_goes_on_where_it_was(place):
    """Whoever leaves the loop gives back what is in work; the next call asks for the rest."""
    answers = Answers()
    for result in autopack.batch(ROWS, answers, log=place):
        if result.id == "t1":
            break
    before = list(answers.asked)
    results = list(autopack.batch(ROWS, answers, log=place))

    assert [row["id"] for row in ROWS] == sorted(result.id for result in results)
    assert {"COMPLETE"} == {result.state for result in results}
    assert 2 <= len(before) < len(ROWS)
    assert {"t0", "t1"} <= set(before)
    assert 1 == answers.asked.count("t0")


def test_rows_that_are_added_are_asked_for(place):
    """With those that were left alone in between."""
    answers = Answers()
    some = list(autopack.batch(ROWS[:2], answers, log=place))
    others = list(autopack.batch(ROWS[2:], answers, log=place))
    whole = list(autopack.batch(ROWS, answers, log=place))

    assert (2, 3, 5) == (len(some), len(others), len(whole))
    assert 5 == len(answers.asked)


def test_a_changed_row_is_asked_anew_only_if_that_is_wanted(place):
    """A new phase answers it each time, and the answers before stay in the log."""
    answers = Answers()
    row = {"id": "a", "prompt": "one"}
    for prompt, changed in [("one", "keep"), ("two", "keep"), ("two", "requeue"), ("3", "requeue")]:
        row = {**row, "prompt": prompt}
        (result,) = autopack.batch([row], answers, log=place, changed=changed)
        answers.asked.append(result.output)
    with autopack.open_log(place) as log:
        texts = [autopack.read_text(log, f"batch/{one}", "result") for one in ("a", "a~2", "a~3")]

    assert [
        "a", "answer to one", "answer to one", "a~2", "answer to two", "a~3", "answer to 3",
    ] == answers.asked  # fmt: skip
    assert ["answer to one", "answer to two", "answer to 3"] == texts


def test_a_row_that_changed_before_it_was_asked_is_asked_as_it_is_now(place):
    """The phase before, still queued, is skipped with its reason."""
    answers = Answers()
    with autopack.create_log(place) as log:
        list(autopack.batch([{"id": "a", "prompt": "x"}], answers, log=log, max_phases=1))
        generator = autopack.batch(
            [{"id": "b", "prompt": "old"}], lambda *_: pytest.fail("asked"), log=log, drain="other"
        )
        autopack.pause_run(log, "batch", why="not yet")
        (left,) = generator
        assert ("b", "QUEUED", None) == (left.id, left.state, left.output)
        assert "not asked" in left.error
        autopack.resume_run(log, "batch", why="now")
        (result,) = autopack.batch(
            [{"id": "b", "prompt": "new"}], answers, log=log, changed="requeue"
        )
        old = autopack.get_phase(log, "batch/b")

    assert "answer to new" == result.output
    assert "SKIPPED" == old.status


def test_what_is_wrong_is_refused_before_anybody_is_asked(place):
    """A row, a setting, or a run that is somebody else's."""
    answers = Answers()
    with autopack.create_log(place) as log:
        autopack.create_run(log, "nightly", [autopack.PhaseSpec("t0")])
        with pytest.raises(InvalidInputError, match="Row 2"):
            autopack.batch([{"id": "a"}, {"id": ""}], answers, log=log)
        with pytest.raises(InvalidInputError, match="workers"):
            list(autopack.batch(ROWS, answers, log=log, workers=0))
        with pytest.raises(InvalidInputError, match="no row of a batch"):
            list(autopack.batch(ROWS, answers, log=log, run_id="nightly"))

    assert [] == answers.asked


def test_a_batch_of_no_rows_is_none(place):
    """Nothing is asked."""
    assert [] == list(autopack.batch([], Answers(), log=place))


async def _gathered(rows, executor, place, **settings):
    return [result async for result in autopack.abatch(rows, executor, log=place, **settings)]


def test_it_is_awaited_in_the_callers_own_loop(place):
    """The executor runs in the loop of who iterates, so that its clients can be used."""
    loops = []

    async def executor(phase, attempt):
        loops.append(asyncio.get_running_loop())
        await attempt.arecord_usage(model="m", output_tokens=2)
        return phase.goal

    async def whole():
        loops.append(asyncio.get_running_loop())
        first = await _gathered(ROWS, executor, place, workers=3)
        return first, await _gathered(ROWS, executor, place)

    first, again = asyncio.run(whole())

    assert {f"say {n}" for n in range(5)} == {result.output for result in first}
    assert sorted(first, key=lambda one: one.id) == again
    assert (6, 1) == (len(loops), len(set(loops)))


def test_an_awaited_batch_can_be_left(place):
    """What was in work is given back, and asked for by the next call."""

    async def executor(phase, attempt):
        await asyncio.sleep(0 if phase.phase_id == "t0" else 3600)

    async def first_of_all():
        results = autopack.abatch(ROWS, executor, log=place, workers=3)
        async for result in results:
            await results.aclose()
            return result.id
        return None

    assert "t0" == asyncio.run(first_of_all())
    with autopack.open_log(place) as log:
        states = [phase.status.value for phase in autopack.list_phases(log, "batch")]
    assert ["COMPLETE", *["QUEUED"] * 4] == states


def test_what_a_cap_leaves_comes_last_with_its_reason(place):
    """Nobody counts thirty rows to see that one is missing."""
    rows = [{"id": name, "prompt": name} for name in "abc"]
    found = list(autopack.batch(rows, Answers(), log=place, max_phases=1))

    assert ["COMPLETE", "QUEUED", "QUEUED"] == [one.state for one in found]
    assert "not asked: the drain ended (limit" in found[1].error
