"""The task that procrastinate's worker runs: one Autopack worker, in a process of its own."""

import asyncio
import contextlib
from typing import Final

from procrastinate import Blueprint

NAMESPACE: Final = "autopack"
TASK: Final = f"{NAMESPACE}:work"
QUEUE: Final = "autopack"


def blueprint() -> Blueprint:
    """Return the tasks, for ``add_tasks_from(..., namespace=NAMESPACE)`` of an app of one's own."""
    made = Blueprint()
    made.task(name="work", queue=QUEUE)(work)
    return made


async def work(name: str, command: list[str]) -> None:
    """
    Run a worker until it ends; where the job is aborted, ask it to, and wait for that.

    A job that is delivered once more begins one more worker: what the first is at is claimed.

    Args:
        name: That of its order, by which the launcher finds it again.
        command: The program and its arguments.

    Raises:
        RuntimeError: It ended with another exit code than 0; the job has failed then.
    """
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, start_new_session=True
    )
    try:
        code = await process.wait()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await asyncio.shield(process.wait())
        raise
    if code != 0:
        raise RuntimeError(f"The worker {name} ended with exit code {code}: see what it said.")
