"""Who does a phase: the drain's own executor, or another one that its strategy names."""

import json
from typing import Any

import attrs

from autopack.draining.attempts.account_lanes import AccountLanes
from autopack.draining.settings.named_parts import check_executor
from autopack.draining.settings.settings import Settings
from autopack.errors import AutopackError, PluginError
from autopack.events import PhaseSubmitted
from autopack.log.command_handler import Handler
from autopack.plugins.registry import Registry
from autopack.values.ids import check_name


@attrs.frozen(kw_only=True)
class NamedExecutor:
    """An executor by the name that its claims record, with the lanes of its account."""

    name: str
    executor: Any
    lanes: AccountLanes

    @property
    def execute(self) -> Any:
        """What is called for a phase."""
        return getattr(self.executor, "execute", self.executor)


class Executors:
    """
    The executors of one drain by name, each made once.

    Another one than the drain's own counts under the account that it says itself, else under the
    drain's. What prepares a run is the drain's own.
    """

    def __init__(self, handler: Handler, registry: Registry, settings: Settings) -> None:
        self._handler, self._registry, self._settings = handler, registry, settings
        self._lanes: dict[str, AccountLanes] = {}
        lanes = self._lanes_of(settings.account_name)
        self.own = NamedExecutor(
            name=settings.executor_name, executor=settings.executor, lanes=lanes
        )
        self._known = {self.own.name: self.own}

    @property
    def lanes(self) -> list[AccountLanes]:
        """The lanes of each account that somebody may be sent to."""
        return list(self._lanes.values())

    @property
    def accounts(self) -> dict[str, str]:
        """The accounts of executors that have another one than the drain's own, by name."""
        accounts = {name: one.lanes.name for name, one in self._known.items()}
        return {name: one for name, one in accounts.items() if one != self.own.lanes.name}

    def lanes_of(self, account: str) -> AccountLanes:
        """Return the lanes of an account that somebody may be sent to."""
        return self._lanes[account]

    def named(self, name: str | None) -> NamedExecutor:
        """
        Return the executor of a name; None is the drain's own.

        Raises:
            PluginError: The strategy named one that is not known, or cannot be one.
        """
        if name is None:
            return self.own
        if name not in self._known:
            self._known[name] = self._made(name)
        return self._known[name]

    def collecting(self, event: PhaseSubmitted, *, is_own: bool) -> NamedExecutor | None:
        """
        Return who can ask for what an executor left with a provider: it, as it was made then.

        Args:
            is_own: Whether this log recorded it. What came from elsewhere makes nothing: it goes
                to an executor of that name that the drain was given.

        Raises:
            AutopackError: It cannot be made again.
        """
        name = event.executor
        if name in self._settings.executors:
            self.named(name)
        given = self._known.get(name)
        executor = None if given is None else given.executor
        recorded = dict(event.executor_settings)
        if given is not None and not (is_own and recorded and _differs(executor, recorded)):
            return given
        if given is None and not is_own:
            return None
        return self._made_again(name, executor, recorded)

    def _made_again(self, name: str, given: Any, recorded: dict[str, Any]) -> NamedExecutor | None:
        """Return an executor as it was made when it left the work, once for all such."""
        key = f"{name} {json.dumps(recorded, sort_keys=True)}"
        if key not in self._known:
            found = self._registry.known("executor").get(name) if given is None else type(given)
            if found is None and ".py:" in name:
                found = self._registry.resolve("executor", name)
            if found is None:
                return None
            again = getattr(found, "again", None)
            made = check_executor(self._registry, found) if again is None else again(recorded)
            self._known[key] = self._with_lanes(name, made)
        return self._known[key]

    def check(self) -> None:
        """Ask each one that is known by now whether it can begin, if it has a check of its own."""
        for name in self._settings.executors:
            self.named(name)
        for one in list(self._known.values()):
            if check := getattr(one.executor, "check", None):
                check()

    def _made(self, name: str) -> NamedExecutor:
        executor: Any = self._settings.executors.get(name)
        if executor is None:
            try:
                executor = check_executor(self._registry, name)
            except AutopackError as fault:
                what = f"the strategy named an executor that cannot be had: {fault}"
                raise PluginError(self._settings.strategy_name, what) from fault
        return self._with_lanes(name, executor)

    def _with_lanes(self, name: str, executor: Any) -> NamedExecutor:
        account = getattr(executor, "account", None) or self._settings.account_name
        lanes = self._lanes_of(check_name("account", account))
        return NamedExecutor(name=name, executor=executor, lanes=lanes)

    def _lanes_of(self, account: str) -> AccountLanes:
        if account not in self._lanes:
            leave = self._settings.leave
            self._lanes[account] = AccountLanes(self._handler, account, leave=leave)
        return self._lanes[account]


def _differs(executor: Any, recorded: dict[str, Any]) -> bool:
    """Tell whether an executor is made of other settings, and could be made of these."""
    settings = getattr(executor, "settings", None)
    return hasattr(type(executor), "again") and settings is not None and dict(settings) != recorded
