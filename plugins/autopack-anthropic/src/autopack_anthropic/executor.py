"""Executor ``anthropic``: one message for each phase, streamed."""

from typing import Any, ClassVar, Final

from autopack.draining.executors.model_answers import ModelAnswer
from autopack.draining.executors.model_endpoints import EndpointExecutor, Provider
from autopack.draining.executors.model_executor import ModelRequest

_OWN: Final = frozenset({"model", "messages", "stream", "system", "max_tokens"})


class AnthropicExecutor(EndpointExecutor):
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
    """

    name: ClassVar[str] = "anthropic"
    own_fields: ClassVar[frozenset[str]] = _OWN
    provider: ClassVar[Provider] = Provider(
        name="anthropic",
        url="https://api.anthropic.com",
        url_env="ANTHROPIC_BASE_URL",
        key_env="ANTHROPIC_API_KEY",
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

        fields: dict[str, Any] = {
            "model": request.model,
            "messages": [{"role": "user", "content": request.prompt}],
            "max_tokens": request.max_tokens,
            "extra_body": self.extra or None,
        }
        if request.system is not None:
            fields["system"] = request.system
        async with connected(self.endpoint.url, self.endpoint.key()) as client:
            await message(client, fields, answer)
