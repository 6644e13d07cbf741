"""A cap: what is set aside, what is used, and what does not fit any more."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.aggregates.cap import Amount, CapState, checked_caps, decide, evolve, fold
from autopack.aggregates.requests import CapsRequest
from autopack.errors import CapFullError, InvalidInputError, PriceUnknownError
from autopack.events import CapReserved, CapSet, CapSettled

CAP = CapSet(scope="run-r", max_tokens=100, by="me", why="w")


def reserve(token, tokens, usd=None):
    return CapReserved(scope="run-r", lease_token=token, tokens=tokens, usd=usd)


def settle(token, tokens, usd=None, worked_us=0):
    return CapSettled(scope="run-r", lease_token=token, tokens=tokens, usd=usd, worked_us=worked_us)


def after(*requests, state=None):
    state = state or fold([CAP])
    for request in requests:
        state = fold(decide(request, state), state)
    return state


def test_a_reservation_counts_until_it_is_settled():
    """Set aside, then replaced by what was used."""
    held = after(reserve("a", 40))
    ended = after(settle("a", 25), state=held)

    assert (Amount(40, attempts=1), Amount()) == (held.reserved, held.spent)
    assert (Amount(), Amount(25, attempts=1)) == (ended.reserved, ended.spent)


def test_what_does_not_fit_is_refused_with_the_figures():
    """The error has the cap, what is used, set aside and wanted."""
    state = after(reserve("a", 40), settle("a", 30), reserve("b", 50))
    with pytest.raises(CapFullError) as caught:
        decide(reserve("c", 21), state)

    assert ("tokens", 30, 50, 21, 100) == (
        caught.value.unit, caught.value.spent, caught.value.reserved, caught.value.wanted,
        caught.value.cap,
    )  # fmt: skip
    assert 1 == len(decide(reserve("c", 20), state))


def test_an_attempt_that_used_nothing_leaves_the_next_one_the_first():
    """One that was given back unused must not make a small cap forbid all work."""
    state = after(reserve("a", 500), settle("a", 0))

    assert 1 == len(decide(reserve("b", 500), state))
    with pytest.raises(CapFullError):
        decide(reserve("c", 1), after(reserve("b", 500), state=state))


def test_the_first_reservation_is_always_let_in():
    """A cap that nothing fits under would forbid all work; the next one is refused."""
    state = after(reserve("a", 500))

    assert Amount(500, attempts=1) == state.reserved
    with pytest.raises(CapFullError):
        decide(reserve("b", 1), state)


def test_a_late_call_replaces_what_was_settled():
    """The same token settled again with a larger figure counts once."""
    state = after(reserve("a", 40), settle("a", 25), settle("a", 35))

    assert Amount(35, attempts=1) == state.spent
    assert [] == decide(settle("a", 35), state)


def test_what_is_settled_again_replaces_every_figure():
    """Tokens, money, attempts and time: of two figures for one token the last one counts."""
    state = after(
        reserve("a", 40, Decimal(9)), reserve("b", 1, Decimal(1)),
        settle("a", 25, Decimal(2), worked_us=60), settle("b", 5, Decimal(1), worked_us=7),
        settle("a", 20, Decimal(3), worked_us=90),
    )  # fmt: skip

    assert Amount(25, Decimal(4), attempts=2, worked_us=97) == state.spent
    assert Amount() == state.reserved


def test_what_is_set_aside_again_is_given_back_again():
    """Also where no more was used than when it was settled first."""
    state = after(reserve("a", 40), settle("a", 25), reserve("a", 40))
    ended = after(settle("a", 25), state=state)

    assert (Amount(40, attempts=1), Amount()) == (state.reserved, ended.reserved)
    assert Amount(25, attempts=1) == ended.spent


def test_a_larger_reservation_of_the_same_attempt_replaces_the_first():
    """An attempt that outgrew what it set aside is counted once."""
    grown = CapReserved(scope="run-r", lease_token="a", tokens=60)

    assert Amount(60, attempts=1) == evolve(after(reserve("a", 40)), grown).reserved


def test_without_a_price_a_cap_in_usd_refuses():
    """Unless that is allowed, since nobody could say whether it fits."""
    state = fold([CapSet(scope="run-r", max_usd=Decimal(1), by="me", why="w")])

    with pytest.raises(PriceUnknownError, match="allow_unknown_price=True"):
        decide(reserve("a", 10), state)
    assert 1 == len(decide(reserve("a", 10), state, allow_unknown_price=True))
    assert 1 == len(decide(reserve("a", 10, usd=Decimal("0.4")), state))


@pytest.mark.parametrize("caps", [{"tokens": 100}, {}])
def test_joining_a_cap_is_no_event(caps):
    """The same cap, or none of one's own, changes nothing."""
    assert [] == decide(_set(caps), fold([CAP]))


def test_caps_can_be_lifted_by_whoever_may():
    """A person lifts a cap by naming it with None; the others stay."""
    both = evolve(
        fold([CAP]), CapSet(scope="run-r", max_tokens=100, max_attempts=3, by="m", why="w")
    )
    (lifted,) = decide(_set({"tokens": None}, may_change=True), both)

    assert {"attempts": 3} == evolve(both, lifted).caps


@pytest.mark.parametrize(("otherwise", "n_events"), [({}, 0), ({"tokens": 5}, 1)])
def test_a_cap_that_is_not_there_is_not_lifted(otherwise, n_events):
    """Unless the run was created with one: that none holds is a change then."""
    lift = CapsRequest(
        scope="run-r", caps={"tokens": None}, by="me", why="w", may_change=True, otherwise=otherwise
    )

    assert n_events == len(decide(lift, CapState()))


def test_changes_of_two_people_are_both_kept():
    """What is changed is merged with what is in force, not with what somebody saw before."""
    (first,) = decide(_set({"tokens": 200}, may_change=True), fold([CAP]))
    (second,) = decide(_set({"attempts": 5}, may_change=True), evolve(fold([CAP]), first))

    assert {"tokens": 200, "attempts": 5} == fold([CAP, first, second]).caps


def test_the_caps_of_the_runs_creation_hold_until_others_are_set():
    """The first change is merged with them."""
    (changed,) = decide(_set({"attempts": 5}, may_change=True, otherwise={"tokens": 7}), fold([]))

    assert {"tokens": 7, "attempts": 5} == evolve(fold([]), changed).caps


@pytest.mark.parametrize("cap", [0, -5.0, float("inf"), float("nan"), "9"])
def test_a_cap_is_a_number_above_0(cap):
    """A cap under which nothing fits, or that is none, is refused."""
    with pytest.raises(InvalidInputError, match=r"Run 'r': the cap in tokens is .* above 0"):
        checked_caps("Run 'r'", {"tokens": cap})


def test_an_unknown_cap_is_named_with_the_known_ones():
    """A cap in a unit that nobody counts is refused."""
    with pytest.raises(InvalidInputError, match=r"'dollars'.*tokens, usd, attempts, minutes"):
        checked_caps("Run 'r'", {"dollars": 1})


@pytest.mark.parametrize(
    ("caps", "said"),
    [
        ({"token": 1}, "no cap is called .token"),
        ({"usd": 0}, "usd is 0"),
        ({"attempts": True}, "True"),
    ],
)
def test_caps_that_nobody_can_keep(caps, said):
    """The unit and the number are named."""
    with pytest.raises(InvalidInputError, match=said):
        decide(_set(caps), fold([]))


def test_attempts_and_minutes_are_capped_too():
    """Each reservation is an attempt; minutes are full when they are used up."""
    by_phases = fold([CapSet(scope="run-r", max_attempts=2, by="me", why="w")])
    two = after(reserve("a", 1), settle("a", 1), reserve("b", 1), state=by_phases)
    by_minutes = fold([CapSet(scope="run-r", max_minutes=5.0, by="me", why="w")])
    short = after(reserve("a", 1), settle("a", 1, worked_us=294_000_000), state=by_minutes)
    full = after(reserve("b", 1), settle("b", 1, worked_us=6_000_000), state=short)
    with pytest.raises(CapFullError, match="2 attempts: 1 are used and 1 set aside, so"):
        decide(reserve("c", 1), two)
    with pytest.raises(CapFullError, match=r"5 minutes: 5 are used\. Let"):
        decide(reserve("c", 1), full)


def test_another_cap_is_refused_unless_it_may_change():
    """Two processes that name different caps would each keep another one."""
    with pytest.raises(InvalidInputError, match="is set to 100 tokens, not 200 tokens"):
        decide(_set({"tokens": 200}), fold([CAP]))
    assert 1 == len(decide(_set({"tokens": 200}, may_change=True), fold([CAP])))


def _set(caps, **more):
    return CapsRequest(scope="run-r", caps=caps, by="me", why="w", **more)


EVENTS = st.lists(
    st.one_of(
        st.builds(CapReserved, scope=st.just("s"), lease_token=st.sampled_from("abc"),
                  tokens=st.integers(0, 50)),
        st.builds(CapSettled, scope=st.just("s"), lease_token=st.sampled_from("abc"),
                  tokens=st.integers(0, 50)),
    )
)  # fmt: skip


@given(EVENTS)
def test_the_sums_are_those_of_the_tokens(events):
    """Whatever the order, each token counts once in each sum."""
    state = fold(events)

    assert sum(amount.tokens for amount in state.held.values()) == state.reserved.tokens
    assert sum(amount.tokens for amount in state.settled.values()) == state.spent.tokens


@given(EVENTS, EVENTS)
def test_folding_in_two_steps_is_folding_once(first, second):
    """The fold does not depend on where it was cut."""
    assert fold([*first, *second]) == fold(second, fold(first))


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(1, 60), st.integers(0, 60))))
def test_what_is_let_in_never_goes_above_the_cap(attempts):
    """Apart from the first, the sum of all reservations and all use stays within the cap."""
    state = fold([CAP])
    for token, wanted, used in attempts:
        if token in state.held:
            state = fold(decide(settle(token, min(used, state.held[token].tokens)), state), state)
        elif state.held or state.spent.tokens:
            try:
                state = fold(decide(reserve(token, wanted), state), state)
            except CapFullError:
                continue
            assert state.reserved.tokens + state.spent.tokens <= 100
        else:
            state = fold(decide(reserve(token, wanted), state), state)


def test_an_unset_cap_binds_nobody():
    """Without cap.set everything fits."""
    assert CapState().over(Amount(10**9, Decimal(10**9))) is None
