"""Circuit breaker: what fails the same way again and again is not tried for the whole night."""

from collections import Counter
from typing import Final

import attrs

from autopack.draining.attempts.failure_classes import HOPELESS, WAITING
from autopack.report.failure_words import failure_words, kind_words

_BY_PHASE: Final = "check_failed"


@attrs.frozen(kw_only=True)
class Trip:
    """Why a run is held, or (*run_id* None) the whole drain is stopped."""

    run_id: str | None
    fingerprint: str | None
    count: int
    reason: str


class Breaker:
    """
    Counts failures by run and fingerprint, and time-outs by run.

    Args:
        max_fingerprint_repeats: The same failure so often in a run, with no phase of the run
            completed in between, holds the run; None never does.
        max_timeouts_per_run: So many time-outs hold the run; None never does.

    A failure of class ``auth`` or ``quota`` stops the drain at once: no other phase would get
    further. What passes by itself trips nothing; its phases back off instead. Work that does not
    pass its check counts once a phase: how often one phase tries is its own affair.
    """

    def __init__(
        self, *, max_fingerprint_repeats: int | None, max_timeouts_per_run: int | None
    ) -> None:
        self._repeats_most, self._timeouts_most = max_fingerprint_repeats, max_timeouts_per_run
        self._repeats: dict[str, Counter[str]] = {}
        self._unpassed: dict[str, set[tuple[str, str]]] = {}
        self._timeouts: Counter[str] = Counter()
        self.held: dict[str, str] = {}

    def completed(self, run_id: str) -> None:
        """Take note that a phase went well, so that its run is no hopeless one."""
        self._forget(run_id)

    def failed(
        self, run_id: str, fingerprint: str, failure_class: str, message: str, phase_id: str = ""
    ) -> Trip | None:
        """Count a failure; return what it trips."""
        if failure_class in HOPELESS:
            said = f"{failure_words(failure_class, message)}; no other phase would get further"
            return Trip(run_id=None, fingerprint=fingerprint, count=1, reason=said)
        if failure_class in WAITING or self._repeats_most is None:
            return None
        if failure_class == _BY_PHASE:
            known, one = self._unpassed.setdefault(run_id, set()), (phase_id, fingerprint)
            if one in known:
                return None
            known.add(one)
        seen = self._repeats.setdefault(run_id, Counter())
        seen[fingerprint] += 1
        n = seen[fingerprint]
        if n < self._repeats_most:
            return None
        reason = f"it failed the same way {n} times: {kind_words(fingerprint)}"
        return self._hold(run_id, n, reason, fingerprint)

    def let(self, run_id: str) -> None:
        """Hold a run no longer, and count anew."""
        self.held.pop(run_id, None)
        self._forget(run_id)
        self._timeouts.pop(run_id, None)

    def timed_out(self, run_id: str) -> Trip | None:
        """Count a time-out; return what it trips."""
        self._timeouts[run_id] += 1
        n = self._timeouts[run_id]
        if self._timeouts_most is None or n < self._timeouts_most:
            return None
        return self._hold(run_id, n, f"{n} of its attempts ran out of time", None)

    def _forget(self, run_id: str) -> None:
        self._repeats.pop(run_id, None)
        self._unpassed.pop(run_id, None)

    def _hold(self, run_id: str, n: int, reason: str, fingerprint: str | None) -> Trip | None:
        if run_id in self.held:
            return None
        self.held[run_id] = reason
        return Trip(run_id=run_id, fingerprint=fingerprint, count=n, reason=reason)
