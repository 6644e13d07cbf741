"""The world of a week: who asks which vendor what, and what comes of it."""

import random
from collections import Counter
from typing import Any, Final

from tests.week.clients import Session
from tests.week.vendors import Plan, Trouble
from tests.week.world_time import DrainClock, WorldTime

from autopack.draining.executors.session_calls import LaterCalls
from autopack.ports.work import Attempt, Outcome, PhaseView

_STORM: Final = 400
"""So many refused calls in one trouble are more than any policy needs; nobody looks further."""


class World:
    """
    Plans by account, and what is wrong with the network and the vendors, and when.

    Attributes:
        refused: How often calls were refused in each trouble.
        lost: How many calls were cut by an outage after they had been counted.
        no_credit: The accounts that are empty now.
    """

    def __init__(
        self, time: WorldTime, plans: list[Plan], troubles: list[Trouble], draw: random.Random
    ) -> None:
        self.time, self.troubles, self._draw = time, troubles, draw
        self.plans = {plan.account: plan for plan in plans}
        self.refused: Counter[Trouble] = Counter()
        self.no_credit: set[str] = set()
        self.lost = 0

    def executor(self, account: str, clock: DrainClock) -> Any:
        """Return what does phases by an account, for the drain of a machine's clock."""

        async def execute(phase: PhaseView, attempt: Attempt) -> Outcome | None:
            clock.begun()
            try:
                return await self._work(account, clock, phase, attempt)
            finally:
                clock.ended()

        execute.account = account  # type: ignore[attr-defined]
        return execute

    def meets(self, account: str) -> Trouble | None:
        """Return what a call of an account meets with now."""
        now_s = self.time.now_s
        return next((one for one in self.troubles if one.is_at(account, now_s)), None)

    async def _work(
        self, account: str, clock: DrainClock, phase: PhaseView, attempt: Attempt
    ) -> Outcome | None:
        plan = self.plans[account]
        session = Session(plan, attempt.lease_token, phase.model or "m")
        await clock.sleep(self._draw.uniform(1.0, 5.0))
        if account in self.no_credit:
            return session.without_credit()
        if (trouble := self.meets(account)) is not None:
            self.refused[trouble] += 1
            self.time.is_enough |= self.refused[trouble] > _STORM
            return _met(trouble, session)
        if (window := plan.asks(self.time.now_s)) is not None:
            return session.used_up(window)
        await clock.sleep(self._draw.uniform(200.0, 900.0))
        trouble = self.meets(account)
        if trouble is not None and trouble.kind == "outage":
            self.lost += 1
            raise ConnectionResetError(104, "Connection reset by peer")
        outcome = session.done()
        for call in session.reader.calls:
            found = [call] if isinstance(call, dict) else _looked_up(call)
            for figures in found:
                await attempt.arecord_usage(**{"model": phase.model, **figures})
        for limit in session.reader.limits:
            attempt.report_limit(**limit)
        return outcome


def _looked_up(later: LaterCalls) -> list[dict[str, Any]]:
    return list(later.calls(lambda _session: {}, lambda _what: None))


def _met(trouble: Trouble, session: Session) -> Outcome | None:
    match trouble.kind:
        case "outage":
            raise ConnectionRefusedError(111, "Connection refused")
        case "overloaded":
            return session.overloaded()
        case _:
            return session.limited()
