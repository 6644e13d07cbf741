"""What a running program has printed so far, and what of it is recorded."""

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import attrs

from autopack.draining.attempts.threads import off_loop
from autopack.draining.attempts.told_waits import retry_after_s
from autopack.draining.executors.call_recorder import CALLS_MOST, ToldCalls
from autopack.draining.executors.client_sessions import SESSION, kept_as, with_session
from autopack.draining.executors.exits import exit_failure
from autopack.draining.executors.json_lines import ProgramReader, is_own
from autopack.draining.executors.program_output import (
    LONGEST_STREAM_LINE_BYTES,
    Capture,
    Lines,
)
from autopack.draining.executors.usage_files import SLICES_MOST, Told, UsageChannel
from autopack.errors import CapReachedError, LeaseLostError
from autopack.plugins.narrator import Narrator
from autopack.ports.attempt import Attempt, KeepsCheckpoints
from autopack.ports.work import DENIED_USES, USAGE_PROBLEMS, Completed, Failed, Outcome, PhaseView
from autopack.report.failure_words import start_of

T = TypeVar("T")

_OVERTIME_S: Final = 1.0
_LAST_WORDS_CHARS: Final = 400
_TOLD_CHARS: Final = 200


_LINE_PROBLEMS: Final = "line-problems"


_OVER_MOST: Final = 12
_MARGIN_S: Final = 1.0
_CAPPED_S: Final = 1.0


class OvertimeError(Exception):
    """The deadline has passed and nobody cancelled the call."""


class OverError(Exception):
    """The program has given its result long ago, and does not end."""


@attrs.define
class WatchedProgram:
    """One attempt in progress: what the program printed, and what of it is recorded."""

    phase: PhaseView
    attempt: Attempt
    reader: ProgramReader
    capture_bytes: int
    result_grace_s: float = 5.0
    grace_s: float = 3.0
    client: str | None = None
    channel: UsageChannel = attrs.field(init=False)
    calls: ToldCalls = attrs.field(init=False)
    output: Capture = attrs.field(init=False)
    errors: Capture = attrs.field(init=False)
    _lines: Lines = attrs.field(init=False)
    _note: str | None = None
    _session: str | None = None
    _heard_s: float = attrs.field(factory=time.monotonic)
    _over_s: float | None = None
    _at_cap: CapReachedError | None = None
    _kept: Mapping[str, str] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        """Keep as much of stderr as of stdout."""
        self._lines = Lines(
            longest_bytes=LONGEST_STREAM_LINE_BYTES, is_idle=self.reader.is_idle_line
        )
        self.output, self.errors = Capture(self.capture_bytes), Capture(self.capture_bytes)
        self.calls = ToldCalls(self.attempt, self.reader, model=self.phase.model)

    def stdout(self, chunk: bytes) -> None:
        """Take a piece of standard output."""
        self.output.feed(chunk)
        self._heard_s = time.monotonic()
        for line in self._lines.feed(chunk):
            self._read(self.reader.line, line)

    async def look(self) -> None:
        """
        Record what is new, and see whether to go on.

        Raises:
            OvertimeError: The deadline has passed.
            OverError: The program has said that it is done, and does not end.
            LeaseLostError: The phase is not this worker's any more.
            CapReachedError: The last call was one too many.
        """
        await self._hear()
        await self._record()
        self._look_for_end()
        await self._keep_session()
        if self.reader.note is not None and self.reader.note != self._note:
            self._note = self.reader.note
            await self.attempt.aprogress(self._note)
        if not self.attempt.cancelled:
            return
        left_s = self.attempt.left_s
        if left_s is None or left_s > 0:
            ref, token = self.attempt.ref, self.attempt.lease_token
            raise LeaseLostError(ref, token=token, state="not this worker's any more", holder=None)
        if left_s < -_OVERTIME_S:  # the drain cancels the call at the deadline; others may not
            raise OvertimeError

    async def _keep_session(self) -> None:
        """Keep which session it is as soon as that is told, for a later attempt to go on with."""
        told = self.reader.session
        if told is None or told == self._session or not isinstance(self.attempt, KeepsCheckpoints):
            return
        self._session = told
        if self.client is not None:
            text = kept_as(self.client, told, self.phase.model)
            await self.attempt.acheckpoint(SESSION, text)

    async def _record(self) -> None:
        """Record what was told; the call that fills a cap does not undo work that is done."""
        try:
            await self.calls.record()
        except CapReachedError as fault:
            self._at_cap = fault
        if self._at_cap is not None and not self.reader.is_over:
            raise self._at_cap

    def _look_for_end(self) -> None:
        """Wait no longer than a grace for a program that is done, and is quiet since."""
        now_s = time.monotonic()
        if not self.reader.is_over:
            self._over_s = None
            return
        self._over_s = now_s if self._over_s is None else self._over_s
        grace_s = self.result_grace_s if self._at_cap is None else _CAPPED_S
        left_s = self.attempt.left_s
        if left_s is not None:  # else the deadline would undo what is done
            grace_s = min(grace_s, max(0.0, left_s - self.grace_s - _MARGIN_S))
        is_quiet = now_s - max(self._heard_s, self._over_s) >= grace_s
        if is_quiet or now_s - self._over_s >= _OVER_MOST * grace_s:
            raise OverError

    async def finish(self, most: int = CALLS_MOST, *, returncode: int | None = 0) -> None:
        """
        Take and record what is left once the program has ended, but no more than so many calls.

        Args:
            most: How many.
            returncode: How the program ended; None if we ended it.

        Raises:
            LeaseLostError, CapReachedError: One call was too many; all of them are recorded.
        """
        for line in self._lines.finish():
            self._read(self.reader.line, line)
        self._read(self.reader.finish, self.output.text() if self.output.is_whole else None)
        self._read(self.reader.aside, self.errors.text())
        self._read(self.reader.ended, returncode)
        for _ in range(SLICES_MOST):
            if not await self._hear():
                break
        self._take(self.channel.finish())
        if self._lines.n_dropped:
            what = f"{self._lines.n_dropped} lines were too long to read"
            self.reader.problem(what, is_usage=type(self.reader) is not ProgramReader)
        with contextlib.suppress(LeaseLostError, CapReachedError):  # which its calls will tell
            await self._keep_session()
        await self.calls.finish(most)

    def attach(self) -> None:
        """Keep what the program printed, and what could not be understood of it."""
        printed = (("stdout", self.output.text()), ("stderr", self.errors.text()))
        for name, text in (*printed, *self._kept.items()):
            if text:
                self.attempt.attach(name, text)
        if self.reader.denied:
            self.attempt.attach(DENIED_USES, "\n".join(self.reader.denied))
        if self.reader.n_problems:
            self._tell_problems()

    def outcome(self, program: str, returncode: int) -> Outcome:
        """
        Return how the work ended: what the program said, else what its exit code says.

        Args:
            returncode: 0 also for a program that we ended after its result.
        """
        told = self.reader.outcome
        if returncode != 0 and not isinstance(told, Failed):
            said = told if isinstance(told, Completed) else None
            self._kept = {} if said is None else said.outputs
            facts = self.reader.facts
            told = exit_failure(program, returncode, self._last_words(), said=said, facts=facts)
        if told is None and (told := self.reader.no_result) is not None and self.reader.facts:
            told = attrs.evolve(told, failure_class=None, source_fields=self.reader.facts)
        if isinstance(told, Failed):
            wait_s = told.retry_after_s
            return attrs.evolve(
                told,
                exit_code=returncode or None if told.exit_code is None else told.exit_code,
                retry_after_s=_wait_s(told) if wait_s is None else wait_s,
                source_fields=with_session(told.source_fields, self.reader.session),
            )
        return told if told is not None else Completed(summary=self._silence())

    def _last_words(self) -> str:
        """Return the end of what the program said to people, not of what it told Autopack."""
        words = (s.last_words(_LAST_WORDS_CHARS, is_own) for s in (self.errors, self.output))
        return next(filter(None, words), "")

    def _silence(self) -> str | None:
        if type(self.reader) is ProgramReader:
            return None
        return "exit code 0, but nothing of what it printed was a result: is its JSON output on?"

    def _tell_problems(self) -> None:
        """Say loudly that not all of what the program said of its work is known."""
        reader = self.reader
        name = USAGE_PROBLEMS if reader.is_usage_lost else _LINE_PROBLEMS
        more = reader.n_problems - len(reader.problems)
        self.attempt.attach(
            name, "\n".join([*reader.problems, *([f"and {more} more"] * bool(more))])
        )
        Narrator("autopack.command").warning(
            "usage that a program printed could not be read"
            if reader.is_usage_lost
            else "what a program printed for Autopack could not be read",
            phase=self.phase.key,
            attempt=self.attempt.number,
            lines=reader.n_problems,
            first=reader.problems[0][:_TOLD_CHARS],
            see=f"autopack phase text {self.phase.key} {name}",
        )

    async def _hear(self) -> bool:
        """Take the next slice of the usage file and descriptor; tell whether there is more."""
        if not self.channel.has_news():
            return False
        told = await off_loop(self.channel.read, f"usage file of {self.phase.key}")
        self._take(told)
        return told.has_more

    def _take(self, told: Told) -> None:
        for line in told.lines:
            self._read(self.reader.usage_line, line)
        for problem in told.problems:
            self.reader.problem(problem)
        for doubt in told.doubts:
            self.reader.problem(doubt, is_usage=False)

    def _read(self, read: Callable[[T], None], given: T) -> None:
        """Let a reader read; one that fails has lost what it was given, and no more."""
        try:
            read(given)
        except Exception as fault:
            name = type(self.reader).__name__
            shown = "" if given is None else f" ({start_of(str(given), _TOLD_CHARS)!r})"
            self.reader.problem(f"{name} failed: {type(fault).__name__}: {fault}{shown}")


def _wait_s(told: Failed) -> float | None:
    """Return for how long a provider asks to wait in its words; a limit's reset is a fact."""
    if "resets_at" in told.source_fields:
        return None
    return retry_after_s(f"{told.message} {told.excerpt or ''}", now_s=time.time())
