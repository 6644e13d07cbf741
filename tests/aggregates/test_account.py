"""An account's lanes: closed by refusals, probed by one attempt, opened by its answer."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.aggregates import account
from autopack.aggregates.account import ALL_MODELS, AccountState
from autopack.aggregates.requests import Entering, Refused
from autopack.errors import LaneRestingError
from autopack.events import LaneOpened, LaneProbed, LaneRested, LimitReported

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def at(seconds):
    return NOW + timedelta(seconds=seconds)


def refused(token="a", second=0.0, *, lane=ALL_MODELS, wait_s=None, **told):
    """A refusal; without a wait that was told, the back-off doubles from one second."""
    return Refused(
        account="x",
        lane=lane,
        cause=told.pop("cause", "overloaded"),
        run_id="r",
        phase_id=token,
        lease_token=token,
        now=at(second),
        wait_s=(lambda n: 2.0 ** (n - 1)) if wait_s is None else (lambda _n: wait_s),
        is_told=wait_s is not None,
        **told,
    )


def entering(token, second, *, model="m", probing=(), waited=()):
    return Entering(
        account="x",
        model=model,
        run_id="r",
        phase_id=token,
        lease_token=token,
        now=at(second),
        probing=frozenset(probing),
        waited=frozenset(waited),
    )


def told(window="five_hour", share=0.5, resets=3600, model=None):
    return LimitReported(
        account="x",
        window=window,
        utilization=share,
        resets_at=None if resets is None else at(resets),
        model=model,
        source="test",
    )


def after(*requests):
    """Return the state after requests, each decided on what came before."""
    state = AccountState()
    for request in requests:
        state = account.fold(account.decide(request, state), state)
    return state


def test_an_account_of_which_nothing_is_known_lets_everybody_in():
    """A claim adds nothing to the log there."""
    assert [] == account.decide(entering("a", 0), AccountState())


def test_a_refusal_closes_the_lane_until_its_wait_is_over():
    """Before that nobody is let in; then the first is a probe, and the next waits for it."""
    state = after(refused(wait_s=30.0))
    with pytest.raises(LaneRestingError):
        account.decide(entering("b", 29), state)
    (probed,) = account.decide(entering("b", 30), state)
    probing = account.evolve(state, probed)

    assert ("b", at(330)) == (probed.lease_token, probed.until)
    with pytest.raises(LaneRestingError):
        account.decide(entering("c", 31, probing=["b"]), probing)


def test_the_answer_of_the_probe_opens_the_lane():
    """And that of anybody else does not: a call from before a rest may be answered yet."""
    state = after(refused(wait_s=1.0), entering("b", 1))

    assert [] == account.answered("x", "a", state)
    (opened,) = account.answered("x", "b", state)
    assert {} == account.evolve(state, opened).rests


@pytest.mark.parametrize("n", [1, 4, 100])
def test_attempts_from_before_a_rest_make_it_no_longer(n):
    """Workers that are refused at once are one refusal."""
    state = after(*(refused(str(number), number / 1000) for number in range(n)))

    assert (1, at(1)) == (state.rests[""].refused, state.rests[""].until)


def test_a_longer_wait_that_was_told_holds():
    """Whoever tells it: the weekly window is used up, and not only that of five hours."""
    state = after(refused("a", 0, wait_s=60.0), refused("b", 1, wait_s=600.0))
    shorter = after(refused("a", 0, wait_s=60.0), refused("b", 1, wait_s=5.0))

    assert (at(601), at(60)) == (state.rests[""].until, shorter.rests[""].until)


def test_each_refused_probe_makes_the_rest_longer():
    """One for the whole lane, whichever phases probe it; and it is known since when."""
    state, now, waits = after(refused("a", 0)), 1.0, []
    for number in range(4):
        token = f"p{number}"
        state = account.fold(account.decide(entering(token, now), state), state)
        state = account.fold(account.decide(refused(token, now), state), state)
        waits.append(state.rests[""].wait_s)
        now += waits[-1]

    assert [2, 4, 8, 16] == waits
    assert (at(0), 5) == (state.rests[""].closed_at, state.rests[""].refused)


def test_a_probe_that_is_gone_leaves_its_place():
    """Its worker died, or gave it back: the next one goes ahead."""
    state = after(refused(wait_s=1.0), entering("b", 1))
    (probed,) = account.decide(entering("c", 2, probing=[]), state)

    assert ("c", LaneProbed) == (probed.lease_token, type(probed))


def test_a_probe_that_works_for_long_was_let_in():
    """What takes longer than five minutes is not refused."""
    state = after(refused(wait_s=1.0), entering("b", 1))
    (opened,) = account.decide(entering("c", 301, probing=["b"]), state)

    assert isinstance(opened, LaneOpened)


def test_a_rest_that_is_over_for_who_asks_is_over():
    """His clock was set back meanwhile."""
    state = after(refused(wait_s=30.0))
    (probed,) = account.decide(entering("b", -500, waited=[("", at(30))]), state)

    assert "b" == probed.lease_token


def test_a_models_lane_is_its_own_and_the_accounts_is_everybodys():
    """Only the whole account's lane closes those of all models."""
    of_one = after(refused(wait_s=60.0, lane="m"))
    of_all = after(refused(wait_s=60.0))

    assert [] == account.decide(entering("b", 1, model="n"), of_one)
    for state, model in ((of_one, "m"), (of_all, "n"), (of_all, "m")):
        with pytest.raises(LaneRestingError):
            account.decide(entering("b", 1, model=model), state)


def test_who_goes_through_two_lanes_probes_both():
    """And opens both."""
    state = after(refused("a", wait_s=1.0, lane="m"), refused("a", wait_s=1.0))
    state = account.fold(account.decide(entering("b", 2), state), state)

    assert ["", "m"] == sorted(lane for lane, rest in state.rests.items() if rest.probe)
    assert {} == account.fold(account.answered("x", "b", state), state).rests


@pytest.mark.parametrize(
    ("first", "second", "is_news"),
    [
        (told(share=0.501), told(share=0.509), False),
        (told(share=0.50), told(share=0.51), True),
        (told(resets=3600), told(resets=3630), False),
        (told(resets=3600), told(resets=18_000), True),
        (told(resets=None), told(), True),
        (told(), told(window="seven_day"), True),
        (told(), told(model="m"), True),
    ],
)
def test_a_window_is_told_again_when_it_says_something_new(first, second, is_news):
    """To the whole percent, and to the minute."""
    assert is_news == bool(account.decide(second, after(first)))


def test_a_refusal_tells_of_its_window_as_well():
    """In the same batch, and once."""
    limit = told(share=1.0)
    events = account.decide(refused(wait_s=5.0, limit=limit), AccountState())

    assert [LimitReported, LaneRested] == [type(event) for event in events]
    assert [] == account.decide(refused("b", limit=limit), account.fold(events))


@pytest.mark.parametrize(("share", "rests"), [(0.9, 0), (0.901, 1), (1.2, 1)])
def test_what_is_left_to_others_is_left(share, rests):
    """An account of which less is left than a tenth rests until the window starts anew."""
    found = account.left_alone("x", 0.1, at(0), after(told(share=share)))

    assert [("leave", at(3600), "five_hour")] * rests == [
        (one.cause, one.until, one.window) for one in found
    ]


def test_a_window_that_started_anew_holds_nobody_back():
    """What was told of it is of the window before."""
    state = after(told(share=0.99, resets=10))

    assert ([], 1) == (
        account.left_alone("x", 0.1, at(11), state),
        len(account.left_alone("x", 0.1, at(9), state)),
    )


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["enter", "refuse", "answer", "forget"]),
        st.sampled_from(["m", "n"]),
        st.sampled_from([None, 1.0, 400.0]),
    ),
    max_size=40,
)


@given(STEPS)
def test_no_lane_is_closed_for_good(steps):
    """However claims, refusals and answers come, there is a moment at which one is let in."""
    state, flying, now = AccountState(), [], 0.0
    for n, (step, model, wait_s) in enumerate(steps):
        now += 1.0
        token = str(n)
        probes = [r.probe.lease_token for r in state.rests.values() if r.probe]
        held = [one for one in probes if one in flying]
        if step == "enter":
            try:
                events = account.decide(entering(token, now, model=model, probing=held), state)
            except LaneRestingError:
                continue
            flying.append(token)
        elif not flying:
            continue
        elif step == "refuse":
            lane = ALL_MODELS if wait_s else model
            events = account.decide(refused(flying.pop(0), now, lane=lane, wait_s=wait_s), state)
        elif step == "answer":
            events = account.answered("x", flying.pop(0), state)
        else:
            flying.pop()
            continue
        state = account.fold(events, state)

    events = account.decide(entering("last", now + 10_000, model="m"), state)
    assert all(isinstance(event, LaneProbed | LaneOpened) for event in events)


@given(STEPS)
def test_two_steps_of_a_fold_are_one(steps):
    """The state after all events is the same, wherever the reading paused."""
    events = []
    for n, (step, model, wait_s) in enumerate(steps):
        request = refused(str(n), n, lane=model, wait_s=wait_s) if step != "answer" else told()
        events += account.decide(request, account.fold(events))
    half = len(events) // 2

    assert account.fold(events) == account.fold(events[half:], account.fold(events[:half]))
