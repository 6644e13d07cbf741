"""The official client, loaded with this module: a second or two, by the drain that needs it."""

import functools
import json
import ssl

import httpx2
import openai

FAULTS: tuple[type[Exception], ...] = (openai.OpenAIError, httpx2.HTTPError, json.JSONDecodeError)
"""What it raises of its provider, the connection, and an answer that is no JSON."""


@functools.cache
def loaded() -> ssl.SSLContext:
    """Return what every connection is checked by; to read the certificates takes a while."""
    return httpx2.create_ssl_context()


def connected(base_url: str, key: str) -> openai.AsyncOpenAI:
    """
    Return a client for one call, whichever event loop that is of.

    It tries nothing again by itself: when, and whether, is for the drain to say.
    """
    return openai.AsyncOpenAI(
        api_key=key,
        base_url=base_url,
        max_retries=0,
        http_client=openai.DefaultAsyncHttpxClient(verify=loaded()),
    )
