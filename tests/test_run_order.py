"""Phases that would wait for each other are refused where they are queued."""

import graphlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack import PhaseSpec, create_run, queue_phases
from autopack.errors import InvalidInputError
from autopack.run import find_cycle

NAMES = "abcdef"
graphs = st.dictionaries(
    st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=3, unique=True)
)


def spec(name, *after):
    return PhaseSpec(name, category="docs", complexity="low", after=after)


@given(graphs)
def test_a_cycle_is_found_where_there_is_one(graph):
    """What is found is a cycle, and nothing is found only if the order can be kept."""
    found = find_cycle(graph, lambda name: graph.get(name, ()))
    try:
        list(graphlib.TopologicalSorter(graph).static_order())
        expected = False
    except graphlib.CycleError:
        expected = True

    assert expected == bool(found)
    assert all(later in graph[name] for name, later in itertools.pairwise(found))
    assert found == [] or found[0] == found[-1]


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
    """A phase may come after one that is queued later, unless that one waits for it."""
    create_run(memory_log, "r", [spec("a", "b")])
    before = memory_log.head().position
    with pytest.raises(InvalidInputError) as refused:
        queue_phases(memory_log, "r", [spec("b", "c"), spec("c", "a")])

    assert "b -> c -> a -> b" in str(refused.value)
    assert before == memory_log.head().position
    queue_phases(memory_log, "r", [spec("b"), spec("c", "a")])
