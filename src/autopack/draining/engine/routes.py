"""Where each phase would go: on which model, and under which account."""

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from autopack.draining.strategies.strategy_call import route_asked
from autopack.ports.drain import Choose, DrainView, Retry
from autopack.ports.work import PhaseView


@attrs.frozen(kw_only=True)
class Route:
    """A model, and the account under which it would be asked."""

    account: str
    model: str | None


class Routes:
    """
    Says of each phase where it would go, so that only those wait whose own way is closed.

    It goes by what was chosen last, if that met a closed lane; else by the strategy's
    ``choice_for``, if it has one; else by the phase's own model.

    Args:
        account_of: Returns the account of an executor by name; None is the drain's own.
    """

    def __init__(self, strategy: Any, name: str, account_of: Callable[[str | None], str]) -> None:
        self._strategy, self._name, self._account_of = strategy, name, account_of
        self._is_asked = hasattr(strategy, "choice_for")
        self._chosen: dict[str, Route] = {}

    def of(self, phase: PhaseView, view: DrainView) -> Route:
        """Return where a phase would go."""
        found = self._chosen.get(phase.key)
        if found is not None:
            return found
        if not self._is_asked:
            return Route(account=self._account_of(None), model=phase.model)
        return self.chosen(phase, route_asked(self._strategy, phase, view, self._name))

    def chosen(self, phase: PhaseView, choice: Choose | Retry) -> Route:
        """Return where a choice sends a phase."""
        account = self._account_of(choice.executor)
        return Route(account=account, model=choice.model or phase.model)

    def told(self) -> dict[str, Any]:
        """Return the ways of phases that wait for what was chosen for them, in plain values."""
        return {f"way {key}": [one.account, one.model] for key, one in self._chosen.items()}

    def go_by(self, changes: Mapping[str, Any]) -> None:
        """Take over what another drain told of the ways of its phases; None is none any more."""
        for told, value in changes.items():
            key = told.removeprefix("way ")
            self._chosen.pop(key, None)
            if value is not None:
                self._chosen[key] = Route(account=value[0], model=value[1])

    def wait_for(self, key: str, route: Route) -> None:
        """Let a ready phase wait until its way is open, so that others may be chosen."""
        self._chosen[key] = route

    def forget(self, key: str) -> None:
        """Ask anew where a phase would go."""
        self._chosen.pop(key, None)
