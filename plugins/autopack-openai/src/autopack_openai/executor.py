"""Executor ``openai``: one chat completion for each phase, streamed."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from autopack.draining.executors.model_answers import ModelAnswer
from autopack.draining.executors.model_executor import ModelExecutor, ModelRequest
from autopack.errors import InvalidInputError
from autopack_openai.endpoint import Endpoint

_MAX: Final = "max_tokens"
_MAX_COMPLETION: Final = "max_completion_tokens"
_FIGURES: Final = "stream_options"
_OURS: Final = frozenset({"model", "messages", "stream", "n", _MAX, _MAX_COMPLETION, _FIGURES})


class OpenAIExecutor(ModelExecutor):
    """
    Asks a model of any OpenAI-compatible endpoint, by the official client.

    Args:
        model: The model of phases that name none.
        base_url: The endpoint; without it that of ``OPENAI_BASE_URL``, else OpenAI's own.
        api_key_env: The variable that holds the key; the key itself is given nowhere.
        system: A system prompt.
        prompt: The prompt, with placeholders as those of the executor ``command``.
        max_output_tokens: The most that a call may write, where the budget is larger.
        extra: More fields of the request, as the endpoint names them: ``temperature``.
    """

    name: ClassVar[str] = "openai"
    options: ClassVar[Sequence[str]] = (*ModelExecutor.options, "base_url", "api_key_env", "extra")

    def __init__(
        self,
        model: str | None = None,
        *,
        base_url: str | None = None,
        api_key_env: str = "OPENAI_API_KEY",
        system: str | None = None,
        prompt: str = "{goal}",
        max_output_tokens: int | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            model=model, system=system, prompt=prompt, max_output_tokens=max_output_tokens
        )
        self.endpoint = Endpoint(base_url, api_key_env)
        self.base_url, self.api_key_env = base_url, api_key_env
        self.extra = _checked(extra)
        self.account = self.endpoint.account
        self._without: dict[str, frozenset[str]] = {}

    def check(self) -> None:
        """
        Return if there is a key, where one is needed; the client is loaded here.

        Raises:
            InvalidInputError: The key is missing.
        """
        self.endpoint.key()
        _load()

    def faults(self) -> tuple[type[Exception], ...]:
        """Return what the client raises."""
        from autopack_openai.client import FAULTS

        return FAULTS

    def secrets(self) -> Sequence[str]:
        """Return the key."""
        return self.endpoint.secrets()

    async def ready(self) -> None:
        """Load the client, beside the event loop."""
        await asyncio.to_thread(_load)

    async def ask(self, request: ModelRequest, answer: ModelAnswer) -> None:
        """Make the call; a field of ours that the model refuses is left out, or named otherwise."""
        from autopack_openai.chat import chat, refused_field
        from autopack_openai.client import connected

        key = self.endpoint.key()
        while True:
            without = self._without.get(request.model, frozenset())
            fields = self._fields(request, without)
            try:
                async with connected(self.endpoint.url, key) as client:
                    await chat(client, fields, answer)
                return
            except self.faults() as fault:
                refused = None if answer.is_begun else refused_field(fault, fields)
                if refused is None or {_MAX, _MAX_COMPLETION} <= without | {refused}:
                    raise  # without any ceiling a call might cost what nobody foresaw
                self._without[request.model] = without | {refused}

    def _fields(self, request: ModelRequest, without: frozenset[str]) -> dict[str, Any]:
        messages = [{"role": "user", "content": request.prompt}]
        if request.system is not None:
            messages.insert(0, {"role": "system", "content": request.system})
        names = (_MAX_COMPLETION, _MAX) if self.endpoint.is_openai else (_MAX, _MAX_COMPLETION)
        name = next(one for one in names if one not in without)
        return {
            "model": request.model,
            "messages": messages,
            name: request.max_tokens,
            **({} if _FIGURES in without else {_FIGURES: {"include_usage": True}}),
            "extra_body": self.extra or None,
        }


def _load() -> None:
    from autopack_openai.client import loaded

    loaded()


def _checked(extra: Any) -> dict[str, Any]:
    if extra is not None and not isinstance(extra, Mapping):
        raise InvalidInputError(
            'extra is no table: give fields of the request, {"temperature": 0}.',
            name="extra",
            value=extra,
        )
    found = dict(extra or {})
    if taken := sorted(_OURS & set(found)):
        raise InvalidInputError(
            f"extra holds {', '.join(taken)}, which the executor says itself.",
            name="extra",
            value=tuple(taken),
        )
    return found
