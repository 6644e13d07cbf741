"""Claims and leases: taken once, renewed, lost, fenced off."""

import pytest

from autopack import PhaseRef, cancel, get_phase, pause_run
from autopack.draining.attempts.claims import Claims, new_worker
from autopack.draining.attempts.lost_leases import reclaim_lost
from autopack.draining.attempts.steady_clock import Machine
from autopack.errors import LeaseLostError, MoveRefusedError, RunPausedError
from autopack.events import PhaseReleased
from autopack.log.command_handler import Handler
from autopack.log.log import journal_of, registry_of
from autopack.prediction.calibrated_estimates import estimated
from drains import Clock, found, states, types_of

P1 = PhaseRef("r", "p1")


def claims_of(log, worker="w1", **settings):
    machine = Machine("this boot", journal_of(log).clock)
    return Claims(Handler(journal_of(log)), worker=worker, **{"machine": machine, **settings})


def take(log, claims, ref=P1):
    phase = get_phase(log, ref)
    estimator = registry_of(log).resolve("estimator", "deliverables")
    estimate = estimated(journal_of(log), estimator, phase, registry=registry_of(log))
    return claims.take(phase, estimate, timeout_s=None, reason=None)


def reclaim(log):
    return reclaim_lost(claims_of(log, "another"), [get_phase(log, P1)])


def test_a_claim_is_estimated_and_has_its_lease(clocked):
    """Estimate, claim and lease are there together; the lease lasts as long as it was set to."""
    claim = take(clocked, claims_of(clocked, lease_s=30.0))
    lease, alive = journal_of(clocked).backend.leases()

    assert ["phase.estimated", "phase.claimed", "phase.started"] == types_of(clocked, "phase-r/p1")
    assert ("phase r/p1", claim.token, "w1") == (lease.key, lease.token, lease.worker)
    assert journal_of(clocked).now_us() + 30_000_000 == lease.expires_at
    assert ("worker w1", "this boot") == (alive.key, alive.boot)


def test_a_phase_is_claimed_once(log, another):
    """Whoever comes second, from another process or not, is refused by the phase's state."""
    take(log, claims_of(log))
    other = another()

    with pytest.raises(MoveRefusedError, match="CLAIMED"):
        take(other, claims_of(other, "w2"))


def test_a_paused_run_gives_no_phase(log):
    """A claim asserts that the run was not paused in between."""
    phase = get_phase(log, P1)
    claims = claims_of(log)
    pause_run(log, "r", why="wait")

    with pytest.raises(RunPausedError):
        take(log, claims, phase.ref)
    assert [] == journal_of(log).backend.leases()


def test_a_renewed_lease_is_not_reclaimed(clocked, clock):
    """Renewal moves the lease's end, so that a living worker keeps its phase."""
    claims = claims_of(clocked, lease_s=30.0)
    claim = take(clocked, claims)
    clock.now += 25
    claims.renew()
    clock.now += 25

    assert [] == reclaim(clocked)
    assert not claims.is_lost(claim.token)


def test_renewal_runs_beside_the_work(log):
    """Inside the ``with`` block a thread renews the lease before it ends."""
    claims = claims_of(log, lease_s=0.3)
    with claims:
        take(log, claims)
        first = journal_of(log).backend.lease("phase r/p1")
        claims.note(first.token, "half way")
        renewed = first
        while renewed.step != "half way":
            renewed = journal_of(log).backend.lease("phase r/p1")

    assert renewed.expires_at > first.expires_at
    assert first.token == renewed.token


def test_an_ended_lease_is_reclaimed_with_its_worker(clocked, clock):
    """The reclaim names the worker, spends the attempt and queues the phase again."""
    claims = claims_of(clocked, lease_s=30.0)
    claim = take(clocked, claims)
    clock.now += 31
    reclaim(clocked)
    (event,) = found(clocked, "phase.reclaimed")
    phase = get_phase(clocked, P1)

    assert ("w1", claim.token, 1) == (event.worker, event.lease_token, event.attempt)
    assert "the lease of worker w1 ended 1.0 s ago" == event.why
    assert ("QUEUED", 1) == (phase.status, phase.attempts_spent)
    assert journal_of(clocked).backend.lease("phase r/p1") is None


def test_a_claim_without_a_lease_row_counts_as_expired(log):
    """A lease that vanished, as with a copied log, holds nothing."""
    claim = take(log, claims_of(log))
    with journal_of(log).backend.transaction() as store:
        store.drop_lease("phase r/p1", claim.token)
    reclaim(log)

    assert ["worker w1 left no lease for its claim"] == [
        event.why for event in found(log, "phase.reclaimed")
    ]


def test_the_last_attempt_is_failed_instead_of_queued_for_ever(clocked, clock):
    """A phase whose lease ends with its last attempt is FAILED, with code lease_lost."""
    claims = claims_of(clocked)
    for _ in range(3):
        take(clocked, claims)
        clock.now += 31
        reclaim(clocked)
    (failed,) = found(clocked, "phase.failed")

    assert "FAILED" == states(clocked)["p1"]
    assert "lease_lost" == failed.code
    assert failed.message.endswith("3 of 3 attempts are spent")


def test_a_worker_that_lost_its_lease_is_fenced_off(clocked, clock):
    """Its later end is refused, and its renewal tells it that the lease is lost."""
    claims = claims_of(clocked)
    claim = take(clocked, claims)
    clock.now += 31
    reclaim(clocked)
    theirs = take(clocked, claims_of(clocked, "w2"))
    claims.renew()

    with pytest.raises(LeaseLostError, match="held by w2"):
        claims.end(claim, PhaseReleased(**claim.names, why="done"))
    assert claims.is_lost(claim.token)
    assert theirs.token == journal_of(clocked).backend.lease("phase r/p1").token


def test_a_cancelled_phase_is_lost_to_its_worker(log):
    """A person's cancellation takes the phase from whoever works on it."""
    claims = claims_of(log)
    claim = take(log, claims)
    cancel(log, P1, why="not needed")

    with pytest.raises(LeaseLostError, match="CANCELLED"):
        claims.end(claim, PhaseReleased(**claim.names, why="done"))


def test_workers_have_names_of_their_own():
    """Two names drawn in one process differ."""
    assert 50 == len({new_worker() for _ in range(50)})


def test_a_jump_of_the_wall_clock_takes_nobodys_phase(clocked, clock):
    """An hour's jump forward: the steady clock of the machine says that the worker is alive."""
    steady = Clock()
    machine = Machine("this boot", steady)
    claim = take(clocked, claims_of(clocked, machine=machine))
    clock.now += 3600
    other = claims_of(clocked, "w2", machine=machine)
    alive = reclaim_lost(other, [get_phase(clocked, P1)])
    steady.now += 31
    dead = reclaim_lost(other, [get_phase(clocked, P1)])

    assert ([], 1) == (alive, len(dead))
    assert claim.token == dead[0].event.lease_token


def test_a_clock_that_was_set_back_leaves_no_phase_with_the_dead(clocked, clock):
    """The wall clock goes back a day; the lease ends in its time all the same."""
    steady = Clock()
    machine = Machine("this boot", steady)
    take(clocked, claims_of(clocked, machine=machine))
    clock.now -= 86_400
    steady.now += 31

    assert 1 == len(
        reclaim_lost(claims_of(clocked, "w2", machine=machine), [get_phase(clocked, P1)])
    )


def test_a_phase_that_is_renewed_no_longer_is_reclaimed_from_a_living_worker(clocked, clock):
    """Its worker renews other leases, so that the worker's row is fresh; this lease has ended."""
    claims = claims_of(clocked)
    claim = take(clocked, claims)
    take(clocked, claims, PhaseRef("r", "p2"))
    claims.forget(claim.token)
    for _ in range(4):
        clock.now += 10
        claims.renew()

    assert 1 == len(reclaim(clocked))


@pytest.mark.parametrize(("boot", "over_s"), [("another boot", 301), (None, 1)])
def test_another_machine_is_judged_by_the_wall_clock(clocked, clock, boot, over_s):
    """A steady clock says nothing about another machine, or after a reboot."""
    take(clocked, claims_of(clocked, machine=Machine("this boot", Clock())))
    clock.now += 30 + over_s
    other = claims_of(clocked, "w2", machine=Machine(boot, Clock()))

    assert 1 == len(reclaim_lost(other, [get_phase(clocked, P1)]))


def test_a_machine_whose_clock_is_ahead_takes_nothing_from_the_living(clocked, clock):
    """What is renewed lives, whatever ours says of its end: it is watched for its length."""
    here, there = Clock(), Clock()
    claims = claims_of(clocked, machine=Machine("this boot", here))
    take(clocked, claims)
    other = claims_of(clocked, "w2", machine=Machine("another boot", there))

    def looks(ahead_s):
        clock.now += ahead_s
        found = reclaim_lost(other, [get_phase(clocked, P1)])
        clock.now -= ahead_s
        return found

    taken = []
    for _ in range(20):
        taken += looks(60)
        for each in (clock, here, there):
            each.now += 10
        claims.renew()
    dead = [looks(60)]
    there.now += 29
    dead.append(looks(89))
    there.now += 2
    dead.append(looks(91))

    assert [] == taken
    assert [0, 0, 1] == [len(found) for found in dead]
