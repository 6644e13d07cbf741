"""A check that is a program: run where the attempt worked, and judged by its exit code."""

import asyncio
import contextlib
import os
import re
import signal
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

from autopack.draining.attempts.machine_faults import NOT_TO_BE_HAD
from autopack.draining.executors import placeholders
from autopack.draining.executors.orphaned_programs import Keeper
from autopack.draining.executors.placeholders import Foreseen, NoValueError, Values
from autopack.draining.executors.processes import GroupProcess
from autopack.draining.executors.program_output import Capture
from autopack.draining.executors.program_variables import own_variables
from autopack.errors import MachineFaultError
from autopack.ports.check_specs import CheckSpec
from autopack.ports.checks import CheckedWork, CheckResult

_CAPTURE_BYTES: Final = 1_000_000
_GRACE_S: Final = 1.0
_NOT_RUN: Final = {
    126: "a program could not be executed",
    127: "a program was not found",
    130: "it was interrupted",
    137: "it was killed (out of memory?)",
    143: "it was asked to end",
}
"""What shells say by a code of a program that has not come to an answer."""
_ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_OTHER: Final = re.compile(r"[^\w.-]+")
_NAME_MOST: Final = 120


async def run_program(
    spec: CheckSpec, work: CheckedWork, settings: Mapping[str, Any]
) -> CheckResult:
    """
    Run a check's program in the work's folder and return what its end says.

    It is ended with its whole group at its deadline, and when this is cancelled. Exit code 0 is a
    pass, and any other a failure but for those that say that nothing was run.

    Args:
        settings: What the phases of its run have in common.

    Raises:
        MachineFaultError: The machine had no process left for it.
    """
    with _outputs(work.outputs) as folder:
        known = Foreseen(
            budget_tokens=work.phase.budget_tokens or 0,
            settings=settings,
            number=work.attempt,
            workspace=str(work.folder),
        )
        values = Values(work.phase, known, outputs=str(folder))
        try:
            argv = [one for text in spec.run for one in placeholders.arguments([text], values)]
        except NoValueError as fault:
            return _not_run(f"the phase has no value for {{{fault.name}}}, which it needs")
        own = own_variables(work.phase, known)
        env = {**os.environ, **own, **_variables(spec, folder)}
        return await _ran(spec, argv, env, work.folder)


async def _ran(
    spec: CheckSpec, argv: list[str], env: Mapping[str, str], folder: Path
) -> CheckResult:
    printed = Capture(_CAPTURE_BYTES)
    with Keeper(_GRACE_S) as keeper:
        try:
            process = await GroupProcess.start(
                argv,
                stdout=printed.feed,
                stderr=printed.feed,
                cwd=folder,
                env=env,
                keeper=keeper.pipe,
            )
        except (OSError, ValueError) as fault:
            if getattr(fault, "errno", None) in NOT_TO_BE_HAD:
                raise MachineFaultError(f"{argv[0]} could not be started", fault) from fault
            return _not_run(f"{argv[0]} could not be started in {folder}: {fault}")
        keeper.keep(process.group)
        try:
            async with asyncio.timeout(spec.timeout_s):
                code = await process.wait(_nothing)
        except TimeoutError:
            await process.end(_GRACE_S)
            says = f"it gave no answer within {spec.timeout_s:g} s\n{plain_text(printed)}"
            return CheckResult(verdict="failed", says=says.rstrip(), texts=_kept(printed))
        except BaseException:
            try:
                await process.end(_GRACE_S)
            finally:
                process.kill()
            raise
    return _judged(code, printed)


def _judged(code: int, printed: Capture) -> CheckResult:
    """Return what a program's end says of the work."""
    text = plain_text(printed)
    if code == 0:
        return CheckResult(verdict="passed", says=text, exit_code=code, texts=_kept(printed))
    why = _NOT_RUN.get(code)
    if code < 0:
        why = f"it was ended by {_signal_name(-code)}"
    if why is None:
        return CheckResult(verdict="failed", says=text, exit_code=code, texts=_kept(printed))
    said = f"{why} (exit code {code})" + (f": {text}" if text else "")
    return CheckResult(verdict="could_not_run", says=said, exit_code=code, texts=_kept(printed))


def plain_text(printed: Capture) -> str:
    """Return what a program printed without the colours and movements of a terminal."""
    return _ANSI.sub("", printed.text()).replace("\r\n", "\n").replace("\r", "\n").strip()


def _kept(printed: Capture) -> dict[str, str]:
    text = plain_text(printed)
    return {"output": text} if text else {}


def _not_run(why: str) -> CheckResult:
    return CheckResult(verdict="could_not_run", says=why)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


async def _nothing() -> None:
    """Look at nothing while a program runs."""


def _variables(spec: CheckSpec, outputs: Path) -> dict[str, str]:
    """Return what a check's program finds in its environment besides what an executor's does."""
    return {
        "AUTOPACK_CHECK": spec.name.replace("\0", ""),
        "AUTOPACK_OUTPUTS": str(outputs),
    }


@contextlib.contextmanager
def _outputs(texts: Mapping[str, str]) -> Iterator[Path]:
    """Yield a folder that holds an attempt's outputs as files, by their names."""
    with tempfile.TemporaryDirectory(prefix="autopack-check-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        write_outputs(texts, folder)
        yield folder


def write_outputs(texts: Mapping[str, str], folder: Path) -> None:
    """Write texts below a folder, under their names; a name that leads out of it is changed."""
    for name, text in texts.items():
        path = folder.joinpath(*_safe_parts(name))
        with contextlib.suppress(FileExistsError, NotADirectoryError):
            path.parent.mkdir(parents=True, exist_ok=True)
        while path.exists() or not path.parent.is_dir():  # another output has that name
            path = folder / f"{_safe(path.name)}_"
        path.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")


def _safe_parts(name: str) -> tuple[str, ...]:
    parts = PurePosixPath(name).parts
    is_safe = parts and not any(one in ("..", "/") or len(one) > _NAME_MOST for one in parts)
    return parts if is_safe and not {"\0", "\\"} & set(name) else (_safe(name),)


def _safe(name: str) -> str:
    return _OTHER.sub("_", name).lstrip(".")[:_NAME_MOST] or "_"
