"""What a run starts from, captured once: by one worker, whoever else is draining it."""

import time
import traceback
from collections.abc import Callable
from enum import Enum
from typing import Any, Final

from autopack.commands import RecordPreparation
from autopack.draining.failing import storable
from autopack.handler import Handler
from autopack.journal import JournalTransaction
from autopack.ports.log import Lease, Recorded
from autopack.ports.work import Prepared, RunView
from autopack.redaction import clean

_PREPARING_S: Final = 600.0


class Preparation(Enum):
    """Whether phases of a run may be claimed."""

    DONE = "done"
    FAILED = "failed"
    ELSEWHERE = "elsewhere"


def prepare_run(
    handler: Handler, prepare: Callable[..., Any], run: RunView, *, worker: str
) -> Preparation:
    """
    Call an executor's ``prepare(run)`` unless that was done, and record what it found.

    A lease keeps two workers from doing it at once; a failure is recorded and tried again by the
    next drain.
    """
    if handler.run_state(run.run_id).is_prepared:
        return Preparation.DONE
    backend, now_us = handler.journal.backend, handler.journal.now_us()
    key = f"prepare {run.run_id}"
    with backend.transaction() as store:
        held = store.lease(key)
        if held is not None and held.expires_at >= now_us:
            return Preparation.ELSEWHERE
        expires_at = now_us + int(_PREPARING_S * 1e6)
        store.put_lease(Lease(key=key, token=worker, worker=worker, expires_at=expires_at))
    began = time.monotonic()
    try:
        found: Prepared = clean(storable, prepare(run) or Prepared())
        command = RecordPreparation(
            run_id=run.run_id,
            commit=found.commit,
            environment=found.environment,
            artifacts={n: handler.journal.put_artifact(t) for n, t in found.artifacts.items()},
            summary=found.summary,
            duration_s=time.monotonic() - began,
        )
    except Exception as fault:
        told = "".join(traceback.format_exception_only(fault)).strip()
        command = RecordPreparation(
            run_id=run.run_id, failure=storable(told), duration_s=time.monotonic() - began
        )

    def done(transaction: JournalTransaction, _events: list[Recorded[Any]]) -> None:
        transaction.store.drop_lease(key, worker)

    handler.handle(command, inside=done)
    return Preparation.DONE if command.failure is None else Preparation.FAILED
