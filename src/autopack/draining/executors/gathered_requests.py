"""Requests that are in work together, gathered into one batch."""

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import attrs

from autopack.ports.attempt import Attempt, KeepsCheckpoints

_QUIET_S: Final = 0.5


@attrs.define(eq=False)
class Gathered:
    """A request that waits to be sent with others."""

    attempt: Attempt
    fields: Mapping[str, Any]
    digest: str
    request_id: str
    batch: "asyncio.Future[str] | None" = None


class GatheredRequests:
    """
    Sends what came together once nothing more has come for half a second, or it is enough.

    Args:
        send: Sends a batch under a name, and returns the provider's name of it.
        most: The most requests of one batch.
    """

    def __init__(
        self, send: Callable[[str, Sequence[Gathered]], Awaitable[str]], *, most: int
    ) -> None:
        self._send, self._most = send, most
        self._waiting: list[Gathered] = []
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def sent(self, one: Gathered) -> str:
        """Return the name of the batch that a request was sent with; raises what sending does."""
        loop = asyncio.get_running_loop()
        one.batch = loop.create_future()
        self._waiting.append(one)
        if self._timer is not None:
            self._timer.cancel()
        wait_s = 0.0 if len(self._waiting) >= self._most else _QUIET_S
        self._timer = loop.call_later(wait_s, self._begin)
        return await one.batch

    def _begin(self) -> None:
        waiting, self._waiting, self._timer = self._waiting, [], None
        by_model: dict[Any, list[Gathered]] = {}  # some providers take one model in a batch
        for one in filter(_is_awaited, waiting):
            by_model.setdefault(one.fields.get("model"), []).append(one)
        for together in by_model.values():
            task = asyncio.ensure_future(self._sent(together))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _sent(self, all_: Sequence[Gathered]) -> None:
        group = secrets.token_hex(16)
        kept = await asyncio.gather(*(_keep(group, one) for one in all_), return_exceptions=True)
        for one, fault in zip(all_, kept, strict=True):
            if fault is not None:
                _tell(one, fault=fault)
        awaited = [one for one in all_ if _is_awaited(one)]
        if not awaited:
            return
        try:
            batch_id = await self._send(group, awaited)
        except BaseException as fault:
            for one in awaited:
                _tell(one, fault=fault)
            if not isinstance(fault, Exception):
                raise
            return
        for one in awaited:
            _tell(one, batch_id=batch_id)


async def _keep(group: str, one: Gathered) -> None:
    """Keep under which name a request is sent, for who comes after a kill."""
    if isinstance(one.attempt, KeepsCheckpoints):
        told = {"group": group, "id": one.request_id, "digest": one.digest, "since": time.time()}
        await one.attempt.acheckpoint("batch", json.dumps(told))


def _is_awaited(one: Gathered) -> bool:
    return one.batch is not None and not one.batch.done()


def _tell(one: Gathered, *, batch_id: str = "", fault: BaseException | None = None) -> None:
    if one.batch is None or one.batch.done():  # who waited was given back meanwhile
        return
    if fault is None:
        one.batch.set_result(batch_id)
    else:
        one.batch.set_exception(fault)
