"""A class that is registered is made with a user's options, or one of them is refused by name."""

import attrs
import pytest

from autopack.errors import InvalidInputError
from autopack.plugins.plugin_options import made_with, read_options


@attrs.frozen(kw_only=True)
class Newest:
    """One with options of two types, and one without."""

    k: int = 50
    labels: tuple[str, ...] = ()
    anything: object = None


class Untyped:
    """One whose options have no types."""

    def __init__(self, k=50):
        self.k = k


@pytest.mark.parametrize("kind", ["strategy", "executor", "calibrator", "check", "launcher"])
def test_an_option_of_another_type_is_refused_before_it_is_made(kind):
    """Of whatever kind the plugin is; it says what was given and what must be."""
    with pytest.raises(InvalidInputError) as fault:
        made_with(Newest, kind, "newest", {"k": "many"})

    assert (f"{kind}.k", "many") == (fault.value.name, fault.value.value)
    told = f"The {kind} 'newest' refuses its options: k is 'many'; it must be a whole number."
    assert told == str(fault.value)


def test_a_colon_between_options_is_told_of():
    """Where its value has the name of another option in it."""
    with pytest.raises(InvalidInputError, match="a comma between them, no colon"):
        made_with(Newest, "calibrator", "newest", {"k": "20:labels=a"})


def test_values_come_as_their_types_have_them():
    """A list of JSON is a tuple; an option that is given as its default is left alone."""
    made = made_with(Newest, "strategy", "newest", {"labels": ["a", "b"], "anything": None})

    assert Newest(labels=("a", "b")) == made


def test_options_without_types_go_unchecked():
    """Whoever wrote the class said nothing of them."""
    assert "many" == made_with(Untyped, "strategy", "untyped", {"k": "many"}).k


def test_an_unknown_option_is_refused_with_the_nearest():
    """And with all that there are."""
    with pytest.raises(InvalidInputError) as fault:
        made_with(Newest, "strategy", "newest", {"lables": []})

    told = "has no option lables. Did you mean 'labels'? It has: k, labels, anything."
    assert told in str(fault.value)


def test_typed_options_are_read_by_their_types():
    """What is no class is asked for none."""
    assert {"k": 5, "labels": ["5"]} == read_options(Newest, {"k": "5", "labels": '["5"]'})
    assert {"k": 5} == read_options(print, {"k": "5"})
