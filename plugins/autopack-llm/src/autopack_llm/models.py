"""Models of ``llm``: found by name, with their key, and asked without tries of their own."""

import contextlib
from collections.abc import Mapping
from typing import Any, Final

import attrs
import llm
from llm.errors import NeedsKeyException

from autopack import Failed
from autopack.draining.executors.model_answers import ModelAnswer, NotAskedError
from autopack_llm.told import take

_CEILINGS: Final = ("max_tokens", "max_output_tokens", "max_completion_tokens", "num_predict")


def load() -> None:
    """Load the plugins of ``llm``: each may load a client of its own."""
    llm.get_models_with_aliases()


@attrs.frozen
class ChosenModel:
    """A model, made for one call, and the clients that it makes for that."""

    model: Any
    is_async: bool
    clients: list[Any]

    @property
    def ceiling(self) -> str | None:
        """What the model's option for the most output is called; None if it has none."""
        fields = getattr(self.model.Options, "model_fields", {})
        return next((name for name in _CEILINGS if name in fields), None)

    def prompt(self, text: str, system: str | None, options: Mapping[str, Any]) -> Any:
        """Return a response that is not begun yet."""
        return self.model.prompt(text, system=system, stream=self.model.can_stream, **options)

    async def heard(self, response: Any, answer: ModelAnswer) -> None:
        """Fill *answer* while a response comes."""
        try:
            async for text in response:
                answer.write(text)
            take(response, await response.usage(), answer)
        finally:
            for client in self.clients:
                with contextlib.suppress(Exception):
                    await client.close()

    def read(self, response: Any, answer: ModelAnswer) -> None:
        """Fill *answer* while a response comes, in a thread."""
        try:
            for text in response:
                answer.write(text)
            take(response, response.usage(), answer)
        finally:
            for client in self.clients:
                with contextlib.suppress(Exception):
                    client.close()


def chosen(name: str, options: Mapping[str, Any], keys: set[str]) -> ChosenModel:
    """
    Return the model of a name or alias, made anew; its key is added to *keys*.

    Raises:
        NotAskedError: There is none, or it has no key, or no such option.
    """
    model, is_async = _found(name)
    try:
        key = model.get_key()
    except NeedsKeyException as fault:
        raise NotAskedError(Failed("no_key", f"{name}: {fault}", failure_class="auth")) from fault
    if key:
        keys.add(key)
    known = getattr(model.Options, "model_fields", {})
    if unknown := sorted(set(options) - set(known)):
        why = f"{name} has no option {', '.join(unknown)}. It has: {', '.join(known) or 'none'}."
        raise NotAskedError(Failed("bad_option", why, failure_class="invalid_request"))
    clients: list[Any] = []
    _leave_tries(model, clients)
    return ChosenModel(model, is_async, clients)


def _found(name: str) -> tuple[Any, bool]:
    with contextlib.suppress(llm.UnknownModelError):
        return llm.get_async_model(name), True
    try:
        return llm.get_model(name), False
    except llm.UnknownModelError as fault:
        why = f"llm knows no model {name!r}: `llm models` lists them, `llm install` adds more"
        raise NotAskedError(Failed("no_model", why, failure_class="invalid_request")) from fault


def _leave_tries(model: Any, clients: list[Any]) -> None:
    """Let a model's client try nothing again by itself, and keep it, so that it can be closed."""
    make = getattr(model, "get_client", None)
    if not callable(make):
        return

    def client(*given: Any, **named: Any) -> Any:
        made = make(*given, **named)
        clients.append(made)
        return made.with_options(max_retries=0) if hasattr(made, "with_options") else made

    model.get_client = client
