"""The keys of lease rows do not meet, whatever people call their runs, phases and workers."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from autopack import PhaseRef, attempt, create_run
from autopack.draining.attempts.lease_keys import (
    phase_key,
    phase_of,
    preparation_key,
    text_key,
    worker_key,
)
from autopack.log.log import journal_of
from drains import found, specs, states

WORDS = st.lists(
    st.sampled_from(["phase", "worker", "prepare", "text", " ", "/", "a"]), min_size=1, max_size=5
).map("".join)


@given(WORDS, WORDS)
def test_keys_of_different_kinds_differ(one, other):
    """Also where a name begins as another kind's keys do."""
    text = f"{one}/{other}"
    keys = [phase_key(text), *(key(text) for key in (worker_key, preparation_key))]
    keys.append(text_key(one, other))

    assert all(a != b for a, b in itertools.combinations(keys, 2))
    assert [None, None, None] == [phase_of(key) for key in keys[1:]]


def test_a_worker_takes_no_phases_lease(log):
    """A worker called as the rest of a phase's name leaves that phase's lease alone."""
    create_run(log, "worker a", specs("b"))
    with attempt(log, PhaseRef("worker a", "b"), worker="a/b"):
        leases = {lease.key: lease.worker for lease in journal_of(log).backend.leases()}

    assert {"phase worker a/b": "a/b", "worker a/b": "a/b"} == leases
    assert [] == found(log, "phase.reclaimed")
    assert "COMPLETE" == states(log)["b"]
