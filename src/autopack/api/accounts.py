"""Accounts by hand: a lane that rests is opened, since somebody knows more than was told."""

from typing import Any

from autopack.aggregates import account as accounts
from autopack.aggregates.account import ALL_MODELS
from autopack.api.given_reasons import check_why
from autopack.errors import InvalidInputError
from autopack.events import LaneOpened
from autopack.log import views
from autopack.log.log import Log, handler_of, journal_of
from autopack.ports.log import Entry, Recorded
from autopack.projections.accounts import ACCOUNTS
from autopack.values.ids import account_stream


def open_account(
    log: Log, account: str, *, model: str | None = None, why: str, actor: str = "user"
) -> list[Recorded[Any]]:
    """
    Let an account be asked again at once: its plan was changed, or its windows started anew early.

    Drains that run look again within a second. If it refuses after all, it rests again.

    Args:
        model: Open the lane of this model only; otherwise all that rest.

    Returns:
        An event for each lane that rested; none if none did.

    Raises:
        InvalidInputError: Nothing was ever told of such an account, or no reason is given.
    """
    check_why(f"Account {account}", why)
    known = views.current(journal_of(log), ACCOUNTS).rows
    if account not in known:
        raise InvalidInputError(
            f"Nothing is known of an account {account!r}. There are: "
            f"{', '.join(sorted(known)) or 'none'}.",
            name="account",
            value=account,
        )
    handler = handler_of(log)

    def build() -> list[Entry]:
        version, state = handler.known_account(account)
        lanes = [lane for lane in state.rests if model in (None, lane)]
        events = [
            event
            for lane in lanes
            for event in accounts.decide(
                LaneOpened(
                    account=account, model=None if lane == ALL_MODELS else lane, why=why, by=actor
                ),
                state,
            )
        ]
        return [(account_stream(account), events, version)]

    return handler.append(build)
