"""How many workers a queue can use: each phase has one, nobody is started twice."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from autopack.draining.queue.wanted_workers import wanted_workers
from autopack.ports.launchers import Launched, WorkerOrder

GPU, BIG, EU = {"gpu": 1}, {"gpu": 2}, {"label": ["eu"]}


def name_of(offers):
    return WorkerOrder(log_id="l", command=(), offers=offers).name


def there(*workers, waiting=False):
    """Return workers that offer so much, with ids from w0 on."""
    return [
        Launched(id=f"w{n}", name=name_of(offers), is_waiting=waiting)
        for n, offers in enumerate(workers)
    ]


def wanted(requirements, workers=(), **settings):
    return wanted_workers(requirements, workers, name_of=name_of, **{"most": 10, **settings})


def started(found):
    return [(dict(offers), n) for offers, n in found.start]


def test_each_phase_has_a_worker():
    """One for each, with what it requires, or as many phases as a worker is at."""
    assert [({}, 3)] == started(wanted([{}] * 3))
    assert [({}, 2)] == started(wanted([{}] * 3, slots=2))
    assert [({}, 1), (GPU, 2), (EU, 1)] == started(wanted([{}, GPU, GPU, EU, EU], slots=2))


def test_phases_that_require_nothing_take_what_room_there_is():
    """A worker with a GPU does other work meanwhile, and one that requires words shares them."""
    assert [(GPU, 1)] == started(wanted([GPU, {}, {}], slots=3))
    assert [(GPU, 2)] == started(wanted([GPU, {}, GPU, {}], slots=2))


def test_who_is_there_is_not_started_again():
    """Whether the engine has begun it or not."""
    for waiting in (False, True):
        found = wanted([{}, {}, GPU], there({}, {}, GPU, waiting=waiting))

        assert ((), (), 3) == (found.start, found.stop, found.kept)


def test_a_long_queue_is_not_gone_through_for_each_worker():
    """Eight times the phases take eight times the calls: who has no room is asked no more."""

    def n_calls(n):
        calls = []
        sys.setprofile(lambda _frame, event, _given: event == "call" and calls.append(1))
        try:
            found = wanted([{}, GPU] * n, most=2 * n)
        finally:
            sys.setprofile(None)
        assert [({}, n), (GPU, n)] == started(found)
        return len(calls)

    assert n_calls(400) < 10 * n_calls(50)


def test_what_still_waits_and_is_not_wanted_is_taken_back():
    """What runs ends by itself, once it is idle."""
    waiting = [Launched(id=f"x{n}", name=name_of({}), is_waiting=True) for n in range(2)]

    assert ("x1",) == wanted([{}, {}], [*there({}), *waiting]).stop
    assert () == wanted([], there({}, {})).stop


def test_there_are_never_more_than_may_be():
    """The rest of the phases is counted; those that are too many are asked to end."""
    found = wanted([{}] * 5, most=2)
    fewer = wanted([{}], there({}, {}, {}), most=1)
    none = wanted([{}], there({}, {}), most=0)

    assert (2, 3) == (found.total, found.left)
    assert (("w1", "w2"), 1) == (fewer.stop, fewer.kept)
    assert ({"w0", "w1"}, 0) == (set(none.stop), none.kept)


def test_offers_that_are_given_are_those_of_every_worker():
    """Amounts are shared by the phases that one is at."""
    assert [(BIG, 2)] == started(wanted([GPU, GPU, GPU], offers=BIG, slots=4))
    assert 1 == wanted([{"gpu": 3}], offers=BIG).left


@given(
    st.lists(st.sampled_from([{}, GPU, BIG, EU]), max_size=12),
    st.integers(1, 3),
    st.integers(0, 6),
)
def test_asked_again_it_starts_and_stops_nothing(requirements, slots, most):
    """And whatever the queue, there are no more workers than may be, nor than phases."""
    first = wanted(requirements, slots=slots, most=most)
    begun = there(*(offers for offers, n in first.start for _ in range(n)), waiting=True)
    second = wanted(requirements, begun, slots=slots, most=most)

    assert first.total <= min(most, len(requirements))
    assert ((), (), first.left) == (second.start, second.stop, second.left)
