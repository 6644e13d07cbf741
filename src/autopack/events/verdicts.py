"""Facts of a phase's stream about its work: what a check, or a person, says of it."""

from typing import Final, Literal

import attrs

from autopack.events.schema import Attempt, Digests, Key, ReasonText, Seconds, Text, event

Verdict = Literal["passed", "failed", "could_not_run"]
"""What a check says of an attempt's work; one that could not run says nothing of it."""
SWEEP: Final = "sweep"
"""Who has work checked that had ended, on top of others' work, before it is merged."""


@event("phase.checked")
class PhaseChecked:
    """
    A check judged an attempt's work.

    ``by`` is ``drain``, ``attempt`` (a loop of one's own), ``recheck``, or ``sweep`` where what
    had ended is to be merged on top of others' work; in the first two the lease token is that of
    the attempt, which has not ended yet. ``judging`` is told by checks that judge together
    afterwards. ``excerpt`` is the end of what the check said, whole among the
    ``artifacts``; ``outputs`` are the texts that were judged; a ``score`` is the check's own.
    """

    run_id: Key
    phase_id: Key
    check: str
    verdict: Verdict
    by: str
    attempt: Attempt | None = None
    lease_token: Key | None = None
    judging: Key | None = None
    exit_code: int | None = None
    duration_s: Seconds | None = None
    score: float | None = None
    excerpt: Text | None = None
    outputs: Digests = attrs.Factory(dict)
    artifacts: Digests = attrs.Factory(dict)


@event("phase.judged")
class PhaseJudged:
    """Somebody says whether an attempt's work is right; *check* names what they went by."""

    run_id: Key
    phase_id: Key
    right: bool
    by: str
    why: ReasonText
    attempt: Attempt | None = None
    check: str | None = None


VerdictEvent = PhaseChecked | PhaseJudged
