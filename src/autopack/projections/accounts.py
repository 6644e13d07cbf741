"""The accounts of a log: how much of their windows is used, and which of their lanes rest."""

from typing import Any, Final, get_args

from autopack.aggregates.account import AccountState, evolve
from autopack.events import AccountEvent
from autopack.ports.log import Recorded


class AccountBoard:
    """Every account of which a limit or a rest was told, by its name."""

    name: Final = "accounts"
    version: Final = 1
    types: Final[tuple[type, ...]] = get_args(AccountEvent)
    row_type: Final = AccountState
    total_type: Final = int

    def key(self, recorded: Recorded[Any]) -> str | None:
        """Return the account's name."""
        account: str = recorded.event.account
        return account

    def project(self, row: AccountState | None, recorded: Recorded[Any]) -> AccountState:
        """Return the account after the event."""
        return evolve(row or AccountState(), recorded.event)

    def initial_total(self) -> int:
        """Return that no lane rests."""
        return 0

    def total(self, total: int, before: AccountState | None, after: AccountState | None) -> int:
        """Return how many lanes rest, or are being probed, after one account changed."""
        return total + _resting(after) - _resting(before)


def _resting(state: AccountState | None) -> int:
    return 0 if state is None else len(state.rests)


ACCOUNTS: Final = AccountBoard()
