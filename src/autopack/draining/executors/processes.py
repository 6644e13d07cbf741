"""One process in a group of its own, ended with all its children."""

import asyncio
import contextlib
import os
import signal
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Self

from autopack.draining.executors.launcher import Launch, can_launch

_CHUNK_BYTES: Final = 65_536
_LOOK_S: Final = 0.2
_CLOSING_S: Final = 1.0

Sink = Callable[[bytes], None]


class GroupProcess:
    """
    A running program, the leader of its own process group.

    Nothing that it started outlives it, except what left the group on purpose (a daemon with a
    session of its own). A :class:`~autopack.draining.executors.orphaned_programs.Keeper` ends it
    if our own process is killed.
    """

    def __init__(
        self, process: asyncio.subprocess.Process, pumps: Sequence["asyncio.Task[None]"]
    ) -> None:
        self._process, self._pumps = process, pumps

    @classmethod
    async def start(
        cls,
        argv: Sequence[str],
        *,
        stdout: Sink,
        stderr: Sink,
        stdin: str | None = None,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        keeper: int | None = None,
    ) -> Self:
        """
        Start a program; what it prints goes to the sinks, piece by piece.

        *keeper* is a pipe that is told the group's number before the program begins.

        Raises:
            OSError: It cannot be started.
            RuntimeError: There is no thread to wait for it in; it was ended again.
        """
        begin = partial(cls._begun, stdout=stdout, stderr=stderr, stdin=stdin, cwd=cwd, env=env)
        if keeper is None or not can_launch():
            return await begin(argv, pass_fds=pass_fds)
        with Launch(keeper) as launch:
            begun = await begin(launch.argv(argv, env), pass_fds=(*pass_fds, *launch.pass_fds))
            try:
                await launch.check(argv[0])
            except BaseException:
                await begun.end(0.0)
                raise
        return begun

    @classmethod
    async def _begun(
        cls,
        argv: Sequence[str],
        *,
        stdout: Sink,
        stderr: Sink,
        stdin: str | None,
        cwd: Path | None,
        env: Mapping[str, str] | None,
        pass_fds: Sequence[int],
    ) -> Self:
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=cwd,
                env=None if env is None else dict(env),
                pass_fds=tuple(pass_fds),
                start_new_session=True,
            )
        except RuntimeError as fault:
            _end_begun(fault)
            raise
        assert process.stdout is not None
        assert process.stderr is not None
        pumps = [
            asyncio.create_task(_pump(process.stdout, stdout)),
            asyncio.create_task(_pump(process.stderr, stderr)),
        ]
        if stdin is not None:
            pumps.append(asyncio.create_task(_write(process, stdin.encode())))
        return cls(process, pumps)

    @property
    def group(self) -> int:
        """The number of the process group."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for a signal; None while the program runs."""
        return self._process.returncode

    async def wait(self, look: Callable[[], Awaitable[None]]) -> int:
        """
        Return the exit code once the program has ended and all it printed was taken.

        *look* is awaited several times a second; what it or a sink raises leaves the program
        running.
        """
        while not await self._has_ended(_LOOK_S):
            self._check_pumps()
            await look()
        await self._close()
        self._check_pumps()
        await look()
        assert self._process.returncode is not None
        return self._process.returncode

    async def end(self, grace_s: float) -> None:
        """Ask the group to end, and kill what is left of it after *grace_s*."""
        if self._process.returncode is None:
            self._signal(signal.SIGTERM)
            await self._has_ended(grace_s)
        self._signal(signal.SIGKILL)
        while not await self._has_ended(_LOOK_S):
            pass
        await self._close()

    def kill(self) -> None:
        """Kill the group at once, without waiting for anything."""
        self._signal(signal.SIGKILL)
        for pump in self._pumps:
            pump.cancel()

    async def _has_ended(self, within_s: float) -> bool:
        """
        Wait for the program itself, whoever holds its pipes.

        asyncio's own wait goes on until the pipes are closed in some versions of Python, so a
        child that keeps one open would hide that the program has ended.
        """
        ends = asyncio.get_running_loop().time() + within_s
        waiter = asyncio.create_task(self._process.wait())
        try:
            while self._process.returncode is None:
                left_s = ends - asyncio.get_running_loop().time()
                if left_s <= 0:
                    return False
                await asyncio.wait({waiter}, timeout=min(left_s, _LOOK_S))
        finally:
            waiter.cancel()
        return True

    async def _close(self) -> None:
        """Take the rest of the output; whoever still holds it open is of the group, and ends."""
        _done, open_ = await asyncio.wait(self._pumps, timeout=_CLOSING_S)
        if open_:
            self._signal(signal.SIGKILL)
            _done, open_ = await asyncio.wait(open_, timeout=_CLOSING_S)
        for pump in open_:  # a daemon with a session of its own holds the pipe
            pump.cancel()
        if open_:
            self._process._transport.close()  # type: ignore[attr-defined]  # else at a later end

    def _check_pumps(self) -> None:
        """Raise what a sink raised: nobody takes the output any more."""
        for pump in self._pumps:
            if pump.done() and not pump.cancelled() and (fault := pump.exception()) is not None:
                raise fault

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.group, number)


def _end_begun(fault: RuntimeError) -> None:
    """
    End a program that was begun before asyncio found no thread to wait for it in.

    Nobody is told its number then: it is in what the error left behind.
    """
    for frame, _line in traceback.walk_tb(fault.__traceback__):
        for value in list(frame.f_locals.values()):
            if isinstance(value, asyncio.SubprocessTransport):
                begun = value.get_extra_info("subprocess")
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(begun.pid, signal.SIGKILL)
                begun.wait()
                value.close()


async def _pump(stream: asyncio.StreamReader, sink: Sink) -> None:
    while chunk := await stream.read(_CHUNK_BYTES):
        sink(chunk)


async def _write(process: asyncio.subprocess.Process, data: bytes) -> None:
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(data)
        await process.stdin.drain()
    process.stdin.close()
