"""Executors of models whose provider answers within the day, at half the price."""

import asyncio
import hashlib
import json
import secrets
import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import attrs

from autopack.draining.executors.gathered_requests import Gathered, GatheredRequests
from autopack.draining.executors.model_answers import ModelAnswer, failed_call
from autopack.draining.executors.model_endpoints import EndpointExecutor
from autopack.draining.executors.model_executor import ModelRequest
from autopack.errors import InvalidInputError
from autopack.ports.attempt import Attempt, KeepsCheckpoints
from autopack.ports.work import Failed, Outcome, Pending, PhaseView

CHECKPOINT: Final = "batch"
"""The checkpoint that says under which name a request is sent, before it is."""
_NO_ANSWER: Final = "the batch is over, and holds no answer to this request"
_UNSURE: Final = "?"
_EARLIER_S: Final = 3600.0
_KEPT: Final = 8


@attrs.frozen
class Answered:
    """
    What a provider's batch has for one request.

    Args:
        told: The answer in the provider's own form; empty if it gave none.
        failure: Why there is none.
    """

    told: Mapping[str, Any] = attrs.Factory(dict)
    failure: Failed | None = None


@attrs.frozen
class BatchLook:
    """How a batch stands: *answers* by request once it is over, None before."""

    answers: Mapping[str, Answered] | None = None
    missing: Failed = attrs.field(factory=lambda: Failed("no_answer", _NO_ANSWER))


class BatchAnswer(ModelAnswer):
    """The answer of a batch's request: it took nobody's time, and has a price of its own."""

    @property
    def duration_s(self) -> float | None:
        """None: how long the model took, nobody tells."""
        return None

    def _call_id(self) -> dict[str, Any]:
        found = super()._call_id()
        return {**found, "source_fields": {**found.get("source_fields", {}), **_TIER}}


_TIER: Final = {"service_tier": "batch"}


class BatchExecutor(EndpointExecutor):
    """
    Asks a model at once, or, with *batch*, through its provider's batch API.

    What is in work together is sent as one batch: providers limit how many may be sent. Before it
    is sent, each attempt keeps under which name, so that after a kill the next one finds it again.

    Args:
        batch: Whether to send batches; ``poll_after_s`` is how often to ask for them.
    """

    batch_most: ClassVar[int]
    options: ClassVar[Sequence[str]] = (*EndpointExecutor.options, "batch", "poll_after_s")

    def __init__(
        self, model: str | None = None, *, batch: bool, poll_after_s: float, **given: Any
    ) -> None:
        super().__init__(model, **given)
        if not isinstance(batch, bool):
            raise InvalidInputError(
                f"batch is {batch!r}; it is true or false.", name="batch", value=batch
            )
        Pending("a batch", poll_after_s)  # refuses what is no wait
        self.batch, self.poll_after_s = batch, float(poll_after_s)
        self._gathered = GatheredRequests(self._send_all, most=self.batch_most)
        self._looks: dict[str, tuple[float, asyncio.Task[BatchLook]]] = {}

    @abstractmethod
    def fields_of(self, request: ModelRequest) -> dict[str, Any]:
        """Return a request as its provider takes it."""

    @abstractmethod
    async def send(self, group: str, requests: Mapping[str, Mapping[str, Any]]) -> str:
        """Send a batch under a name of ours, and return the provider's."""

    @abstractmethod
    async def find(self, group: str, request_id: str, since: float) -> str | None:
        """
        Return the batch that was sent under a name since then; None if the provider has none.

        An empty text says that nobody can tell yet.
        """

    @abstractmethod
    async def look(self, batch_id: str) -> BatchLook:
        """Return how a batch stands."""

    @abstractmethod
    def fill(self, told: Mapping[str, Any], answer: ModelAnswer) -> None:
        """Take over what a whole answer says."""

    async def execute(self, phase: PhaseView, attempt: Attempt) -> Outcome:
        """Ask at once, or send it with others, and say what it is to be asked for by."""
        if not self.batch:
            return await super().execute(phase, attempt)
        request = self._request(phase, attempt)
        if isinstance(request, Failed):
            return request
        await self.ready()
        try:
            sent = await self._sent_before(request, attempt)
            if sent is None:
                fields, digest = self.fields_of(request), _digest(request)
                one = Gathered(attempt, fields, digest, f"ap-{secrets.token_hex(16)}")
                sent = f"{await self._gathered.sent(one)}/{one.request_id}"
        except self.faults() as fault:
            return failed_call(fault, self.secrets())
        return Pending(f"{sent}/{request.model}", self.poll_after_s)

    async def collect(self, handle: str, attempt: Attempt) -> Outcome:
        """Return what the batch has for a request, or when to ask again."""
        batch_id, request_id, model = handle.split("/", 2)
        await self.ready()
        if batch_id.startswith(_UNSURE):
            since, group = batch_id[1:].split(":")
            found = await self.find(group, request_id, float(since))
            if found:
                return Pending(f"{found}/{request_id}/{model}", 0)
            if found is not None:
                return Pending(handle, self.poll_after_s)
            await attempt.acheckpoint(CHECKPOINT, "")
            why = "the provider has no batch with this request: it was never sent"
            return Failed("not_sent", why, retryable=True, failure_class="connection")
        look = await self._looked(batch_id)
        if look.answers is None:
            return Pending(handle, self.poll_after_s)
        answered = look.answers.get(request_id) or Answered(failure=look.missing)
        outcome = answered.failure or await self._ended(answered.told, model, attempt)
        await attempt.acheckpoint(CHECKPOINT, "")  # the next attempt sends it anew
        return outcome

    async def _ended(self, told: Mapping[str, Any], model: str, attempt: Attempt) -> Outcome:
        answer = BatchAnswer(attempt, model=model, provider=self.account, max_tokens=None)
        try:
            answer.told.update(told)
            answer.is_whole = True
            self.fill(told, answer)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as fault:
            await answer.record()
            why = f"the answer cannot be read: {type(fault).__name__}: {fault}"
            return Failed("malformed_answer", why, retryable=True, failure_class="execution")
        outcome = answer.outcome()
        if isinstance(outcome, Failed):
            await answer.keep()
        await answer.record()
        return outcome

    async def _sent_before(self, request: ModelRequest, attempt: Attempt) -> str | None:
        """Return where the provider has it already, sent by an attempt that was killed then."""
        if not isinstance(attempt, KeepsCheckpoints):
            return None
        kept = await asyncio.to_thread(attempt.checkpoint_of, CHECKPOINT)
        if kept is None or not kept.text:
            return None
        told = json.loads(kept.text)
        if told["digest"] != _digest(request):
            return None  # it is to be asked otherwise now
        group, request_id, since = told["group"], told["id"], told["since"]
        found = await self.find(group, request_id, since)
        if found is None:
            return None
        return f"{found or f'{_UNSURE}{since:.0f}:{group}'}/{request_id}"

    async def _send_all(self, group: str, all_: Sequence[Gathered]) -> str:
        return await self.send(group, {one.request_id: one.fields for one in all_})

    async def _looked(self, batch_id: str) -> BatchLook:
        """Return how a batch stands; all of its requests share a look, for as long as it holds."""
        until, task = self._looks.get(batch_id, (0.0, None))
        is_ours = task is not None and task.get_loop() is asyncio.get_running_loop()
        if task is None or not is_ours or (task.done() and _is_over(task, until)):
            self._looks.pop(batch_id, None)
            while len(self._looks) >= _KEPT:
                self._looks.pop(next(iter(self._looks)))
            task = asyncio.ensure_future(self.look(batch_id))
            self._looks[batch_id] = time.monotonic() + self.poll_after_s / 2, task
        return await asyncio.shield(task)


def _is_over(task: "asyncio.Task[BatchLook]", until: float) -> bool:
    """Tell whether to look anew: at what failed, or was not over when it was looked at."""
    if task.cancelled() or task.exception() is not None:
        return True
    return task.result().answers is None and time.monotonic() >= until


def _digest(request: ModelRequest) -> str:
    told = json.dumps([request.model, request.prompt, request.system])
    return hashlib.sha256(told.encode()).hexdigest()


def earlier(since: float) -> float:
    """Return from when on to look for what was sent at a moment: clocks differ."""
    return since - _EARLIER_S
