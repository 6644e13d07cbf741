"""Who keeps the folders of each run's attempts: whom the drain names, or else its run."""

import json
from collections.abc import Callable, Container, Iterable, Mapping

from autopack.errors import AutopackError
from autopack.ports.work import RunView
from autopack.ports.workspaces import Workspaces


class RunKeepers:
    """
    Finds who keeps folders, run by run; the same for runs that name the same. Any thread.

    Args:
        of_drain: Whom the drain names, for all its runs.
        has_folder: Whether the drain has one folder for all, whatever runs name.
        runs: Returns the runs as they stand.
        named: Makes whom a run names.
        is_in_scope: Whether a run is this drain's.
    """

    def __init__(
        self,
        of_drain: Workspaces | None,
        *,
        has_folder: bool,
        runs: Callable[[], Mapping[str, RunView]],
        named: Callable[[object], Workspaces | None],
        is_in_scope: Callable[[str], bool],
    ) -> None:
        self._of_drain, self._is_given = of_drain, has_folder or of_drain is not None
        self._runs, self._named, self._is_in_scope = runs, named, is_in_scope
        self._made: dict[str, Workspaces | None] = {}

    def of(self, run_id: str) -> Workspaces | None:
        """Return who keeps a run's folders; None if nobody does."""
        run = self._runs().get(run_id)
        if self._is_given or run is None or run.workspace is None:
            return self._of_drain
        key = json.dumps(run.workspace, sort_keys=True)
        if key not in self._made:
            self._made[key] = self._named(run.workspace)
        return self._made[key]

    def all(self) -> list[Workspaces]:
        """Return those of the runs that have work ahead, each once."""
        if self._is_given:
            return [] if self._of_drain is None else [self._of_drain]
        return _each_once(self.of(run.run_id) for run in self._ours() if run.outcome is None)

    def with_ended(self, unsettled: Callable[[], Container[str]]) -> list[Workspaces]:
        """
        Return those, and those of ended runs with something left: an approval ends a run as well.

        Args:
            unsettled: Returns the runs that have; asked only if a run has ended.
        """
        ended = [] if self._is_given else [run for run in self._ours() if run.outcome is not None]
        left = unsettled() if ended else ()
        found = [self._of_ended(run.run_id) for run in ended if run.run_id in left]
        return _each_once([*self.all(), *found])

    def _of_ended(self, run_id: str) -> Workspaces | None:
        try:
            return self.of(run_id)
        except AutopackError:  # what it names is not here any more, and stops nobody else's work
            return None

    def _ours(self) -> list[RunView]:
        runs = self._runs().values()
        return [run for run in runs if run.workspace and self._is_in_scope(run.run_id)]


def _each_once(keepers: Iterable[Workspaces | None]) -> list[Workspaces]:
    return list({id(keeper): keeper for keeper in keepers if keeper is not None}.values())
