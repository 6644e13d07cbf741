"""Shelves: an order and buckets, kept up to date one by one."""

from hypothesis import given
from hypothesis import strategies as st

from autopack.draining.strategies.ordered_phases import Shelf, buckets
from autopack.ports.work import PhaseView


def phase(name, run="r", **fields):
    return PhaseView(run_id=run, phase_id=name, order=0, **fields)


def run_of(row):
    return row.run_id


def size_of(row):
    return len(row.deliverables)


steps = st.lists(
    st.tuples(
        st.sampled_from("abcdef"),
        st.one_of(
            st.none(), st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from("rs"))
        ),
    ),
    max_size=30,
)


@given(steps, st.integers(0, 30))
def test_a_shelf_is_a_sorted_dict(steps, asked):
    """Whenever the buckets are first asked for, they hold what sorting everything would give."""
    shelf, model = Shelf(), {}
    for number, (name, told) in enumerate(steps):
        if number == asked:
            shelf.buckets(run_of, size_of)
        key = f"r/{name}"
        if told is None:
            shelf.discard(key)
            model.pop(key, None)
        else:
            index, n_files, run = told
            row = phase(name, run, deliverables=("f",) * n_files)
            shelf.put((0, index, 0, key), row)
            model[key] = ((0, index, 0, key), row)
    ordered = sorted(model.values())
    by_run: dict = {}
    for place, row in sorted(ordered, key=lambda entry: (size_of(entry[1]), entry[0])):
        by_run.setdefault(row.run_id, []).append((size_of(row), place, row))
    found = shelf.buckets(run_of, size_of)

    assert [row for _place, row in ordered] == list(shelf)
    assert len(ordered) == len(shelf)
    assert by_run.keys() == found.keys()
    for run, entries in by_run.items():
        assert [row for _rank, _place, row in entries] == list(found[run])
        assert entries[0][:2] == found[run].best


def test_a_plain_sequence_has_buckets_too():
    """A list is taken in its own order."""
    rows = [phase("b", "s"), phase("a"), phase("c", "s")]

    assert {"s": ["b", "c"], "r": ["a"]} == {
        run: [row.phase_id for row in bucket]
        for run, bucket in buckets(rows, run_of, size_of).items()
    }


def test_slices_are_phases():
    """A slice of a shelf or a bucket is a list of phases."""
    shelf = Shelf.of([phase("a"), phase("b"), phase("c")])

    assert ["b", "c"] == [row.phase_id for row in shelf[1:]]
    assert ["a", "b"] == [row.phase_id for row in shelf.buckets(run_of, size_of)["r"][:2]]
