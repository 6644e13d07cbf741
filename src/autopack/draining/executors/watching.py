"""What a running program has printed so far, and what of it is recorded."""

import asyncio
import time
from typing import Final

import attrs

from autopack.draining.executors.exits import exit_failure
from autopack.draining.executors.reports import Reader
from autopack.draining.executors.streams import Capture, Lines
from autopack.draining.executors.usagefiles import UsageChannel
from autopack.draining.failures import retry_after_s
from autopack.errors import AutopackError, CapReachedError, LeaseLostError
from autopack.ports.work import Attempt, Completed, Failed, Outcome, PhaseView

_OVERTIME_S: Final = 1.0
_LAST_WORDS_CHARS: Final = 400


class OvertimeError(Exception):
    """The deadline has passed and nobody cancelled the call."""


@attrs.define
class Work:
    """One attempt in progress: what the program printed, and what of it is recorded."""

    phase: PhaseView
    attempt: Attempt
    reader: Reader
    capture_bytes: int
    channel: UsageChannel = attrs.field(init=False)
    output: Capture = attrs.field(init=False)
    errors: Capture = attrs.field(init=False)
    _lines: Lines = attrs.field(init=False, factory=Lines)
    _note: str | None = None

    def __attrs_post_init__(self) -> None:
        """Keep as much of stderr as of stdout."""
        self.output, self.errors = Capture(self.capture_bytes), Capture(self.capture_bytes)

    def stdout(self, chunk: bytes) -> None:
        """Take a piece of standard output."""
        self.output.feed(chunk)
        for line in self._lines.feed(chunk):
            self.reader.line(line)

    async def look(self) -> None:
        """
        Record what is new, and see whether to go on.

        Raises:
            OvertimeError: The deadline has passed.
            LeaseLostError: The phase is not this worker's any more.
            CapReachedError: The last call was one too many.
        """
        self.channel.read()
        await self._record()
        if self.reader.note is not None and self.reader.note != self._note:
            self._note = self.reader.note
            self.attempt.progress(self._note)
        if not self.attempt.cancelled:
            return
        deadline = self.attempt.deadline
        late_s = None if deadline is None else time.time() - deadline.timestamp()
        if late_s is None or late_s < 0:
            ref, token = self.attempt.ref, self.attempt.lease_token
            raise LeaseLostError(ref, token=token, state="not this worker's any more", holder=None)
        if late_s > _OVERTIME_S:  # the drain cancels the call at the deadline; others may not
            raise OvertimeError

    async def finish(self) -> None:
        """Take and record what is left once the program has ended."""
        for line in self._lines.finish():
            self.reader.line(line)
        self.reader.finish(self.output.text() if self.output.is_whole else None)
        self.channel.finish()
        if self._lines.n_dropped:
            self.reader.problems.append(f"{self._lines.n_dropped} lines were too long to read")
        await self._record()

    def attach(self) -> None:
        """Keep what the program printed, and what could not be understood of it."""
        for name, text in (
            ("stdout", self.output.text()),
            ("stderr", self.errors.text()),
            ("usage-problems", "\n".join(self.reader.problems)),
        ):
            if text:
                self.attempt.attach(name, text)

    def outcome(self, program: str, returncode: int) -> Outcome:
        """Return how the work ended: what the program said, else what its exit code says."""
        told = self.reader.outcome
        if returncode != 0 and not isinstance(told, Failed):
            words = self.errors.last_words(_LAST_WORDS_CHARS) or self.output.last_words(
                _LAST_WORDS_CHARS
            )
            told = exit_failure(program, returncode, words)
        if isinstance(told, Failed):
            wait_s = retry_after_s(f"{told.message} {told.excerpt or ''}", now_s=time.time())
            return attrs.evolve(
                told,
                exit_code=returncode or None if told.exit_code is None else told.exit_code,
                retry_after_s=wait_s if told.retry_after_s is None else told.retry_after_s,
            )
        return told if told is not None else Completed(summary=self._silence())

    def _silence(self) -> str | None:
        if type(self.reader) is Reader:
            return None
        return "exit code 0, but nothing of what it printed was a result: is its JSON output on?"

    async def _record(self) -> None:
        while self.reader.calls:
            figures = self.reader.calls.pop(0)
            figures["model"] = figures.get("model") or self.phase.model
            try:
                await asyncio.to_thread(self.attempt.record_usage, **figures)
            except (LeaseLostError, CapReachedError):
                raise
            except (AutopackError, TypeError) as fault:
                self.reader.problems.append(f"{type(fault).__name__}: {fault} ({figures})")
