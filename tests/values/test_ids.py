"""Names and ids: the same phase by each of its names, and ids in the order they are drawn."""

import inspect
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autopack
from autopack import Choose, Completed, PhaseRef, Retry
from autopack.draining.strategies.one_phase import One
from autopack.errors import InvalidInputError, InvalidNameError, RunPausedError
from autopack.values.ids import PhaseName, check_name, phase_ref, uuid7_series
from drains import specs

NAMES = [PhaseRef("r", "docs/a"), ("r", "docs/a"), "r/docs/a"]


@pytest.fixture
def log():
    """A log in memory with one phase, whose id holds a slash."""
    with autopack.create_log("memory:") as made:
        autopack.create_run(made, "r", specs("docs/a"))
        yield made


@pytest.mark.parametrize("name", NAMES)
def test_three_names_are_one_phase(name):
    """A ref, a pair and a text; a choice of a strategy takes any of them too."""
    ref = PhaseRef("r", "docs/a")

    assert [ref] * 4 == [
        phase_ref(name), Choose(name, "x").ref, Retry(name, "x").ref, One(name).ref
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a", r"names no run.* Give RUN/PHASE"),
        ("/a", "run id: it is empty"),
        ("r/", "phase id: it is empty"),
        (("r/s", "a"), "holds '/'"),
        (("r", 5), "not a string"),
        ((), "of type tuple"),
        (("r", "a", "b"), "of type tuple"),
        (["r"], "of type list"),
        (5, "of type int"),
        (None, "NoneType. Give its .ref, "),
    ],
)
def test_what_names_no_phase_is_refused(name, why):
    """By what is wrong with it, and with what to give."""
    with pytest.raises(InvalidNameError, match=why):
        phase_ref(name)


def test_a_phase_in_place_of_its_name_is_told_shortly(log):
    """The message says what to give, not all that the phase is."""
    with pytest.raises(InvalidNameError, match=r"PhaseView. Give its \.ref") as refused:
        autopack.get_phase(log, autopack.get_phase(log, "r/docs/a"))

    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("name", NAMES)
class TestEverywhere:
    """Each function that takes a phase takes each of its names."""

    def test_work_is_done_under_any_name(self, log, name):
        """Claimed, looked at, told of, and its texts read."""
        with autopack.attempt(log, name) as live:
            live.attach("notes", "short")

        assert "COMPLETE" == autopack.get_phase(log, name).status
        assert "phase.completed" == autopack.history(log, name)[-1].type
        assert ["notes"] == [text.name for text in autopack.list_texts(log, name)]
        assert "short" == autopack.read_text(log, name, "notes")

    def test_decisions_are_taken_under_any_name(self, log, name):
        """Skipped, put back, called off."""
        autopack.skip(log, name, why="later")
        autopack.requeue(log, name, why="now")
        autopack.cancel(log, name, why="never")

        assert "CANCELLED" == autopack.get_phase(log, name).status

    def test_a_gate_is_answered_under_any_name(self, log, name):
        """A person approves what waits."""
        with autopack.attempt(log, name) as live:
            live.needs_person("is it right?")
        autopack.decide_gate(log, name, decision="approve", why="seen")

        assert "COMPLETE" == autopack.get_phase(log, name).status

    def test_a_strategy_chooses_by_any_name(self, log, name):
        """What it answers with need not be a ref of the view."""
        autopack.drain(
            log,
            executor=lambda phase, attempt: Completed(),
            strategy=lambda view: Choose(name, "it is meant"),
            max_phases=1,
        )

        assert "COMPLETE" == autopack.get_phase(log, name).status


def test_a_history_names_its_phase_once(log):
    """By its whole name, or by run and phase."""
    whole = autopack.history(log, "r/docs/a")

    assert whole == autopack.history(log, "r", "docs/a")
    with pytest.raises(InvalidInputError, match="names a phase already"):
        autopack.history(log, ("r", "docs/a"), "docs/a")
    with pytest.raises(InvalidNameError, match="holds '/'"):
        autopack.history(log, "r/docs/a", "docs/a")


def test_no_public_function_takes_a_phase_by_another_type():
    """A parameter called ``phase`` or ``ref`` is a phase's name."""
    functions = [f for f in vars_of_surface() if inspect.isfunction(f)]
    taken = {
        function.__name__: str(parameter.annotation)
        for function in functions
        for name, parameter in inspect.signature(function).parameters.items()
        if name in ("phase", "ref") and function is not autopack.history
    }

    assert {str(PhaseName)} == set(taken.values())
    assert {"attempt", "cancel", "decide_gate", "get_phase", "requeue", "skip"} <= set(taken)


def vars_of_surface():
    return [getattr(autopack, name) for name in autopack.__all__]


@pytest.mark.parametrize(
    "sign", ["\x00", "\n", "\x1b", "\x7f", "\x9b", "\u202e", "\u2066", "\u200f", "\u2028", "\ud800"]
)
def test_a_name_holds_no_sign_that_cannot_be_seen(sign):
    """Nor one that turns what follows: it would look like another name."""
    for kind in ("run id", "stream", "view"):
        with pytest.raises(InvalidNameError, match="cannot be shown or stored"):
            check_name(kind, f"a{sign}b")


def test_a_command_to_type_is_quoted(log):
    """A name is anybody's; what is pasted into a shell is what was meant."""
    autopack.create_run(log, "a; rm -rf b", specs("p1"))
    autopack.pause_run(log, "a; rm -rf b", why="w")
    with pytest.raises(RunPausedError) as refused, autopack.attempt(log, ("a; rm -rf b", "p1")):
        pass

    assert "autopack run resume 'a; rm -rf b'" in refused.value.typed


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10), st.integers(0, 50))
def test_a_series_of_ids_is_in_order_and_of_one_millisecond(unix_ms, entropy, n):
    """Each id is one more than the one before, and all have the marks of a UUIDv7."""
    ids = uuid7_series(unix_ms, entropy, n)
    marks = {(UUID(bytes=one).version, UUID(bytes=one).variant) for one in ids}

    assert n == len(set(ids))
    assert sorted(ids) == ids
    assert {unix_ms} >= {int.from_bytes(one[:6], "big") for one in ids}
    assert {(7, RFC_4122)} >= marks


def test_a_series_never_runs_over_into_the_marks():
    """The highest numbers that can be drawn leave room to count."""
    first, *_rest, last = uuid7_series(0, b"\xff" * 10, 1000)

    assert (7, 7) == (UUID(bytes=first).version, UUID(bytes=last).version)
    assert first[:8] == last[:8]
