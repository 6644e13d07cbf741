"""``autopack drain --detach``: the same drain, in a process that outlives its terminal."""

import os
import platform
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from autopack.cli.output import print_json, say
from autopack.cli.program_arguments import typed_before_program
from autopack.cli.session import Session, absolute_target

if TYPE_CHECKING:
    from autopack.log.log import Log

_BEGUN_WITHIN_S: Final = 60.0
_LOOK_S: Final = 0.05
_DETACH: Final = "--detach"


def detach(ctx: click.Context, session: Session, given: dict[str, Any], as_json: bool) -> int:
    """
    Begin the drain that was asked for in a process of its own; return the command's exit code.

    It is known to have begun, and the log says where it is, or it was refused as ``drain`` would
    have been: what it said is said here, and its exit code is ours.
    """
    with session.open_log() as log:
        drain_id = _drain_id(log, given)
        output = _output(session.target or "", drain_id)
        said = output.with_suffix(".err") if as_json else output  # lines of JSON stand alone
        child = _begun(ctx, session, given, drain_id, output, said)
        try:
            code = _started(log, drain_id, child)
        except BaseException:
            child.terminate()
            raise
        if code is not None:
            say(said.read_text("utf-8", errors="replace"), err=True, nl=False)
            for path in {output, said}:
                path.unlink()
            return code
        _launched(log, drain_id, child.pid, output)
    child.returncode = 0  # it goes on: nobody is to be warned that we do not wait for it
    if as_json:
        print_json({"drain_id": drain_id, "pid": child.pid, "output": str(output)})
    else:
        say(
            f"Drain {drain_id} goes on by itself: process {child.pid}, its output in {output}\n"
            f"See how it stands with: {session.typed} drain list"
        )
    return 0


def _drain_id(log: "Log", given: dict[str, Any]) -> str:
    from autopack.draining.engine.resume import drain_named

    if (resumes := given.get("resumes")) is not None:
        return drain_named(log, resumes)
    return given.get("drain") or f"{int(time.time()):x}-{secrets.token_hex(4)}"


def _output(target: str, drain_id: str) -> Path:
    """Return a new file beside the log, or here if the log is in none, for its owner alone."""
    place = Path("autopack") if "://" in target else Path(absolute_target(target))
    for n in range(1, 1000):
        path = place.with_name(f"{place.name}.drain-{drain_id}.{n}.txt").absolute()
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            continue
        return path
    raise click.UsageError(f"There are a thousand files like {path}: take some away.")


def _begun(
    ctx: click.Context,
    session: Session,
    given: dict[str, Any],
    drain_id: str,
    output: Path,
    said: Path,
) -> "subprocess.Popen[bytes]":
    typed, program = typed_before_program(ctx)
    typed.remove(_DETACH)
    named = [] if given.get("resumes") or given.get("drain") else ["--drain", drain_id]
    command = [
        sys.executable, "-P", "-m", "autopack", "--log", absolute_target(session.target or ""),
        *(part for folder in session.plugins_dirs for part in ("--plugins-dir", folder)),
        *["-v"] * session.verbose, "drain", *named, *typed, *program,
    ]  # fmt: skip
    said.touch(0o600)
    with output.open("ab") as results, said.open("ab") as words:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=results,
            stderr=words,
            start_new_session=True,
        )


def _started(log: "Log", drain_id: str, child: "subprocess.Popen[bytes]") -> int | None:
    """Wait until the drain has begun, and return None, or the exit code of who never began it."""
    n_before = _n_starts(log, drain_id)
    ends_s = time.monotonic() + _BEGUN_WITHIN_S
    while _n_starts(log, drain_id) == n_before:
        code = child.poll()
        if code is not None and _n_starts(log, drain_id) == n_before:
            return code
        if time.monotonic() > ends_s:
            child.terminate()
            say(f"autopack: nothing has begun after {_BEGUN_WITHIN_S:g} s.", err=True)
            return child.wait()
        time.sleep(_LOOK_S)
    return None


def _n_starts(log: "Log", drain_id: str) -> int:
    from autopack.events import DrainStarted
    from autopack.values.ids import drain_stream

    return sum(1 for _ in log.read(drain_stream(drain_id), types=[DrainStarted]))


def _launched(log: "Log", drain_id: str, pid: int, output: Path) -> None:
    from autopack.events import DrainLaunched
    from autopack.ports.log import ANY
    from autopack.values.ids import drain_stream

    host = platform.node() or "host"
    launched = DrainLaunched(drain_id=drain_id, pid=pid, host=host, output=str(output))
    log.append(drain_stream(drain_id), [launched], expected_version=ANY)
