"""Attempts one after the other, for a loop of one's own: ``next_attempts``."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from autopack import PhaseSpec, create_run, list_phases, next_attempts, pause_run
from autopack.errors import InvalidInputError, RunMissingError


def taken(log, run_id=None):
    """Do all there is to be had; return which phases those were."""
    done = []
    for work in next_attempts(log, run_id):
        with work as attempt:
            done.append(str(attempt.ref))
    return done


def statuses(log, run_id="r"):
    """Return each phase's state."""
    return [str(phase.status) for phase in list_phases(log, run_id)]


def test_all_that_can_be_taken_is(log):
    """What waits for others comes once they are done; a second look finds nothing."""
    create_run(log, "r", [PhaseSpec("c", after=["a"]), PhaseSpec("a"), PhaseSpec("b")])

    assert ["r/a", "r/c", "r/b"] == taken(log)
    assert [] == taken(log)


def test_only_the_run_that_is_named(log):
    """Another run's phases are left, and a run that is not there is named."""
    create_run(log, "r", [PhaseSpec("a")])
    create_run(log, "s", [PhaseSpec("b")])

    assert ["s/b"] == taken(log, "s")
    with pytest.raises(RunMissingError, match="'t'"):
        taken(log, "t")


def test_a_failure_fails_its_phase_and_the_loop_may_go_on(log):
    """As with ``attempt``: the exception goes on, and may be caught in the loop."""
    create_run(log, "r", [PhaseSpec("a", max_attempts=1), PhaseSpec("b")])
    for work in next_attempts(log, "r"):
        try:
            with work as attempt:
                if attempt.ref.phase_id == "a":
                    raise ValueError("no")
        except ValueError:
            continue

    assert ["FAILED", "COMPLETE"] == statuses(log)


def test_who_leaves_the_loop_holds_nothing(log):
    """What was yielded and not entered is given back, with its attempt unspent."""
    create_run(log, "r", [PhaseSpec("a")])
    for _work in next_attempts(log):
        break

    assert ["QUEUED"] == statuses(log)
    assert ["r/a"] == taken(log)


def test_who_enters_nothing_is_told(log):
    """Else the same phase would be claimed and given back for ever."""
    create_run(log, "r", [PhaseSpec("a")])
    works = next_attempts(log)
    next(works)

    with pytest.raises(InvalidInputError, match="r/a was not entered"):
        next(works)
    assert ["QUEUED"] == statuses(log)


def test_threads_share_a_queue(log):
    """Each phase is had once."""
    create_run(log, "r", [PhaseSpec(f"p{n}") for n in range(20)])
    with ThreadPoolExecutor(4) as pool:
        found = [one for part in pool.map(lambda _n: taken(log), range(4)) for one in part]

    assert sorted(f"r/p{n}" for n in range(20)) == sorted(found)
    assert {"COMPLETE"} == set(statuses(log))


def test_a_paused_run_is_left(log):
    """As a drain leaves it."""
    create_run(log, "r", [PhaseSpec("a")])
    pause_run(log, "r", why="not now")

    assert [] == taken(log)


def test_a_coroutine_may_enter(log):
    """By ``async with``, while another thread asks for the next."""
    create_run(log, "r", [PhaseSpec("a"), PhaseSpec("b")])

    async def main():
        works = next_attempts(log, "r")
        while (work := await log.acall(lambda _log: next(works, None))) is not None:
            async with work as attempt:
                await attempt.arecord_usage(model="m", output_tokens=5)

    asyncio.run(main())

    assert ["COMPLETE", "COMPLETE"] == statuses(log)


def test_settings_are_those_of_an_attempt(log):
    """The worker's name, for one."""
    create_run(log, "r", [PhaseSpec("a")])
    for work in next_attempts(log, worker="me"):
        with work:
            pass
    claimed = [one.event.worker for one in log.read("phase-r/a") if one.type == "phase.claimed"]

    assert ["me"] == claimed
