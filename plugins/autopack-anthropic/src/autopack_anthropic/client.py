"""The official client, loaded with this module: a second or two, by the drain that needs it."""

import functools
import json
import ssl

import anthropic
import httpx2

FAULTS: tuple[type[Exception], ...] = (
    anthropic.AnthropicError,
    httpx2.HTTPError,
    json.JSONDecodeError,
)
"""What it raises of its provider, the connection, and an answer that is no JSON."""


@functools.cache
def loaded() -> ssl.SSLContext:
    """Return what every connection is checked by; to read the certificates takes a while."""
    return httpx2.create_ssl_context()


def connected(base_url: str, key: str) -> anthropic.AsyncAnthropic:
    """
    Return a client for one call, whichever event loop that is of.

    It tries nothing again by itself: when, and whether, is for the drain to say.
    """
    return anthropic.AsyncAnthropic(
        api_key=key,
        base_url=base_url,
        max_retries=0,
        http_client=anthropic.DefaultAsyncHttpxClient(verify=loaded()),
    )
