"""Where calls go, whose limits they count under, and the key, which is kept nowhere."""

import os
from typing import Final
from urllib.parse import urlsplit

import attrs

from autopack.errors import InvalidInputError

OPENAI: Final = "openai"
_OPENAI_URL: Final = "https://api.openai.com/v1"
_OPENAI_HOST: Final = "api.openai.com"
_NO_KEY: Final = "none"  # of a server that asks for none; the client wants a text


@attrs.frozen
class Endpoint:
    """
    A provider's address, and the variable that holds its key.

    Args:
        base_url: Its address; None is that of ``OPENAI_BASE_URL``, else OpenAI's own.
        api_key_env: The name of the variable.
    """

    base_url: str | None
    api_key_env: str

    def __attrs_post_init__(self) -> None:
        """
        Refuse an address that is none, or that holds a password.

        Raises:
            InvalidInputError: It is so.
        """
        if not isinstance(self.api_key_env, str) or not self.api_key_env.strip():
            raise InvalidInputError(
                "api_key_env names no variable; give its name, such as OPENAI_API_KEY.",
                name="api_key_env",
            )
        try:
            parts = urlsplit(self.url)
            is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
            has_password = parts.username is not None or parts.password is not None
        except (ValueError, TypeError, AttributeError):
            is_address = has_password = False
        if has_password:  # whose value is told nowhere
            raise InvalidInputError(
                "base_url holds a user or a password, which would stand in the log: put the key "
                "into the environment, and its name into api_key_env.",
                name="base_url",
            )
        if not is_address:
            raise InvalidInputError(
                "base_url is no address; give one as http://localhost:11434/v1.",
                name="base_url",
                value=self.base_url,
            )

    @property
    def url(self) -> str:
        """The address that is meant."""
        return self.base_url or os.environ.get("OPENAI_BASE_URL") or _OPENAI_URL

    @property
    def is_openai(self) -> bool:
        """Whether it is OpenAI's own."""
        return urlsplit(self.url).hostname == _OPENAI_HOST

    @property
    def account(self) -> str:
        """Whose limits the calls count under: ``openai``, or the host with its port."""
        parts = urlsplit(self.url)
        if self.is_openai:
            return OPENAI
        return f"{parts.hostname}" if parts.port is None else f"{parts.hostname}:{parts.port}"

    def key(self) -> str:
        """
        Return the key; a server of one's own may ask for none.

        Raises:
            InvalidInputError: OpenAI's own is missing, or it cannot stand in a header.
        """
        found = (os.environ.get(self.api_key_env) or "").strip()
        if found and not (found.isascii() and found.isprintable()):
            raise InvalidInputError(
                f"{self.api_key_env} holds no key: there are signs in it that no header can hold.",
                name="api_key_env",
                value=self.api_key_env,
            )
        if not found and self.is_openai:
            raise InvalidInputError(
                f"There is no key for {self.url}: the variable {self.api_key_env} is not set. For "
                "another endpoint name it by OPENAI_BASE_URL, or by the option base_url.",
                name="api_key_env",
                value=self.api_key_env,
            )
        return found or _NO_KEY

    def secrets(self) -> list[str]:
        """Return what must stand in no message."""
        found = (os.environ.get(self.api_key_env) or "").strip()
        return [found] if found else []
