"""What names work that was done before."""

from hypothesis import given
from hypothesis import strategies as st

from autopack import PhaseSpec
from autopack.ports.work import PhaseView
from autopack.prediction.features import features_of
from autopack.prediction.same_work import tasks_of

GOAL = "Fix the parser."


def test_names_go_from_the_goal_to_the_phase():
    """The goal's text, what it is given, the phase itself."""
    names = tasks_of("r/p", goal=GOAL, inputs={"a": "1"})

    assert ["goal", "inputs", "phase"] == [name.partition(":")[0] for name in names]


def test_what_is_not_there_names_nothing():
    """An empty goal is that of everything."""
    assert () == tasks_of(None, goal=" \n", inputs={})
    assert () == tasks_of(None, goal=None, inputs=None)


def test_the_same_goal_has_the_same_name_in_any_run():
    """Blanks aside; another goal has another."""
    one, two, other = (
        tasks_of(ref, goal=goal, inputs=None)
        for ref, goal in (("r/p", GOAL), ("s/q", " Fix  the\nparser. "), ("r/p", "Fix it."))
    )

    assert one[0] == two[0] != other[0]
    assert one[-1] == other[-1] != two[-1]


@given(st.dictionaries(st.text(), st.text(), min_size=1))
def test_inputs_have_one_name_in_any_order(inputs):
    """They are a mapping."""
    turned = dict(reversed(inputs.items()))

    assert tasks_of(None, goal=None, inputs=inputs) == tasks_of(None, goal=None, inputs=turned)


def test_no_text_is_copied():
    """A goal that is erased is not left in an estimate."""
    assert "parser" not in "".join(tasks_of("r/p", goal=GOAL, inputs={"text": "the parser"}))


def test_what_is_asked_for_and_what_stands_in_a_run_have_them_in_common():
    """But for the phase, which the first has none of."""
    asked = features_of(PhaseSpec("p", goal=GOAL, inputs={"a": "1"}))
    standing = features_of(
        PhaseView(run_id="r", phase_id="p", order=1, goal=GOAL, inputs={"a": "1"})
    )

    assert asked.tasks == standing.tasks[:2]
    assert 3 == len(standing.tasks)
