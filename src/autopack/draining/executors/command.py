"""Executor ``command``: one process a phase, in a group of its own, ended at the deadline."""

import contextlib
import errno
import os
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from autopack.draining.attempts.machine_faults import NOT_TO_BE_HAD
from autopack.draining.attempts.threads import off_loop, to_the_end
from autopack.draining.executors import placeholders
from autopack.draining.executors.call_recorder import CALLS_MOST, CUT_MOST
from autopack.draining.executors.json_lines import Preset, ProgramReader
from autopack.draining.executors.orphaned_programs import Keeper
from autopack.draining.executors.output_watch import OverError, OvertimeError, WatchedProgram
from autopack.draining.executors.placeholders import Argument, Foreseen, NoValueError, Values
from autopack.draining.executors.presets import preset_of
from autopack.draining.executors.processes import GroupProcess
from autopack.draining.executors.session_calls import Surroundings
from autopack.draining.executors.shell_texts import check_shell_texts
from autopack.draining.executors.usage_files import UsageChannel
from autopack.errors import (
    CapReachedError,
    InvalidInputError,
    LeaseLostError,
    MachineFaultError,
)
from autopack.ports.attempt import Attempt, HeedsCaps
from autopack.ports.figures import DAY_S, check_amount, check_seconds
from autopack.ports.work import Failed, Outcome, PhaseView

_VARIABLE_MOST: Final = 100_000
"""How long a text a variable holds, in bytes; the system takes 128 KiB, name and all."""
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
        self._stdin, self._env = stdin, _variables_of(env)
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
        self.settings: dict[str, Any] = {
            "command": [one if isinstance(one, str) else list(one) for one in self._command],
            "preset": getattr(self._preset, "name", None),
            "stdin": stdin,
            "cwd": None if self._cwd is None else str(self._cwd),
            "env": sorted(self._env),
            "capture_bytes": capture_bytes,
            "grace_s": grace_s,
            "result_grace_s": result_grace_s,
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
        named = ("command", "preset", "stdin", "cwd", "capture_bytes", "grace_s", "result_grace_s")
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
            argv = self._filled(values)[0]
        except NoValueError as fault:
            return _no_value(phase, fault)
        return _missing_text(argv[0]) if self._missing(argv[0]) else None

    def _filled(self, values: Values) -> tuple[list[str], str | None, dict[str, str]]:
        """Return arguments, standard input and variables with their placeholders filled in."""
        argv = placeholders.arguments(self._command, values)
        stdin = None if self._stdin is None else placeholders.filled(self._stdin, values)
        env = {name: placeholders.filled(text, values) for name, text in self._env.items()}
        return argv, stdin, env

    async def execute(self, phase: PhaseView, attempt: Attempt) -> Outcome:
        """Run the program and return how it ended; a cancelled call ends it first."""
        if isinstance(attempt, HeedsCaps):
            attempt.heed_caps()
        values = Values(phase, attempt)
        try:
            argv, stdin, env = self._filled(values)
        except NoValueError as fault:
            told = _no_value(phase, fault)
            return Failed("no_value", told, failure_class="invalid_request")
        with UsageChannel() as channel, Keeper(self._grace_s) as keeper:
            own = {**os.environ, **_variables(phase, attempt), **channel.environment(), **env}
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
                return _not_started(argv[0], fault)
            keeper.keep(process.group)
            channel.close_write_end()
            try:
                return await self._watched(process, work, argv[0])
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


def _variables_of(env: Any) -> dict[str, str]:
    """Return variables by name; what is wrong is told without any value: it may be a secret."""
    if env is not None and not isinstance(env, Mapping):
        raise InvalidInputError(
            'env is no table: give variables by name, {"NAME": "VALUE"}.', name="env"
        )
    for name, value in (env or {}).items():
        if not isinstance(name, str) or not name or {"=", "\0"} & set(name):
            raise InvalidInputError(
                f"env: {name!r} cannot name a variable.", name="env", value=name
            )
        if not isinstance(value, str) or "\0" in value:
            raise InvalidInputError(
                f"env: the value of {name} is no text that a program can get.", name=f"env.{name}"
            )
    return dict(env or {})


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


def _variables(phase: PhaseView, attempt: Attempt) -> dict[str, str]:
    told = {
        "AUTOPACK_RUN_ID": phase.run_id,
        "AUTOPACK_PHASE_ID": phase.phase_id,
        "AUTOPACK_ATTEMPT": str(attempt.number),
        "AUTOPACK_BUDGET_TOKENS": str(attempt.budget_tokens),
    }
    texts = {
        "AUTOPACK_GOAL": phase.goal,
        "AUTOPACK_MODEL": phase.model,
        "AUTOPACK_FEEDBACK": phase.feedback,
        "AUTOPACK_WORKSPACE": None if attempt.workspace is None else str(attempt.workspace),
    }
    told |= {
        name: text.replace("\0", "\ufffd")
        for name, text in texts.items()
        if text and len(text.encode()) <= _VARIABLE_MOST
    }
    if attempt.deadline is not None:
        told["AUTOPACK_DEADLINE"] = datetime.fromtimestamp(
            attempt.deadline.timestamp(), UTC
        ).isoformat()
    return told


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
