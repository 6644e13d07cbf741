"""A state that is changed in place is told with the part of it, the call and the line."""

import attrs
import pytest

from autopack.testing.calibrators import CalibratorContract
from autopack.testing.mutants.calibrators import Mean
from autopack.testing.state_changes import first_change, watched


@attrs.define
class Fields:
    """A state with two fields."""

    sizes: list
    seen: int = 0


class Bare:
    """A state that is an object of any class."""

    def __init__(self, **fields):
        vars(self).update(fields)


class Figures:
    """Figures that are compared one by one, as an array's are."""

    __slots__ = ("figure",)
    __hash__ = None

    def __init__(self, figure):
        self.figure = figure

    def __eq__(self, other):
        raise ValueError("which of them?")

    def __repr__(self):
        return f"<{self.figure}>"


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        ({"a": (1,)}, {"a": (1, 2)}, "state['a'][1] is new: 2"),
        ({}, {"b": (1,)}, "state['b'] is new: (1,)"),
        ({"a": 1}, {}, "state['a'], which was 1, is gone"),
        (Fields([], 3), Fields([], 4), "state.seen, which was 3, is 4"),
        (Bare(of=Fields([7])), Bare(of=Fields([8])), "state.of.sizes[0], which was 7, is 8"),
        ({"x"}, {"x", "y"}, "state['y'] is new: 'y'"),
        ([None], [0], "state[0], which was None, is 0"),
        ([Figures(1)], [Figures(2)], "state[0], which was <1>, is <2>"),
        ([Figures(1)], [Figures(1)], None),
        (float("nan"), float("nan"), None),
        ({"a": [{1}]}, {"a": [{1}]}, None),
    ],
)
def test_the_first_part_that_differs_is_told(was, now, told):
    """As one writes it, with what it was and is."""
    found = first_change(was, now)

    assert (found is None) if told is None else found.startswith(told)


def test_a_state_that_holds_itself_comes_to_an_end():
    """It is looked at once."""
    state, same = [1], [1]
    state.append(state)
    same.append(same)

    assert first_change(state, same) is None


def test_the_line_is_told_by_which_it_changed():
    """Not the last one of the method; and what it returned is given back."""

    def update(state, size):
        total = state.seen + size
        state.sizes.append(size)  # the line
        return total

    returned, change = watched(state := Fields([1]), update, state, 5)
    line = update.__code__.co_firstlineno + 2

    assert (5, f"state.sizes[1] is new: 5\n{__file__}:{line}") == (returned, change)
    assert (3, None) == watched(Fields([]), update, Fields([]), 3)


class InPlace(Mean):
    """It keeps its state in lists by category, and adds to them."""

    def initial(self):
        """Return no lists."""
        return {"sizes": []}

    def update(self, state, sample):
        """Add the figure in place."""
        if self.set_aside(state, sample) is None:
            state["sizes"].append(sample.actual_output_tokens)
        return state

    def predict(self, state, features, tau):
        """Return the mean of the list."""
        return super().predict(state["sizes"], features, tau)

    def propose(self, state):
        """Return what it would propose of the list."""
        return super().propose(tuple(state["sizes"]))


class Suite(CalibratorContract):
    """The suite for it, which pytest is not to collect."""

    __test__ = False

    def make(self):
        return InPlace()


def test_the_suite_says_so():
    """The method, the part of the state, the figure, the line, and what to do."""
    with pytest.raises(AssertionError) as fault:
        Suite().test_a_state_is_never_mutated()

    first, change, line = str(fault.value).splitlines()[:3]
    assert "update() is to return a new state, and changes the one that it is given:" == first
    assert change.startswith("state['sizes'][")
    assert f"{__file__}:{InPlace.update.__code__.co_firstlineno + 3}" == line
