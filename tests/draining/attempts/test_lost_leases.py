"""Phases of workers that are gone: taken back once, with what they set aside."""

import asyncio

import attrs
import pytest

from autopack import Drain, PhaseRef, cancel, get_caps, get_phase, set_caps
from autopack.draining.attempts.attempt import LiveAttempt
from autopack.draining.attempts.claims import Claims
from autopack.draining.attempts.lost_leases import reclaim_lost, take_back_all
from autopack.draining.attempts.steady_clock import Machine
from autopack.errors import LeaseLostError
from autopack.events import PhaseReleased
from autopack.log.command_handler import Handler
from autopack.log.log import journal_of, registry_of
from autopack.prediction.calibrated_estimates import estimated
from drains import Clock, Overtaken, found

P1, P2 = PhaseRef("r", "p1"), PhaseRef("r", "p2")


@pytest.fixture
def steady():
    """The steady clock of the machine."""
    return Clock()


@pytest.fixture
def worker(another, clock, steady):
    """Makes workers of one machine, each with a handle of its own on the log."""

    def make(name="w1", **settings):
        log = another(clock=clock)
        machine = Machine("this boot", steady)
        claims = Claims(Handler(journal_of(log)), worker=name, machine=machine, **settings)
        claims.log = log
        return claims

    return make


def take(claims, ref=P1):
    """Claim a phase."""
    phase, registry = get_phase(claims.log, ref), registry_of(claims.log)
    estimator = registry.resolve("estimator", "deliverables")
    estimate = estimated(claims.handler.journal, estimator, phase, registry=registry)
    return claims.take(phase, estimate, timeout_s=None, reason=None)


def reclaim(claims, *refs):
    """Take back those of the phases whose workers are gone."""
    return reclaim_lost(claims, [get_phase(claims.log, ref) for ref in refs or (P1,)])


def pass_by(seconds, *clocks):
    """Let so much time pass."""
    for clock in clocks:
        clock.now += seconds


def use(log, unit):
    """What is used, and set aside, under the run's cap."""
    (one,) = [one for one in get_caps(log, "r") if one.unit == unit]
    return float(one.used), float(one.reserved)


def keys(log):
    """The keys of all leases."""
    return [lease.key for lease in journal_of(log).backend.leases()]


def test_what_a_dead_worker_set_aside_is_given_back(clocked, clock, steady, worker):
    """What it had used is in its place; the cap is no fuller than that."""
    set_caps(clocked, "r", {"tokens": 50_000}, why="w")
    claims = worker()
    claim = take(claims)
    live = LiveAttempt(claims.handler, claims, claim)
    live.record_usage(model="m", total_tokens=700, split="total_only")
    before = use(clocked, "tokens")
    pass_by(31, clock, steady)
    reclaim(worker("w2"))

    assert before[1] > 700
    assert ((700, 0), (1, 0)) == (use(clocked, "tokens"), use(clocked, "attempts"))


@pytest.mark.parametrize("is_capped_first", [True, False])
def test_idle_hours_are_nobodys(clocked, clock, steady, worker, is_capped_first):
    """A worker found dead after ten hours was at work until its lease ended, whoever finds it."""
    if is_capped_first:
        set_caps(clocked, "r", {"minutes": 900.0}, why="w")
    take(worker("w1"), P1)
    take(worker("w2"), P2)
    pass_by(36_000, clock, steady)
    reclaim(worker("w3"), P1)
    cancel(clocked, P2, why="w")
    if not is_capped_first:
        set_caps(clocked, "r", {"minutes": 900.0}, why="w")

    assert (1.0, 0) == use(clocked, "minutes")


def test_a_clock_that_went_back_gives_nobody_time(clocked, clock, worker):
    """What was claimed in the future is called off now: it worked for no time, not for less."""
    set_caps(clocked, "r", {"minutes": 900.0}, why="w")
    take(worker())
    pass_by(-3600, clock)
    (called_off,) = cancel(clocked, P1, why="w")

    assert 0.0 == called_off.event.duration_s
    assert (0, 0) == use(clocked, "minutes")


def test_a_lease_lasts_to_its_end(clocked, clock, steady, worker):
    """At the moment itself it holds; a microsecond later it does not."""
    take(worker("w1"))
    pass_by(30, clock, steady)
    at_its_end = reclaim(worker("w2"))
    pass_by(0.001, clock, steady)

    assert [] == at_its_end
    assert 1 == len(reclaim(worker("w2")))


def test_a_lease_counts_from_when_it_is_written(clocked, clock, steady, worker):
    """A claim that waited long for others begins with the whole of its lease."""
    claims = worker("w1")
    claims.handler = Overtaken(claims.log, lambda: pass_by(20, clock, steady))
    claims.caps._handler = claims.handler
    claim = take(claims)
    lease = journal_of(clocked).backend.lease("phase r/p1")

    assert (claim.token, journal_of(clocked).now_us() + 30_000_000) == (
        lease.token,
        lease.expires_at,
    )


def test_a_worker_that_comes_back_in_between_keeps_its_phase(clocked, clock, steady, worker):
    """It is looked at again in the transaction that would take the phase."""
    theirs, other = worker("w1"), worker("w2")
    claim = take(theirs)
    pass_by(31, clock, steady)
    other.handler = Overtaken(other.log, theirs.renew)
    other.caps._handler = other.handler
    taken = reclaim(other)

    assert [] == taken
    assert [] == found(clocked, "phase.reclaimed")
    assert claim.token == journal_of(clocked).backend.lease("phase r/p1").token
    assert not theirs.is_lost(claim.token)


def test_a_drain_never_takes_back_what_it_has_in_work(log):
    """However late its renewals are, it knows that its worker lives."""

    def end_leases():
        with journal_of(log).backend.transaction() as store:
            for lease in store.leases():
                past = lease.expires_uptime and lease.expires_uptime - 7200 * 10**6
                store.put_lease(attrs.evolve(lease, expires_at=1, expires_uptime=past))

    async def executor(phase, live):
        end_leases()
        ready = engine.status()["ready"]
        cancel(log, "r/p2", why="so that the drain looks at the log, and at leases")
        while engine.status()["ready"] == ready:
            await asyncio.sleep(0.01)

    engine = Drain(log, executor=executor, lease_s=3600)
    report = engine.run()

    assert (1, 0) == (report.completed, report.lost)
    assert [] == found(log, "phase.reclaimed")


def test_an_end_in_between_is_no_error(clocked, clock, steady, worker):
    """A slow worker that ends its phase while another looks at it has ended it."""
    theirs, other = worker("w1"), worker("w2")
    claim = take(theirs)
    pass_by(31, clock, steady)
    ending = PhaseReleased(**claim.names, why="done")
    other.handler = Overtaken(other.log, lambda: theirs.end(claim, ending))
    other.caps._handler = other.handler

    assert [] == reclaim(other)
    assert [] == found(clocked, "phase.reclaimed")


def test_two_find_a_dead_workers_phase(clocked, clock, steady, worker):
    """It is taken back once, and spends one attempt."""
    take(worker("w1"))
    pass_by(31, clock, steady)
    one, other = worker("w2"), worker("w3")
    one.handler = Overtaken(one.log, lambda: reclaim(other))
    one.caps._handler = one.handler

    assert [] == reclaim(one)
    assert 1 == len(found(clocked, "phase.reclaimed"))
    assert 1 == get_phase(clocked, P1).attempts_spent


def test_the_rows_of_the_dead_go_and_those_of_the_idle_stay(clocked, clock, steady, worker):
    """A worker without a phase is alive as long as its row says."""
    take(worker("dead"), P1)
    pass_by(31, clock, steady)
    idle = worker("idle")
    claim = take(idle, P2)
    idle.end(claim, PhaseReleased(**claim.names, why="w"))
    reclaim(worker("w"), P1)

    assert ["worker idle"] == keys(clocked)


def test_the_row_of_a_worker_at_work_stays(clocked, clock, steady, worker):
    """Whom the wall clock alone calls dead is judged by it, and keeps its phase."""
    busy = worker("busy")
    take(worker("dead"), P1)
    take(busy, P2)
    pass_by(31, clock, steady)
    busy.renew()
    pass_by(3600, clock)
    reclaim(worker("w"), P1)

    assert ["phase r/p2", "worker busy"] == keys(clocked)
    assert [] == reclaim(worker("w"), P2)


@pytest.mark.parametrize("jump_s", [-3600, 3600])
def test_a_worker_that_renews_is_judged_by_its_last_renewal(clocked, clock, steady, worker, jump_s):
    """A wall clock that jumps before it takes no living worker's phase, and keeps no dead one's."""
    claims = worker("w1")
    take(claims)
    pass_by(20, clock, steady)
    pass_by(jump_s, clock)
    claims.renew()
    pass_by(20, clock, steady)
    living = reclaim(worker("w2"))
    pass_by(11, clock, steady)

    assert [] == living
    assert 1 == len(reclaim(worker("w2")))


def test_all_that_the_dead_left_is_found_by_the_steady_clock(clocked, clock, steady, worker):
    """Whoever acts next takes it back, also where the wall clock went back meanwhile."""
    take(worker("w1"), P1)
    pass_by(31, steady)
    pass_by(-3600, clock)
    take(worker("w2"), P2)
    take_back_all(worker("w3"))

    assert ["p1"] == [event.phase_id for event in found(clocked, "phase.reclaimed")]


def test_another_claims_lease_is_none_of_this_one(clocked, clock, worker):
    """A row that was left under another token says nothing of who has the phase now."""
    claim = take(worker("w1"))
    with journal_of(clocked).transaction() as transaction:
        lease = transaction.store.lease("phase r/p1")
        transaction.store.put_lease(attrs.evolve(lease, token="another"))
    (told,) = reclaim(worker("w2"))

    assert "worker w1 left no lease for its claim" == told.event.why
    assert claim.token == told.event.lease_token


def test_a_worker_whose_row_went_writes_it_anew_with_its_next_claim(clocked, clock, steady, worker):
    """It was idle for longer than its leases last."""
    claims = worker("w1")
    claim = take(claims)
    claims.end(claim, PhaseReleased(**claim.names, why="w"))
    take(worker("dies"), P2)
    pass_by(31, clock, steady)
    reclaim(worker("w"), P2)
    before = keys(clocked)
    take(claims)

    assert [] == before
    assert ["phase r/p1", "worker w1"] == keys(clocked)


def test_a_lease_whose_row_is_gone_is_not_made_again(clocked, worker):
    """A phase that was called off stays so, whatever its worker renews."""
    claims = worker()
    claim = take(claims)
    cancel(clocked, P1, why="w")
    claims.renew()

    assert claims.is_lost(claim.token)
    assert "phase r/p1" not in keys(clocked)
    with pytest.raises(LeaseLostError):
        claims.end(claim, PhaseReleased(**claim.names, why="w"))


class Turns:
    """Stands for the event that ends the renewals: it waits for nothing, and ends after a while."""

    def __init__(self, n):
        self.left, self.asked_s = n, []

    def wait(self, timeout):
        self.asked_s.append(timeout)
        self.left -= 1
        return self.left < 0


def test_leases_are_renewed_three_times_in_their_length(clocked, clock, steady, worker):
    """So that one turn may be missed, and another come late."""
    claims = worker(lease_s=30.0)
    take(claims)
    claims._stopped = Turns(2)
    pass_by(10, clock, steady)
    claims._renew_for_ever()

    assert [10.0, 10.0, 10.0] == claims._stopped.asked_s
    assert (
        journal_of(clocked).now_us() + 30_000_000
        == journal_of(clocked).backend.lease("phase r/p1").expires_at
    )


def test_a_turn_that_fails_is_followed_by_the_next(clocked, clock, steady, worker):
    """A lock that was held too long is told of, and renewal goes on."""
    from structlog.testing import capture_logs

    claims = worker(lease_s=30.0)
    take(claims)
    renew, fails = claims.renew, [True]

    def sometimes():
        if fails:
            fails.pop()
            raise TimeoutError("the disk is slow")
        renew()

    claims.renew = sometimes
    claims._stopped = Turns(2)
    pass_by(10, clock, steady)
    with capture_logs() as logged:
        claims._renew_for_ever()

    assert ["leases were not renewed"] == [entry["event"] for entry in logged]
    assert (
        journal_of(clocked).now_us() + 30_000_000
        == journal_of(clocked).backend.lease("phase r/p1").expires_at
    )
