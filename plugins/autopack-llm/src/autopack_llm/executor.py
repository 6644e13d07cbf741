"""Executor ``llm``: one prompt for each phase, to any model of ``llm`` and its plugins."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from autopack import Failed
from autopack.draining.attempts.threads import off_loop
from autopack.draining.executors.model_answers import ModelAnswer, NotAskedError
from autopack.draining.executors.model_executor import ModelExecutor, ModelRequest
from autopack.errors import InvalidInputError


class LlmExecutor(ModelExecutor):
    """
    Asks a model that ``llm`` knows, by its name or alias there.

    Args:
        model: The model of phases that name none.
        system: A system prompt.
        prompt: The prompt, with placeholders as those of the executor ``command``.
        max_output_tokens: The most that a call may write, where the budget is larger.
        model_options: Options of the model, as ``llm prompt -o`` takes them.
    """

    name: ClassVar[str] = "llm"
    options: ClassVar[Sequence[str]] = (*ModelExecutor.options, "model_options")

    def __init__(
        self,
        model: str | None = None,
        *,
        system: str | None = None,
        prompt: str = "{goal}",
        max_output_tokens: int | None = None,
        model_options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            model=model, system=system, prompt=prompt, max_output_tokens=max_output_tokens
        )
        if model_options is not None and not isinstance(model_options, Mapping):
            raise InvalidInputError(
                'model_options is no table: give options by name, {"temperature": 0}.',
                name="model_options",
                value=model_options,
            )
        self.model_options = dict(model_options or {})
        self.account = self.name
        self._keys: set[str] = set()

    def check(self) -> None:
        """
        Return if the executor's model is there, with its key; ``llm`` is loaded here.

        Raises:
            InvalidInputError: It is not, or has no such option.
        """
        from autopack_llm.models import chosen, load

        load()
        if self.model is None:
            return
        try:
            chosen(self.model, self.model_options, self._keys)
        except NotAskedError as fault:
            raise InvalidInputError(str(fault), name="model", value=self.model) from fault

    async def ready(self) -> None:
        """Load ``llm`` and its plugins, beside the event loop."""
        from autopack_llm import models

        await asyncio.to_thread(models.load)

    def faults(self) -> tuple[type[Exception], ...]:
        """Return whatever a model's plugin may raise."""
        return (Exception,)

    def secrets(self) -> Sequence[str]:
        """Return the keys of the models that were asked."""
        return sorted(self._keys)

    async def ask(self, request: ModelRequest, answer: ModelAnswer) -> None:
        """Make the call: awaited where the model can be, else in a thread."""
        from autopack_llm.models import chosen

        model = await asyncio.to_thread(chosen, request.model, self.model_options, self._keys)
        options = dict(self.model_options)
        if (ceiling := model.ceiling) is None:
            answer.max_tokens = None
        else:
            most = options.get(ceiling)
            options[ceiling] = request.max_tokens if most is None else min(most, request.max_tokens)
            answer.max_tokens = options[ceiling]
        try:
            response = model.prompt(request.prompt, request.system, options)
        except (TypeError, ValueError) as fault:
            raise NotAskedError(
                Failed("bad_option", f"{request.model}: {fault}", failure_class="invalid_request")
            ) from fault
        if model.is_async:
            await model.heard(response, answer)
        else:
            await off_loop(lambda: model.read(response, answer), f"llm {request.model}")
