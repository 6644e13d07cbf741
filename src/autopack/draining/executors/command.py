"""Executor ``command``: one process a phase, in a group of its own, ended at the deadline."""

import contextlib
import errno
import os
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from autopack.draining.attempts.machine_faults import NOT_TO_BE_HAD
from autopack.draining.attempts.threads import off_loop, to_the_end
from autopack.draining.executors import placeholders
from autopack.draining.executors.call_recorder import CALLS_MOST, CUT_MOST
from autopack.draining.executors.client_sessions import NO_FEEDBACK, resuming, session_of
from autopack.draining.executors.json_lines import Preset, ProgramReader
from autopack.draining.executors.orphaned_programs import Keeper
from autopack.draining.executors.output_watch import OverError, OvertimeError, WatchedProgram
from autopack.draining.executors.placeholders import Argument, Foreseen, NoValueError, Values
from autopack.draining.executors.presets import preset_of
from autopack.draining.executors.processes import GroupProcess
from autopack.draining.executors.program_variables import given_variables, own_variables
from autopack.draining.executors.session_calls import Surroundings
from autopack.draining.executors.shell_texts import check_shell_texts
from autopack.draining.executors.usage_files import UsageChannel
from autopack.errors import (
    CapReachedError,
    InvalidInputError,
    LeaseLostError,
    MachineFaultError,
)
from autopack.plugins.narrator import Narrator
from autopack.ports.attempt import Attempt, HeedsCaps
from autopack.ports.figures import DAY_S, check_amount, check_seconds
from autopack.ports.work import Failed, Outcome, PhaseView

_narrator: Final = Narrator("autopack.command")
_EXAMPLE: Final = """--command '["my-agent", "--task", "{goal}"]' or --preset claude"""


class CommandExecutor:
    """
    Runs a program for each phase; no shell reads its arguments.

    Args:
        command: The argument list, with placeholders; an inner list is a group of arguments that
            is left out if one of its placeholders has no value. A preset brings its own.
        preset: A client whose output is read for usage: its name, or an object of one's own.
        stdin: A text with placeholders for standard input; None gives it none.
        cwd: The folder to run in, absolute or from here; the attempt's own, if it is left out.
        env: Variables to add to this process's own; their values may have placeholders. The log
            keeps their names only.
        capture_bytes: How much of stdout, and of stderr, is kept as an artifact.
        grace_s: How long a program may take to end once it was asked to, before it is killed.
        result_grace_s: How long a program may be quiet after it has said that it is done, before
            it is ended; its result holds.
        resume_sessions: Whether a later attempt at a phase goes on with the session of the one
            before it, where the preset knows how: ``claude`` and ``codex``, on the same model.
        resume_prompt: What such a session is told in place of the goal and the prompt, with
            placeholders; ``{feedback}``, if it is left out.

    Raises:
        InvalidInputError: A setting or a placeholder is wrong, or there is nothing to run.
    """

    name = "command"

    def __init__(
        self,
        command: Sequence[Argument] | None = None,
        *,
        preset: str | type[Preset] | Preset | None = None,
        stdin: str | None = None,
        cwd: str | Path | None = None,
        env: Mapping[str, str] | None = None,
        capture_bytes: int = 1_000_000,
        grace_s: float = 3.0,
        result_grace_s: float = 5.0,
        resume_sessions: bool = False,
        resume_prompt: str = "{feedback}",
    ) -> None:
        self._preset = None if preset is None else preset_of(preset)
        if command is None and self._preset is None:
            raise InvalidInputError(
                f"The executor 'command' needs a command: {_EXAMPLE}.",
                name="command",
                value=command,
            )
        if command is None and self._preset is not None:
            command, stdin = self._preset.command, stdin or self._preset.stdin
        self._command = _checked(command)
        self._stdin, self._env = stdin, given_variables(env)
        placeholders.check(_texts(self._command, stdin, self._env))
        check_shell_texts(self._command)
        self._cwd = None if cwd is None else Path(cwd).absolute()
        check_amount("capture_bytes", capture_bytes)
        check_seconds("grace_s", grace_s, least=0.0, most=DAY_S)
        check_seconds("result_grace_s", result_grace_s, least=0.0, most=DAY_S)
        self.account: str | None = getattr(
            self._preset, "account", getattr(self._preset, "name", None)
        )
        self._capture_bytes, self._grace_s = capture_bytes, grace_s
        self._result_grace_s = result_grace_s
        self._client: str | None = getattr(self._preset, "name", None)
        self._resumes, self._resume_prompt = bool(resume_sessions), resume_prompt
        placeholders.check({"resume_prompt": resume_prompt})
        self.settings: dict[str, Any] = {
            "command": [one if isinstance(one, str) else list(one) for one in self._command],
            "preset": getattr(self._preset, "name", None),
            "stdin": stdin,
            "cwd": None if self._cwd is None else str(self._cwd),
            "env": sorted(self._env),
            "capture_bytes": capture_bytes,
            "grace_s": grace_s,
            "result_grace_s": result_grace_s,
            "resume_sessions": self._resumes,
            "resume_prompt": resume_prompt,
        }

    @classmethod
    def again(cls, settings: Mapping[str, Any]) -> "CommandExecutor":
        """
        Return an executor as a drain recorded it, to go on with that drain.

        Raises:
            InvalidInputError: It had variables, whose values the log does not keep, or a preset
                of its own.
        """
        if settings.get("env"):
            raise InvalidInputError(
                f"The drain's command had the variables {', '.join(settings['env'])}, whose "
                "values are not in the log. Give the executor again:",
                do="executor=CommandExecutor(..., env=...)",
                typed="--command or --preset, and -x env=JSON",
                name="env",
            )
        named = (
            "command", "preset", "stdin", "cwd", "capture_bytes", "grace_s", "result_grace_s",
            "resume_sessions", "resume_prompt",
        )  # fmt: skip
        return cls(**{name: settings[name] for name in named if settings.get(name) is not None})

    def check(self) -> None:
        """
        Return if the program and the folder are there; a drain asks before it writes anything.

        Raises:
            InvalidInputError: One of them is not; says where it was looked for.
        """
        if self._cwd is not None and not self._cwd.is_dir():
            raise InvalidInputError(
                f"There is no folder {self._cwd} to run the command in.",
                name="cwd",
                value=self._cwd,
            )
        program = self._command[0]
        if isinstance(program, str) and "{" not in program and self._missing(program):
            raise InvalidInputError(_missing_text(program), name="command", value=program)

    def foresee(
        self, phase: PhaseView, *, budget_tokens: int, settings: Mapping[str, Any]
    ) -> str | None:
        """Return why a phase would fail before its program begins; None if that is not known."""
        values = Values(phase, Foreseen(budget_tokens=budget_tokens, settings=settings))
        try:
            argv = self._filled(self._command, values)[0]
        except NoValueError as fault:
            return _no_value(phase, fault)
        return _missing_text(argv[0]) if self._missing(argv[0]) else None

    def _filled(
        self, command: Sequence[Argument], values: Values
    ) -> tuple[list[str], str | None, dict[str, str]]:
        """Return arguments, standard input and variables with their placeholders filled in."""
        argv = placeholders.arguments(command, values)
        stdin = None if self._stdin is None else placeholders.filled(self._stdin, values)
        env = {name: placeholders.filled(text, values) for name, text in self._env.items()}
        return argv, stdin, env

    async def execute(self, phase: PhaseView, attempt: Attempt) -> Outcome:
        """Run the program and return how it ended; a cancelled call ends it first."""
        if isinstance(attempt, HeedsCaps):
            attempt.heed_caps()
        if (command := await self._resuming(phase, attempt)) is not None:
            values = Values(phase, attempt, said=self._said(phase, attempt))
            outcome, has_begun = await self._done(phase, attempt, command, values)
            if has_begun or not isinstance(outcome, Failed):
                return outcome
            what = (
                f"the session could not be gone on with, and a new one is begun: {outcome.message}"
            )
            _narrator.warning("a session is begun anew", phase=phase.key, why=outcome.message)
            await attempt.aattach("session-not-resumed", what)
        return (await self._done(phase, attempt, self._command, Values(phase, attempt)))[0]

    async def _resuming(self, phase: PhaseView, attempt: Attempt) -> tuple[Argument, ...] | None:
        """Return the command that goes on with an earlier attempt's session, if there is one."""
        client = self._client
        if not self._resumes or client is None:
            return None
        find = partial(session_of, attempt, client, phase.model)
        session_id = await off_loop(find, f"session of {phase.key}")
        return None if session_id is None else resuming(client, self._command, session_id)

    def _said(self, phase: PhaseView, attempt: Attempt) -> str:
        """Return what a session is told that goes on."""
        with contextlib.suppress(NoValueError):
            if told := placeholders.filled(self._resume_prompt, Values(phase, attempt)).strip():
                return told
        return NO_FEEDBACK

    async def _done(
        self, phase: PhaseView, attempt: Attempt, command: Sequence[Argument], values: Values
    ) -> tuple[Outcome, bool]:
        """Run the program once; return how it ended, and whether it has begun to work."""
        try:
            argv, stdin, env = self._filled(command, values)
        except NoValueError as fault:
            told = _no_value(phase, fault)
            return Failed("no_value", told, failure_class="invalid_request"), True
        with UsageChannel() as channel, Keeper(self._grace_s) as keeper:
            own = {**os.environ, **own_variables(phase, attempt), **channel.environment(), **env}
            work = self._watch(phase, attempt, own)
            work.channel = channel
            try:
                process = await GroupProcess.start(
                    argv,
                    stdout=work.stdout,
                    stderr=work.errors.feed,
                    stdin=stdin,
                    cwd=self._cwd or attempt.workspace,
                    env=own,
                    pass_fds=(channel.write_end,),
                    keeper=keeper.pipe,
                )
            except (OSError, ValueError) as fault:
                if getattr(fault, "errno", None) in NOT_TO_BE_HAD:
                    raise MachineFaultError(f"{argv[0]} could not be started", fault) from fault
                return _not_started(argv[0], fault), True
            keeper.keep(process.group)
            channel.close_write_end()
            try:
                outcome = await self._watched(process, work, argv[0])
                return outcome, work.reader.session is not None or work.calls.n_told > 0
            finally:
                await off_loop(work.attach, f"output of {phase.key}")

    async def _watched(self, process: GroupProcess, work: WatchedProgram, program: str) -> Outcome:
        try:
            returncode = await process.wait(work.look)
        except OverError:
            await self._ended(process, work, CALLS_MOST)
            return work.outcome(program, 0)
        except OvertimeError:
            await self._ended(process, work)
            return Failed("timed_out", f"{program} gave no result by the deadline")
        except CapReachedError:
            ended = process.returncode
            await self._ended(process, work)
            if ended is None:
                raise
            return work.outcome(program, ended)
        except BaseException:
            await self._ended(process, work)
            raise
        with contextlib.suppress(CapReachedError):  # it has ended by itself: what it did is done
            await to_the_end(work.finish(returncode=returncode))
        return work.outcome(program, returncode)

    async def _ended(
        self, process: GroupProcess, work: WatchedProgram, most: int = CUT_MOST
    ) -> None:
        try:
            await process.end(self._grace_s)
        finally:
            process.kill()  # a second cancel leaves nothing running either, and nothing unrecorded
            with contextlib.suppress(LeaseLostError, CapReachedError):  # it ends for one already
                await to_the_end(work.finish(most, returncode=None))

    def _watch(self, phase: PhaseView, attempt: Attempt, env: Mapping[str, str]) -> WatchedProgram:
        folder = self._cwd or attempt.workspace
        place = Surroundings(env=env, cwd=folder, deliverables=phase.deliverables)
        token = attempt.lease_token
        reader = ProgramReader(token) if self._preset is None else self._preset.reader(token, place)
        return WatchedProgram(
            phase,
            attempt,
            reader,
            self._capture_bytes,
            result_grace_s=self._result_grace_s,
            grace_s=self._grace_s,
            client=self._client,
        )

    def _missing(self, program: str) -> bool:
        if os.sep in program:
            return not os.access((self._cwd or Path.cwd()) / program, os.X_OK)
        return shutil.which(program, path=self._env.get("PATH")) is None


def _checked(command: Any) -> tuple[Argument, ...]:
    if isinstance(command, str) or not isinstance(command, Sequence):
        raise InvalidInputError(
            f"The command is {command!r}: give a list of arguments, since no shell reads it, "
            f"for example {_EXAMPLE}.",
            name="command",
            value=command,
        )
    for argument in command:
        group = [argument] if isinstance(argument, str) else argument
        if not isinstance(group, Sequence) or not all(isinstance(one, str) for one in group):
            raise InvalidInputError(
                f"The command's argument {argument!r} is neither a text nor a list of texts.",
                name="command",
                value=argument,
            )
    if not command or not command[0] or not isinstance(command[0], str):
        raise InvalidInputError(
            f"The command names no program: {list(command)!r}.", name="command", value=command
        )
    return tuple(command)


def _texts(
    command: Sequence[Argument], stdin: str | None, env: Mapping[str, str]
) -> dict[str, str]:
    """Return the texts that may have placeholders, by where they stand."""
    groups = ([one] if isinstance(one, str) else one for one in command)
    arguments = (text for group in groups for text in group)
    return {
        **{f"argument {n} of the command": text for n, text in enumerate(arguments, start=1)},
        **({} if stdin is None else {"stdin": stdin}),
        **{f"the variable {name}": text for name, text in env.items()},
    }


def _no_value(phase: PhaseView, fault: NoValueError) -> str:
    return f"phase {phase.key} has no value for {{{fault.name}}}, which its command needs"


def _not_started(program: str, fault: Exception) -> Failed:
    if isinstance(fault, FileNotFoundError):
        return Failed("program_missing", _missing_text(program), failure_class="invalid_request")
    message = f"{program} could not be started: {fault}"
    if getattr(fault, "errno", None) == errno.E2BIG:
        message = (
            f"{program} could not be started: its arguments are too long for this system (some "
            "128 KiB for one). Give a long text on standard input: -x 'stdin={goal}'."
        )
    return Failed("not_started", message, failure_class="invalid_request")


def _missing_text(program: str) -> str:
    return (
        f"There is no program {program!r}: it is not on the PATH, and no file of that name can be "
        "executed. Install it, or give its whole path."
    )
