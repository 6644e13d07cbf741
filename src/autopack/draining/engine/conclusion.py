"""How a drain concludes in the log: its last event, and what is given back with it."""

from collections.abc import Callable, Sequence
from functools import partial

from autopack.draining.engine.drain_session import DrainSession
from autopack.events import DrainStopped
from autopack.values.money import Usd


class Conclusion:
    """The end of one drain's session: in order, or at the last, where its thread is held."""

    def __init__(self, session: DrainSession) -> None:
        self._session = session

    def close(self, reason: str, detail: str | None, held: Sequence[str] = ()) -> None:
        """Record that the drain ended, once, and persist the views for whoever looks next."""
        session = self._session
        if not session.is_open:
            return
        session.claims.give_back()
        session.preparations.give_up()
        session.admission.follower.catch_up()
        session.own.append(self._stopped(reason, detail, held))
        session.is_open = False
        session.log.refresh_views()

    def at_last(
        self, reason: str, detail: str | None, held: Sequence[str]
    ) -> list[Callable[[], object]]:
        """
        Return what to try at the last, each in a thread of its own, where ours is held for ever.

        Whatever cannot be written stays as it is: no lease is renewed any more.
        """
        session = self._session
        session.preparations.give_up()
        session.claims.leave()
        acts: list[Callable[[], object]] = [session.claims.sign_off]
        acts += [partial(session.claims.release, token) for token in session.claims.open_tokens]
        if not session.is_open:
            return acts
        session.is_open = False
        return [*acts, partial(session.own.append_past, self._stopped(reason, detail, held))]

    def _stopped(self, reason: str, detail: str | None, held: Sequence[str]) -> DrainStopped:
        session = self._session
        sums = session.sums()
        amounts = {name: str(one) for name, one in sums.items() if isinstance(one, Usd)}
        totals = {**sums, **amounts}
        if held:
            totals["held"] = list(held)
        return DrainStopped(
            drain_id=session.drain_id,
            reason=reason,
            detail=detail,
            totals=totals,
            passed_over=sums["passed_over"],
            **(session.end_noted if reason == "strategy" else {}),
        )
