"""Phases that would wait for each other are refused where they are queued."""

import graphlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack import PhaseRef, PhaseSpec, cancel, create_run, list_phases, queue_phases
from autopack.aggregates.order import find_cycles
from autopack.errors import InvalidInputError
from autopack.testing.facts import append_all, created, queued

NAMES = "abcdef"
graphs = st.dictionaries(
    st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=3, unique=True)
)


def spec(name, *after):
    return PhaseSpec(name, category="docs", complexity="low", after=after)


@given(graphs)
def test_a_cycle_is_found_where_there_is_one(graph):
    """Each that is found is a cycle, and nothing is found only if the order can be kept."""
    cycles = list(find_cycles(graph, lambda name: graph.get(name, ())))
    found = cycles[0] if cycles else []
    try:
        list(graphlib.TopologicalSorter(graph).static_order())
        expected = False
    except graphlib.CycleError:
        expected = True

    assert expected == bool(found)
    for cycle in cycles:
        assert all(later in graph[name] for name, later in itertools.pairwise(cycle))
        assert cycle[0] == cycle[-1]
    members = [name for cycle in cycles for name in cycle[1:]]
    assert len(members) == len(set(members))


@pytest.mark.parametrize(
    ("phases", "told"),
    [
        ([spec("a", "b"), spec("b", "c"), spec("c", "a")], "a -> b -> c -> a"),
        ([spec("a", "a")], "a -> a"),
        ([spec("x"), spec("b", "c"), spec("c", "b"), spec("a", "b")], "b -> c -> b"),
    ],
)
def test_a_run_with_a_cycle_is_refused(memory_log, phases, told):
    """The error names the cycle; nothing was created."""
    with pytest.raises(InvalidInputError) as refused:
        create_run(memory_log, "r", phases)

    assert told in str(refused.value)
    assert 0 == memory_log.head().position


def test_a_cycle_with_earlier_phases_is_refused(memory_log):
    """A phase of a history may come after one that is queued later, and wait for itself then."""
    append_all(memory_log, [created("r"), queued("a", "r", after=("b",))])
    before = memory_log.head().position
    with pytest.raises(InvalidInputError) as refused:
        queue_phases(memory_log, "r", [spec("b", "c"), spec("c", "a")])

    assert "b -> c -> a -> b" in str(refused.value)
    assert before == memory_log.head().position
    queue_phases(memory_log, "r", [spec("b"), spec("c", "a")])


@pytest.mark.parametrize(
    ("phases", "told"),
    [
        ([spec("parser"), spec("tests", "parserr")],
         ["'tests' of run 'r' comes after 'parserr'", "not in the run", "Did you mean 'parser'?"]),
        ([spec("a", "x9", "b"), spec("b", "y9")], ["'a'", "'x9'", "'b'", "'y9'"]),
        ([spec("aa", "a")], ["'aa' of run 'r' comes after 'a'"]),
        ([spec(f"p{n}", "nobody") for n in range(7)], ["'p4'", "So it is with 2 more."]),
    ],
)  # fmt: skip
def test_a_phase_after_what_is_not_there_is_refused(memory_log, phases, told):
    """The error names phase and missing name, and the one that was meant; nothing was queued."""
    with pytest.raises(InvalidInputError) as refused:
        create_run(memory_log, "r", phases)

    assert [] == [text for text in told if text not in str(refused.value)]
    assert "Did you mean 'aa'" not in str(refused.value)
    assert 0 == memory_log.head().position


def test_phases_are_known_in_any_order(memory_log):
    """Names of the same call and of the run count, whatever became of those phases."""
    create_run(memory_log, "r", [spec("b", "a"), spec("a")])
    cancel(memory_log, PhaseRef("r", "a"), why="w")
    queue_phases(memory_log, "r", [spec("c", "a", "d"), spec("d", "b")])
    before = memory_log.head().position
    with pytest.raises(InvalidInputError, match="'e' of run 'r' comes after 'f'"):
        queue_phases(memory_log, "r", [spec("e", "a", "f")])

    assert before == memory_log.head().position


def test_a_history_may_hold_any_order(memory_log):
    """What happened is not refused: phases after nothing are there, and others can be added."""
    append_all(memory_log, [created("r"), queued("a", "r", after=("nobody", "a"))])
    queue_phases(memory_log, "r", [spec("b", "a")])

    assert ["a", "b"] == [row.phase_id for row in list_phases(memory_log, "r")]
