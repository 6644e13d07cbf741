"""Executors of models behind an address: whose limits count, and the key, which is kept nowhere."""

import asyncio
import os
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

import attrs

from autopack.draining.executors.model_executor import ModelExecutor
from autopack.errors import InvalidInputError

_NO_KEY: Final = "none"  # of a server that asks for none; clients want a text


@attrs.frozen(kw_only=True)
class Provider:
    """
    Who answers, unless another address is given.

    Args:
        name: What its account is called.
        url: Its own address.
        url_env, key_env: The variables that hold another address, and the key.
    """

    name: str
    url: str
    url_env: str
    key_env: str


@attrs.frozen
class Endpoint:
    """
    A provider's address, and the variable that holds its key.

    Args:
        provider: Whose client is used.
        base_url: The address; None is that of the environment, else the provider's own.
        api_key_env: The name of the variable.

    Raises:
        InvalidInputError: The address is none, or holds a password, or no variable is named.
    """

    provider: Provider
    base_url: str | None
    api_key_env: str

    def __attrs_post_init__(self) -> None:
        """Refuse what is no endpoint."""
        if not isinstance(self.api_key_env, str) or not self.api_key_env.strip():
            raise InvalidInputError(
                f"api_key_env names no variable; give its name, such as {self.provider.key_env}.",
                name="api_key_env",
                value=self.api_key_env,
            )
        try:
            parts = urlsplit(self.url)
            is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
            has_password = parts.username is not None or bool(parts.query)
            _port = parts.port
        except (ValueError, TypeError, AttributeError):
            is_address = has_password = False
        if has_password:  # whose value is told nowhere
            raise InvalidInputError(
                "base_url holds a password, or a query that may be one, and would stand in the "
                "log: put the key into the environment, and its name into api_key_env.",
                name="base_url",
            )
        if not is_address:
            raise InvalidInputError(
                f"base_url is no address; give one such as {self.provider.url}.",
                name="base_url",
                value=self.base_url,
            )

    @property
    def url(self) -> str:
        """The address that is meant."""
        return self.base_url or os.environ.get(self.provider.url_env) or self.provider.url

    @property
    def is_own(self) -> bool:
        """Whether it is the provider's own."""
        return urlsplit(self.url).hostname == urlsplit(self.provider.url).hostname

    @property
    def account(self) -> str:
        """Whose limits the calls count under: the provider's name, or the host with its port."""
        parts = urlsplit(self.url)
        if self.is_own:
            return self.provider.name
        return f"{parts.hostname}" if parts.port is None else f"{parts.hostname}:{parts.port}"

    def key(self) -> str:
        """
        Return the key; a server of one's own may ask for none.

        Raises:
            InvalidInputError: The provider's own is missing, or it cannot stand in a header.
        """
        found = (os.environ.get(self.api_key_env) or "").strip()
        if found and not (found.isascii() and found.isprintable()):
            raise InvalidInputError(
                f"{self.api_key_env} holds no key: there are signs in it that no header can hold.",
                name="api_key_env",
                value=self.api_key_env,
            )
        if not found and self.is_own:
            raise InvalidInputError(
                f"There is no key for {self.url}: the variable {self.api_key_env} is not set. For "
                f"another endpoint name it by {self.provider.url_env}, or by the option base_url.",
                name="api_key_env",
                value=self.api_key_env,
            )
        return found or _NO_KEY

    def secrets(self) -> list[str]:
        """Return what must stand in no message."""
        found = (os.environ.get(self.api_key_env) or "").strip()
        return [found] if found else []


class EndpointExecutor(ModelExecutor):
    """
    Asks a model behind an address, once for each phase; the answer is the output ``result``.

    Args:
        model, system, prompt, max_output_tokens: As of :class:`ModelExecutor`.
        base_url: The endpoint; without it that of the environment, else the provider's own.
        api_key_env: The variable that holds the key; the key itself is given nowhere.
        extra: More fields of the request, as the endpoint names them: ``temperature``.
    """

    provider: ClassVar[Provider]
    own_fields: ClassVar[frozenset[str]]
    options: ClassVar[Sequence[str]] = (*ModelExecutor.options, "base_url", "api_key_env", "extra")

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
    ) -> None:
        super().__init__(
            model=model, system=system, prompt=prompt, max_output_tokens=max_output_tokens
        )
        name = self.provider.key_env if api_key_env is None else api_key_env
        self.endpoint = Endpoint(self.provider, base_url, name)
        self.base_url, self.api_key_env = base_url, name
        self.extra = self._checked(extra)
        self.account = self.endpoint.account

    @staticmethod
    @abstractmethod
    def load() -> None:
        """Load the client, and what checks certificates; both take a while."""

    def check(self) -> None:
        """
        Return if there is a key, where one is needed; the client is loaded here.

        Raises:
            InvalidInputError: The key is missing.
        """
        self.endpoint.key()
        self.load()

    async def ready(self) -> None:
        """Load the client, beside the event loop."""
        await asyncio.to_thread(self.load)

    def secrets(self) -> Sequence[str]:
        """Return the key."""
        return self.endpoint.secrets()

    def _checked(self, extra: Any) -> dict[str, Any]:
        if extra is not None and not isinstance(extra, Mapping):
            raise InvalidInputError(
                'extra is no table: give fields of the request, {"temperature": 0}.',
                name="extra",
                value=extra,
            )
        found = dict(extra or {})
        if taken := sorted(self.own_fields & set(found)):
            raise InvalidInputError(
                f"extra holds {', '.join(taken)}, which the executor says itself.",
                name="extra",
                value=tuple(taken),
            )
        return found
