"""What executors that call a model themselves have in common; a plugin brings the client."""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Self

import attrs

from autopack.draining.attempts.failure_classes import HOPELESS, WAITING
from autopack.draining.executors import placeholders
from autopack.draining.executors.model_answers import (
    CalledOffError,
    ModelAnswer,
    NotAskedError,
    failed_call,
    is_paid,
)
from autopack.draining.executors.placeholders import Foreseen, NoValueError, Values
from autopack.errors import InvalidInputError, LeaseLostError
from autopack.ports.attempt import Attempt, HeedsCaps
from autopack.ports.work import Failed, Outcome, PhaseView

_NOT_OF_THE_WORK: Final = WAITING | HOPELESS | {"timeout", "invalid_request"}
_LATER_S: Final = 1.0  # a drain ends it first, and says so in its own words


@attrs.frozen
class ModelRequest:
    """What is asked of a model: the texts, and the most output in tokens."""

    model: str
    prompt: str
    system: str | None
    max_tokens: int


class ModelExecutor(ABC):
    """
    Asks a model once for each phase; the answer is the output ``result``.

    Args:
        model: The model of phases that name none.
        system: A system prompt; placeholders as in *prompt*.
        prompt: The prompt, with placeholders as those of the executor ``command``. What the last
            attempt failed with is told after it, unless it names ``{feedback}``.
        max_output_tokens: The most that a call may write, where the attempt's budget is larger.
    """

    name: ClassVar[str]
    options: ClassVar[Sequence[str]] = ("model", "system", "prompt", "max_output_tokens")
    account: str

    def __init__(
        self,
        *,
        model: str | None,
        system: str | None,
        prompt: str,
        max_output_tokens: int | None,
    ) -> None:
        for option, text in (("model", model), ("system", system), ("prompt", prompt)):
            if text is not None and (not isinstance(text, str) or not text.strip()):
                raise InvalidInputError(
                    f"{option} is {text!r}; give a text.", name=option, value=text
                )
        most = max_output_tokens
        if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 1):
            raise InvalidInputError(
                f"max_output_tokens is {most!r}; give a whole number of tokens, 1 or more.",
                name="max_output_tokens",
                value=most,
            )
        placeholders.check({"prompt": prompt, **({} if system is None else {"system": system})})
        self.model, self.system, self.prompt = model, system, prompt
        self.max_output_tokens = max_output_tokens

    @property
    def settings(self) -> dict[str, Any]:
        """What a log keeps of it; a key is never among it."""
        return {option: getattr(self, option) for option in self.options}

    @classmethod
    def again(cls, settings: Mapping[str, Any]) -> Self:
        """Return an executor as a drain recorded it, to go on with that drain."""
        known = {name: settings[name] for name in cls.options if settings.get(name) is not None}
        return cls(**known)

    @abstractmethod
    def check(self) -> None:
        """Return if it can be asked at all; a drain asks before it writes anything."""

    def foresee(
        self, phase: PhaseView, *, budget_tokens: int, settings: Mapping[str, Any]
    ) -> str | None:
        """Return why a phase would fail before its call; None if that is not known."""
        found = self._request(phase, Foreseen(budget_tokens=budget_tokens, settings=settings))
        return found.message if isinstance(found, Failed) else None

    @abstractmethod
    async def ready(self) -> None:
        """Do what is needed before the first call; what is cancelled here was never sent."""

    @abstractmethod
    async def ask(self, request: ModelRequest, answer: ModelAnswer) -> None:
        """
        Make the call, and fill *answer* while it comes.

        Raises:
            NotAskedError: It cannot be made.
            Exception: The client's own, of :meth:`faults`; nothing of its kind is caught here.
        """

    @abstractmethod
    def faults(self) -> tuple[type[Exception], ...]:
        """Return what the client raises of its provider, its connection and its answers."""

    def secrets(self) -> Sequence[str]:
        """Return what must stand in no message, whoever sends it back."""
        return ()

    async def execute(self, phase: PhaseView, attempt: Attempt) -> Outcome:
        """Ask, record what the call used, and return what came of it."""
        if isinstance(attempt, HeedsCaps):
            attempt.heed_caps()
        request = self._request(phase, attempt)
        if isinstance(request, Failed):
            return request
        await self.ready()
        answer = ModelAnswer(
            attempt, model=request.model, provider=self.account, max_tokens=request.max_tokens
        )
        outcome: Outcome
        is_made = True
        try:
            async with asyncio.timeout(_left_s(attempt)):
                await self.ask(request, answer)
            outcome = answer.outcome()
        except NotAskedError as fault:
            return fault.failure
        except (CalledOffError, TimeoutError):
            outcome = Failed("timed_out", "the attempt was to stop before its answer was whole")
        except self.faults() as fault:
            is_made = is_paid(fault, answer)
            is_there = answer.is_whole  # it was cut after its end, and is paid
            outcome = answer.outcome() if is_there else failed_call(fault, self.secrets())
        except asyncio.CancelledError:
            with contextlib.suppress(LeaseLostError):  # it ends for that already
                await answer.keep()
                await answer.record()
            raise
        if isinstance(outcome, Failed):
            await answer.keep()
        if is_made:
            await answer.record()
        return outcome

    def _request(self, phase: PhaseView, attempt: Attempt | Foreseen) -> ModelRequest | Failed:
        model = phase.model or self.model
        if model is None:
            why = (
                f"phase {phase.key} names no model, and neither does the executor: give the phase "
                "a model, or the executor the option model"
            )
            return Failed("no_model", why, failure_class="invalid_request")
        told = _feedback(phase)
        values = Values(attrs.evolve(phase, feedback=told or " "), attempt)
        try:
            prompt = placeholders.filled(self.prompt, values)
            system = None if self.system is None else placeholders.filled(self.system, values)
        except NoValueError as fault:
            why = f"phase {phase.key} has no value for {{{fault.name}}}, which its prompt needs"
            return Failed("no_value", why, failure_class="invalid_request")
        named = placeholders.names_in(f"{self.prompt}{self.system or ''}")
        if told and "feedback" not in named:
            prompt = f"{prompt}\n\nOf the last attempt at this:\n{told}"
        most = min(attempt.budget_tokens, self.max_output_tokens or attempt.budget_tokens)
        return ModelRequest(model, prompt, system, most)


def _feedback(phase: PhaseView) -> str | None:
    """Return what a model should know; that its provider was busy tells nothing of the work."""
    if phase.failure_class not in _NOT_OF_THE_WORK or phase.feedback is None:
        return phase.feedback
    _of_the_provider, parted, of_people = phase.feedback.partition("\n\n")
    return of_people if parted and of_people == phase.reason else None


def _left_s(attempt: Attempt) -> float | None:
    return None if attempt.left_s is None else max(0.0, attempt.left_s) + _LATER_S
