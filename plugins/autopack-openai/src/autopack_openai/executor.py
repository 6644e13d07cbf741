"""Executor ``openai``: one chat completion for each phase, streamed."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from autopack.draining.executors.batch_executor import BatchExecutor, BatchLook
from autopack.draining.executors.model_answers import ModelAnswer
from autopack.draining.executors.model_endpoints import Provider
from autopack.draining.executors.model_executor import ModelRequest

_MAX: Final = "max_tokens"
_MAX_COMPLETION: Final = "max_completion_tokens"
_FIGURES: Final = "stream_options"
_OWN: Final = frozenset({"model", "messages", "stream", "n", _MAX, _MAX_COMPLETION, _FIGURES})


class OpenAIExecutor(BatchExecutor):
    """
    Asks a model of any OpenAI-compatible endpoint, by the official client.

    Args:
        model: The model of phases that name none.
        base_url: The endpoint; without it that of ``OPENAI_BASE_URL``, else OpenAI's own.
        api_key_env: The variable that holds the key, ``OPENAI_API_KEY``; the key itself is given
            nowhere.
        system: A system prompt.
        prompt: The prompt, with placeholders as those of the executor ``command``.
        max_output_tokens: The most that a call may write, where the budget is larger.
        extra: More fields of the request, as the endpoint names them: ``temperature``.
        batch: Send phases through the batch API, which answers within a day at half the price.
        poll_after_s: How many seconds not to ask for a batch.
    """

    name: ClassVar[str] = "openai"
    own_fields: ClassVar[frozenset[str]] = _OWN
    batch_most: ClassVar[int] = 50_000
    provider: ClassVar[Provider] = Provider(
        name="openai",
        url="https://api.openai.com/v1",
        url_env="OPENAI_BASE_URL",
        key_env="OPENAI_API_KEY",
    )

    def __init__(
        self,
        model: str | None = None,
        *,
        base_url: str | None = None,
        api_key_env: str | None = None,
        system: str | None = None,
        prompt: str = "{goal}",
        max_output_tokens: int | None = None,
        extra: Mapping[str, Any] | None = None,
        batch: bool = False,
        poll_after_s: float = 60.0,
    ) -> None:
        super().__init__(
            model,
            base_url=base_url,
            api_key_env=api_key_env,
            system=system,
            prompt=prompt,
            max_output_tokens=max_output_tokens,
            extra=extra,
            batch=batch,
            poll_after_s=poll_after_s,
        )
        self._without: dict[str, frozenset[str]] = {}

    @staticmethod
    def load() -> None:
        """Load the client."""
        from autopack_openai.client import loaded

        loaded()

    def faults(self) -> tuple[type[Exception], ...]:
        """Return what the client raises."""
        from autopack_openai.client import FAULTS

        return FAULTS

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

    def fields_of(self, request: ModelRequest) -> dict[str, Any]:
        """Return a request as a line of a batch has it."""
        fields = self._fields(request, frozenset({_FIGURES}))
        return {**(fields.pop("extra_body") or {}), **fields}

    async def send(self, group: str, requests: Mapping[str, Mapping[str, Any]]) -> str:
        """Send a batch."""
        from autopack_openai import batches
        from autopack_openai.client import connected

        async with connected(self.endpoint.url, self.endpoint.key()) as client:
            return await batches.send(client, group, requests)

    async def find(self, group: str, request_id: str, since: float) -> str | None:
        """Return the batch of that name."""
        from autopack_openai import batches
        from autopack_openai.client import connected

        async with connected(self.endpoint.url, self.endpoint.key()) as client:
            return await batches.find(client, group, since)

    async def look(self, batch_id: str) -> BatchLook:
        """Return how a batch stands."""
        from autopack_openai import batches
        from autopack_openai.client import connected

        async with connected(self.endpoint.url, self.endpoint.key()) as client:
            return await batches.look(client, batch_id)

    def fill(self, told: Mapping[str, Any], answer: ModelAnswer) -> None:
        """Take over what a whole answer says."""
        from autopack_openai.batches import fill

        fill(told, answer)

    def _fields(self, request: ModelRequest, without: frozenset[str]) -> dict[str, Any]:
        messages = [{"role": "user", "content": request.prompt}]
        if request.system is not None:
            messages.insert(0, {"role": "system", "content": request.system})
        names = (_MAX_COMPLETION, _MAX) if self.endpoint.is_own else (_MAX, _MAX_COMPLETION)
        name = next(one for one in names if one not in without)
        return {
            "model": request.model,
            "messages": messages,
            name: request.max_tokens,
            **({} if _FIGURES in without else {_FIGURES: {"include_usage": True}}),
            "extra_body": self.extra or None,
        }
