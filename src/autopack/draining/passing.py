"""Why phases are passed over, written when a phase's reason changes within the drain."""

from collections import Counter
from collections.abc import Mapping

from autopack.events import DrainPassedOver


class PassedOver:
    """Remembers what was said of each phase, so that nothing is said twice."""

    def __init__(self, drain_id: str) -> None:
        self._drain_id = drain_id
        self._said: dict[str, str] = {}

    def fresh(self, reasons: Mapping[str, str], counts: "Counter[str]") -> list[DrainPassedOver]:
        """
        Return the events that are due for *reasons* (by ``RUN/PHASE``).

        In *counts* a phase counts once, with what was said of it last.
        """
        events = []
        for key, reason in reasons.items():
            before = self._said.get(key)
            if before == reason:
                continue
            if before is not None:
                counts.subtract([_kind_of(before)])
            self._said[key] = reason
            counts[_kind_of(reason)] += 1
            run_id, _slash, phase_id = key.partition("/")
            events.append(
                DrainPassedOver(
                    drain_id=self._drain_id, run_id=run_id, phase_id=phase_id, reason=reason
                )
            )
        for kind in [kind for kind, n in counts.items() if not n]:
            del counts[kind]
        return events


def _kind_of(reason: str) -> str:
    """Return a reason without the moment in it, so that equal ones are counted together."""
    return "backs off" if reason.startswith("backs off") else reason
