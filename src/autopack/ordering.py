"""The order that ``after`` asks for within a run, and where it can never be kept."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence


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
