"""Who does a phase: the drain's own executor, or another one that its strategy names."""

from typing import Any

import attrs

from autopack.draining.attempts.account_lanes import AccountLanes
from autopack.draining.settings.named_parts import check_executor
from autopack.draining.settings.settings import Settings
from autopack.errors import AutopackError, PluginError
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
        account = getattr(executor, "account", None) or self._settings.account_name
        lanes = self._lanes_of(check_name("account", account))
        return NamedExecutor(name=name, executor=executor, lanes=lanes)

    def _lanes_of(self, account: str) -> AccountLanes:
        if account not in self._lanes:
            leave = self._settings.leave
            self._lanes[account] = AccountLanes(self._handler, account, leave=leave)
        return self._lanes[account]
