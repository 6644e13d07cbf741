"""The views that a log keeps: the library's own and those of plugins, persisted and compared."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from autopack.errors import AutopackError, InvalidInputError, LogDamagedError, LogError
from autopack.log.journal import Journal
from autopack.log.past_backend import PastReader
from autopack.log.past_views import LEAST, PastViews, past_views_of
from autopack.log.views.persisted import differences, keep_states, refresh
from autopack.plugins.narrator import Narrator
from autopack.plugins.registry import Registry
from autopack.ports.projection import (
    FunctionProjection,
    Projection,
    ProjectionLike,
    check_projection,
)
from autopack.projections.accounts import ACCOUNTS
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.phases import PHASES
from autopack.projections.runs import RUNS

CORE_VIEWS: Final = (RUNS, PHASES, ATTEMPTS, ACCOUNTS)
_narrator = Narrator("autopack.plugins")


def refresh_all(
    journal: Journal, registry: Registry, *, rebuild: bool, also: Sequence[ProjectionLike] = ()
) -> dict[str, int]:
    """Persist all views up to the head; see :meth:`autopack.Log.refresh_views`."""
    positions = {view.name: refresh(journal, view, rebuild=rebuild) for view in CORE_VIEWS}
    for name, projection in registry.added("projection").items():
        with _plugins_view(registry, name):
            if check_projection(projection).name != name:
                raise InvalidInputError(
                    f"It calls itself {projection.name!r}: give one name.",
                    name=f"projection.{name}",
                    value=projection.name,
                )
            positions[name] = refresh(journal, projection, rebuild=rebuild, of_others=True)
    for given in also:
        chosen = check_projection(registry.resolve("projection", given))
        if is_anothers(registry, chosen):
            raise InvalidInputError(
                f"Another projection is registered as {chosen.name!r}: give yours its own name.",
                name="projection",
                value=chosen.name,
            )
        positions[chosen.name] = refresh(journal, chosen, rebuild=rebuild, of_others=True)
    return positions


def past_views(journal: Journal, position: int) -> PastViews | None:
    """Return the kept states of a log's views, for a reader of then; None where it needs none."""
    if journal.past_views is None and position > LEAST:
        name = None if journal.target == "memory:" else journal.log_id
        own = {one.name: one.version for one in CORE_VIEWS}
        others = {one.name: one.version for one in _of_plugins(journal)}
        journal.past_views = past_views_of(name, own, others)
    views = journal.past_views
    return None if views is None or position <= views.least else views


def is_kept(journal: Journal, projection: Projection, position: int) -> bool:
    """Tell whether states of a projection are kept, for a reader of then."""
    views, registry = past_views(journal, position), journal.registry
    if views is None or views.versions.get(projection.name) != projection.version:
        return False
    return registry is None or not is_anothers(registry, projection)


def keep_past(journal: Journal, *, until: Callable[[], bool]) -> None:
    """Keep states of the log's views up to the head; see :meth:`autopack.Log.keep_past`."""
    head = journal.head().position
    views = past_views(journal, head)
    if views is None:
        return
    known: list[Projection] = [*CORE_VIEWS, *_of_plugins(journal)]
    going = {view.name: view for view in known if view.name in views.versions}
    with views.opened() as kept:
        done = {name: kept.last_position(name) if kept else 0 for name in going}
    # A state at a time: a reader that stays for long is in the way of those who write.
    for end in range(min(done.values()) + views.every, head + 1, views.every):
        for name, view in tuple(going.items()):
            if until():
                return
            if done[name] < end and not _is_kept_to(journal, view, views, end):
                del going[name]


def _is_kept_to(journal: Journal, view: Projection, views: PastViews, end: int) -> bool:
    """Keep a view's states up to a position, and tell whether it is worth it to go on."""
    with journal.backend.snapshot() as reader, views.opened() as kept:
        try:
            past = PastReader(reader, end, kept=kept, is_kept_alone=True)
            return kept is not None and keep_states(journal, view, past)
        except Exception:
            if view in CORE_VIEWS:
                raise
            return False  # whoever asks for it is told


def _of_plugins(journal: Journal) -> list[Projection]:
    """Return the projections of plugins that are what they are registered as."""
    registered = {} if journal.registry is None else journal.registry.added("projection")
    own = {one.name for one in CORE_VIEWS}
    return [
        one
        for name, one in registered.items()
        if getattr(one, "name", None) == name not in own
        and type(getattr(one, "version", None)) is int
    ]


def is_anothers(registry: Registry, projection: Any) -> bool:
    """Tell whether a projection's name is registered for another one, whose rows are persisted."""
    known = registry.known("projection").get(projection.name)
    if known is None or known is projection:
        return False
    if isinstance(known, FunctionProjection) and isinstance(projection, FunctionProjection):
        return known.function is not projection.function
    return type(known) is not type(projection)


@contextlib.contextmanager
def _plugins_view(registry: Registry, name: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as fault:  # a plugin may raise anything
        if isinstance(fault, LogError) and not isinstance(fault, LogDamagedError):
            raise
        plugin = registry.holder("projection", name)
        _narrator.error(
            "a plugin's view was not persisted", view=name, plugin=plugin, exc_info=fault
        )


def view_faults(journal: Journal, registry: Registry) -> tuple[str, ...]:
    """Return in what persisted views differ from a rebuild, or why they cannot be read."""
    try:
        return tuple(_differing(journal, registry))
    except LogError as fault:
        return (f"the persisted views cannot be read: {fault}",)


def _differing(journal: Journal, registry: Registry) -> Iterator[str]:
    head = journal.backend.head().position
    for saved in journal.backend.saved_views():
        projection = registry.known("projection").get(saved.view)
        if saved.position > head:
            yield f"view {saved.view!r} stands at {saved.position}, past the head"
        elif projection is not None:
            try:
                found = differences(journal, projection)
            except AutopackError as fault:
                found = [str(fault)]
            if found:
                shown = ", ".join(found[:5]) + (", ..." if len(found) > 5 else "")
                yield f"view {saved.view!r} is not what the log says: {shown}"
