"""Executor ``anthropic``: one message for each phase, streamed."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from autopack.draining.executors.batch_executor import BatchExecutor, BatchLook
from autopack.draining.executors.model_answers import ModelAnswer
from autopack.draining.executors.model_endpoints import Provider
from autopack.draining.executors.model_executor import ModelRequest

_OWN: Final = frozenset({"model", "messages", "stream", "system", "max_tokens"})


class AnthropicExecutor(BatchExecutor):
    """
    Asks a model of Anthropic, or of another endpoint with its Messages API, by the official client.

    Args:
        model: The model of phases that name none.
        base_url: The endpoint; without it that of ``ANTHROPIC_BASE_URL``, else Anthropic's own.
        api_key_env: The variable that holds the key, ``ANTHROPIC_API_KEY``; the key itself is
            given nowhere.
        system: A system prompt.
        prompt: The prompt, with placeholders as those of the executor ``command``.
        max_output_tokens: The most that a call may write, where the budget is larger.
        extra: More fields of the request, as the endpoint names them: ``thinking``.
        batch: Send phases as message batches, which are answered within a day at half the price.
        poll_after_s: How many seconds not to ask for a batch.
    """

    name: ClassVar[str] = "anthropic"
    own_fields: ClassVar[frozenset[str]] = _OWN
    batch_most: ClassVar[int] = 10_000
    provider: ClassVar[Provider] = Provider(
        name="anthropic",
        url="https://api.anthropic.com",
        url_env="ANTHROPIC_BASE_URL",
        key_env="ANTHROPIC_API_KEY",
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

    @staticmethod
    def load() -> None:
        """Load the client."""
        from autopack_anthropic.client import loaded

        loaded()

    def faults(self) -> tuple[type[Exception], ...]:
        """Return what the client raises."""
        from autopack_anthropic.client import FAULTS

        return FAULTS

    async def ask(self, request: ModelRequest, answer: ModelAnswer) -> None:
        """Make the call."""
        from autopack_anthropic.client import connected
        from autopack_anthropic.message import message

        fields = {**self._fields(request), "extra_body": self.extra or None}
        async with connected(self.endpoint.url, self.endpoint.key()) as client:
            await message(client, fields, answer)

    def fields_of(self, request: ModelRequest) -> dict[str, Any]:
        """Return a request as a batch has it."""
        return {**self.extra, **self._fields(request)}

    async def send(self, group: str, requests: Mapping[str, Mapping[str, Any]]) -> str:
        """Send a batch, which has no name of ours: its requests have."""
        from autopack_anthropic import batches
        from autopack_anthropic.client import connected

        async with connected(self.endpoint.url, self.endpoint.key()) as client:
            return await batches.send(client, requests)

    async def find(self, group: str, request_id: str, since: float) -> str | None:
        """Return the batch that has a request."""
        from autopack_anthropic import batches
        from autopack_anthropic.client import connected

        async with connected(self.endpoint.url, self.endpoint.key()) as client:
            return await batches.find(client, request_id, since)

    async def look(self, batch_id: str) -> BatchLook:
        """Return how a batch stands."""
        from autopack_anthropic import batches
        from autopack_anthropic.client import connected

        async with connected(self.endpoint.url, self.endpoint.key()) as client:
            return await batches.look(client, batch_id)

    def fill(self, told: Mapping[str, Any], answer: ModelAnswer) -> None:
        """Take over what a whole answer says."""
        from autopack_anthropic.batches import fill

        fill(told, answer)

    @staticmethod
    def _fields(request: ModelRequest) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "model": request.model,
            "messages": [{"role": "user", "content": request.prompt}],
            "max_tokens": request.max_tokens,
        }
        return fields if request.system is None else {**fields, "system": request.system}
