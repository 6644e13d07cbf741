"""What a choice went by beside the log: noted with the choice, so that it can be asked again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

import attrs


@attrs.frozen(kw_only=True)
class Circumstances:
    """
    What is closed at the moment of a choice, as its drain has found.

    Args:
        is_closed: Whether nothing may be taken, since a cap of the drain or the day is full.
        unprepared: The runs whose phases others are let past, since no further run is prepared
            for now; True are all that are not prepared.
        lanes: By account, the closed lanes of its models with when to look again; ``""`` is the
            whole account.
        rates: The models whose rates are used up, with when to look again.
        account: The drain's own.
        accounts: By executor, the accounts of those that have another one.
    """

    is_closed: bool = False
    unprepared: bool | tuple[str, ...] = ()
    lanes: Mapping[str, Mapping[str, datetime]] = attrs.Factory(dict)
    rates: Mapping[str, datetime] = attrs.Factory(dict)
    account: str
    accounts: Mapping[str, str] = attrs.Factory(dict)

    @property
    def n_accounts(self) -> int:
        """How many accounts there are to go to."""
        return len({self.account, *self.accounts.values()})

    def resting(self) -> Mapping[str, datetime]:
        """Return the models that nobody is sent to now, with when to look again."""
        return {**self.rates, **self.lanes.get(self.account, {})}

    def told(self) -> dict[str, Any]:
        """Return them in plain values, as a choice records them: only what is not as usual."""
        is_shut, unprepared = bool(self.lanes or self.rates), self.unprepared
        found = {
            "is_closed": self.is_closed,
            "unprepared": list(unprepared) if isinstance(unprepared, tuple) else unprepared,
            "lanes": {name: _told(lanes) for name, lanes in self.lanes.items()},
            "rates": _told(self.rates),
            "account": self.account if is_shut else None,
            "accounts": dict(self.accounts) if is_shut else {},
        }
        return {name: value for name, value in found.items() if value}

    @classmethod
    def heard(cls, told: Mapping[str, Any]) -> Self:
        """Return them as they were told."""
        unprepared = told.get("unprepared", ())
        return cls(
            is_closed=told.get("is_closed", False),
            unprepared=unprepared if unprepared is True else tuple(unprepared),
            lanes={name: _heard(lanes) for name, lanes in told.get("lanes", {}).items()},
            rates=_heard(told.get("rates", {})),
            account=told.get("account", ""),
            accounts=told.get("accounts", {}),
        )


def _told(moments: Mapping[str, datetime]) -> dict[str, str]:
    return {name: moment.isoformat() for name, moment in moments.items()}


def _heard(told: Mapping[str, str]) -> dict[str, datetime]:
    return {name: datetime.fromisoformat(moment) for name, moment in told.items()}
