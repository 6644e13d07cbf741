"""An attempt's work judged: its checks one after the other, and what follows from what they say."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import attrs

from autopack.draining.attempts.storable_text import storable
from autopack.draining.checks.check_runs import Begun, run_check
from autopack.events import PhaseChecked
from autopack.plugins.registry import Registry
from autopack.ports.check_specs import CheckSpec
from autopack.ports.checks import CheckedWork, CheckResult
from autopack.ports.work import Completed, Failed, NeedsPerson
from autopack.report.escaping import visible
from autopack.report.failure_words import end_of, one_line, start_of

CHECK_FAILED: Final = "check_failed"
"""The code and the class of an attempt whose work did not pass a check."""
FEEDBACK_CHARS: Final = 4_000
"""How much of what a check said the next attempt is told; it is the end."""
_EXCERPT_CHARS: Final = 480
_LINE_CHARS: Final = 160


@attrs.frozen(kw_only=True)
class Finding:
    """What one check found of some work, with the seconds that it took."""

    spec: CheckSpec
    result: CheckResult
    duration_s: float

    @property
    def is_pass(self) -> bool:
        """Whether it says that the work is right."""
        return self.result.verdict == "passed"


async def findings(
    registry: Registry,
    checks: Sequence[CheckSpec],
    work: CheckedWork,
    settings: Mapping[str, Any],
    *,
    before: Callable[[CheckSpec], Awaitable[None]] | None = None,
    after: Callable[[Finding], Awaitable[None]] | None = None,
    begun: Begun = lambda _what, _work: None,
) -> Finding | None:
    """
    Run checks in their order, and return the first that is no pass; None if all are.

    Args:
        settings: What the phases of the work's run have in common.
        before, after: Awaited around each check; what *after* is told is recorded when it returns.
        begun: Called with a thread that may go on when this has ended.
    """
    for spec in checks:
        if before is not None:
            await before(spec)
        result, duration_s = await run_check(registry, spec, work, settings, begun=begun)
        found = Finding(spec=spec, result=result, duration_s=duration_s)
        if after is not None:
            await after(found)
        if not found.is_pass:
            return found
    return None


def checked_event(
    found: Finding,
    work: CheckedWork,
    *,
    redact: Callable[[str], str],
    outputs: Mapping[str, str],
    texts: Mapping[str, str],
    lease_token: str | None = None,
    judging: str | None = None,
) -> PhaseChecked:
    """
    Return what records a finding.

    Args:
        redact: What the log's texts pass; what is cut is cut afterwards.
        outputs, texts: The digests of what was judged, and of what the check said.
    """
    result = found.result
    said = end_of(_said(result, redact), _EXCERPT_CHARS)
    return PhaseChecked(
        run_id=work.phase.run_id,
        phase_id=work.phase.phase_id,
        check=found.spec.name,
        verdict=result.verdict,
        by=work.by,
        attempt=work.attempt or None,
        lease_token=lease_token,
        judging=judging,
        exit_code=result.exit_code,
        duration_s=found.duration_s,
        score=None if result.score is None else float(result.score),
        excerpt=said or None,
        outputs=outputs,
        artifacts=texts,
    )


def named_texts(found: Finding) -> dict[str, str]:
    """Return what a check gave to be kept, named so that it is not taken for the phase's own."""
    texts = found.result.texts.items()
    return {storable(f"{name} of {found.spec.name}"): storable(text) for name, text in texts}


def failure_of(found: Finding, redact: Callable[[str], str]) -> Failed:
    """Return the failure of an attempt whose work did not pass: the next one is told why."""
    said = _said(found.result, redact)
    headline = f"check {found.spec.name} failed{_how(found.result)}"
    if line := _telling_line(found, said):
        headline += f": {line}"
    told = end_of(said, FEEDBACK_CHARS)
    return Failed(
        CHECK_FAILED,
        headline if one_line(told) == line else f"{headline}\n\n{told}".strip(),
        retryable=True,
        failure_class=CHECK_FAILED,
        exit_code=found.result.exit_code,
        excerpt=end_of(said, _EXCERPT_CHARS) or None,
    )


def question_on(found: Finding, outcome: Completed, redact: Callable[[str], str]) -> NeedsPerson:
    """Return what a person is asked of work that could not be checked; it is kept."""
    said = start_of(one_line(_said(found.result, redact)), 2 * _LINE_CHARS)
    question = (
        f"Is the work right? Check {found.spec.name} could not run: {said}. Approve or reject "
        "the work as it is, or mend the check and send the phase back."
    )
    return NeedsPerson(question, outputs=outcome.outputs, summary=outcome.summary)


def question_before(why: str) -> NeedsPerson:
    """Return what a person is asked of work that was not begun, since nothing could check it."""
    return NeedsPerson(
        "Nothing was done, since its check cannot run: mend the check, and send the phase back. "
        f"{one_line(why)}"
    )


def _said(result: CheckResult, redact: Callable[[str], str]) -> str:
    """Return what a check said as it is recorded and told on: redacted, and printable."""
    return visible(redact(storable(result.says))).strip()


def _how(result: CheckResult) -> str:
    return "" if result.exit_code is None else f" with exit code {result.exit_code}"


def _telling_line(found: Finding, said: str) -> str:
    """Return the line that says most: a program's last one, a function's first one."""
    lines = [one_line(line) for line in said.splitlines() if line.strip()]
    if not lines:
        return ""
    return start_of(lines[-1 if found.result.exit_code is not None else 0], _LINE_CHARS)
