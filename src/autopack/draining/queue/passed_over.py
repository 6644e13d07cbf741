"""Why phases are passed over, written when a phase's reason changes within the drain."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from autopack.draining.queue.hold_reasons import Held
from autopack.events import DrainPassedOver

_ALIKE_MOST: Final = 20
_AT_FIRST_MOST: Final = 200


class PassedOver:
    """
    Remembers what was said of each phase, so that nothing is said twice.

    Of many phases of a run that are held for one reason at once, their number is told; and so it
    is when the drain begins and many are held for whatever reasons.
    """

    def __init__(self, drain_id: str) -> None:
        self.counts: Counter[str] = Counter()
        self._drain_id = drain_id
        self._said: dict[str, Held] = {}

    def begin(self, reasons: Mapping[str, Held]) -> list[DrainPassedOver]:
        """Return the events that say why phases (by ``RUN/PHASE``) are held as the drain begins."""
        if len(reasons) <= _AT_FIRST_MOST:
            return self.fresh(reasons)
        self._fresh(reasons)
        by_run: dict[str, Counter[str]] = {}
        for key, reason in reasons.items():
            by_run.setdefault(key.partition("/")[0], Counter())[reason.kind] += 1
        return [self._told(run_id, kinds) for run_id, kinds in by_run.items()]

    def _told(self, run_id: str, kinds: "Counter[str]") -> DrainPassedOver:
        ((reason, _n),) = kinds.most_common(1)
        others = f" (and {len(kinds) - 1} other reasons)" if len(kinds) > 1 else ""
        return DrainPassedOver(
            drain_id=self._drain_id,
            run_id=run_id,
            phase_id=None,
            reason=f"{reason}{others}",
            count=kinds.total(),
        )

    def fresh(self, reasons: Mapping[str, Held]) -> list[DrainPassedOver]:
        """
        Return the events that are due for *reasons* (by ``RUN/PHASE``).

        In ``counts`` a phase counts once, with what was said of it last.
        """
        alike: dict[tuple[str, Held], list[str]] = {}
        for key, reason in self._fresh(reasons):
            run_id, _slash, phase_id = key.partition("/")
            alike.setdefault((run_id, reason), []).append(phase_id)
        events = []
        for (run_id, reason), names in alike.items():
            told = names if len(names) <= _ALIKE_MOST else [None]
            events += [
                DrainPassedOver(
                    drain_id=self._drain_id,
                    run_id=run_id,
                    phase_id=name,
                    reason=reason.words,
                    count=1 if name is not None else len(names),
                )
                for name in told
            ]
        return events

    def _fresh(self, reasons: Mapping[str, Held]) -> list[tuple[str, Held]]:
        found = []
        for key, reason in reasons.items():
            before = self._said.get(key)
            if before == reason:
                continue
            if before is not None:
                self.counts.subtract([before.kind])
            self._said[key] = reason
            self.counts[reason.kind] += 1
            found.append((key, reason))
        for kind in [kind for kind, n in self.counts.items() if not n]:
            del self.counts[kind]
        return found
