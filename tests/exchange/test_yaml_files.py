"""YAML that says more than it holds is refused before it is built."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from autopack.exchange.yaml_files import loaded

LISTS = "[{}]"
TABLES = "{{<<: [{}]}}"


def laughs(form, levels, *, first):
    """A document whose every name uses the one before ten times."""
    more = (f"n{n}: &n{n} " + form.format(", ".join([f"*n{n - 1}"] * 10)) for n in range(1, levels))
    return "\n".join([f"n0: &n0 {first}", *more])


@pytest.mark.parametrize(
    ("form", "first"), [(LISTS, "[x, x]"), (TABLES, "{x: 1}")], ids=["lists", "merges"]
)
def test_names_that_multiply_are_refused(form, first):
    """A few lines of a thousand million values, as lists and as tables that are merged."""
    with pytest.raises(ValueError, match="over 1,000,000 values, once every name"):
        loaded(laughs(form, 10, first=first))


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a {b: {c: *a}}", "&a [x, [*a]]"])
def test_what_holds_itself_is_refused(text):
    """No value that is stored does."""
    with pytest.raises(ValueError, match="a part of itself"):
        loaded(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text("ab :-#\n", max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text("ab", max_size=2), inner)
        ),
        max_leaves=12,
    )
)
def test_whatever_yaml_says_is_what_it_says_here(value):
    """With names for what is in it twice, as its own writer has them."""
    text = yaml.safe_dump({"once": value, "twice": [value, value]})

    assert yaml.safe_load(text) == loaded(text)


@pytest.mark.parametrize(
    "text", ["", "# nothing", "---\n...", "a: &a 1\nb: [*a, *a]", "<<: {a: 1}"]
)
def test_what_uses_names_with_measure_is_read(text):
    """As it always was."""
    assert yaml.safe_load(text) == loaded(text)
