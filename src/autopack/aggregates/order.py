"""The order that ``after`` asks for within a run, and where it can never be kept."""

import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import attrs

from autopack.errors.nearest import did_you_mean


def find_cycles(
    starts: Iterable[str], after: Callable[[str], Iterable[str]]
) -> Iterator[list[str]]:
    """
    Yield groups of phases that wait for each other, the first repeated at the end.

    No phase is in two of them; none is yielded only if there is none.

    Args:
        starts: Where to look from; only what can be reached from there is looked at.
        after: Returns the phases that a phase comes after.
    """
    settled: set[str] = set()
    for start in starts:
        path: dict[str, Iterator[str]] = {} if start in settled else {start: iter(after(start))}
        while path:
            name = next(reversed(path))
            following = next((one for one in path[name] if one not in settled), None)
            if following is None:
                settled.add(name)
                del path[name]
            elif following in path:
                names = list(path)
                cycle = names[names.index(following) :]
                yield [*cycle, following]
                settled.update(cycle)
                for one in cycle:
                    del path[one]
            else:
                path[following] = iter(after(following))


def find_missing(
    after: Mapping[str, Sequence[str]], is_known: Callable[[str], bool]
) -> Iterator[tuple[str, str]]:
    """Yield each phase with a name that it comes after and that is not known."""
    for name, before in after.items():
        for one in before:
            if not is_known(one):
                yield name, one


@attrs.frozen(kw_only=True)
class Stuck:
    """
    A queued phase that no drain can ever take, because of what it comes ``after``.

    Args:
        phase: As ``RUN/PHASE``; of phases that wait for each other, the first one.
        why: To be read after the phase's name.
        remedy: A command to type after ``autopack``; words in capitals are to be filled in.
    """

    phase: str
    why: str
    remedy: str


def find_stuck(
    run_id: str,
    after: Mapping[str, Sequence[str]],
    known: Collection[str],
    *,
    starts: Iterable[str] | None = None,
) -> list[Stuck]:
    """
    Return the phases of a run for which somebody has to do something; those behind them are not.

    Args:
        after: The queued phases of the run, with what each comes after.
        known: All its phases.
        starts: The queued phases that are asked about; all of them, if not given.
    """
    asked = list(after if starts is None else starts)
    gone = find_missing({name: after[name] for name in asked}, lambda one: one in known)
    cycles = find_cycles(asked, lambda name: after.get(name, ()))
    return [
        *(_after_nothing(run_id, name, one, known) for name, one in gone),
        *(_after_itself(run_id, cycle) for cycle in cycles),
    ]


def _after_nothing(run_id: str, name: str, missing: str, known: Collection[str]) -> Stuck:
    meant = did_you_mean(missing, (one for one in known if one != name))
    return Stuck(
        phase=f"{run_id}/{name}",
        why=f"comes after {missing!r}, which is not in its run.{meant}",
        remedy=f"phase add {shlex.quote(run_id)} --id {shlex.quote(missing)} "
        "--category CATEGORY --complexity COMPLEXITY",
    )


def _after_itself(run_id: str, cycle: Sequence[str]) -> Stuck:
    phase = f"{run_id}/{cycle[0]}"
    return Stuck(
        phase=phase,
        why=f"waits for itself: {' -> '.join(cycle)} (each comes after the next).",
        remedy=f"phase skip {shlex.quote(phase)}",
    )
