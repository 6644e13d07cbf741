"""Exceptions of the usual clients, by the names of their classes and what they carry."""

import socket
import ssl

import pytest

from autopack.draining.attempts.error_facts import facts_of
from autopack.draining.attempts.failure_classes import class_of
from autopack.draining.attempts.failures import failed_by

NOW_S = 1_800_000_000.0


def made(name, base=Exception, message="it failed", **attributes):
    """Return an exception of a class of that name, with attributes of its own."""
    fault = type(name, (base,), {})(message)
    for attribute, value in attributes.items():
        setattr(fault, attribute, value)
    return fault


class Answer:
    """An HTTP answer, as clients keep it with their exceptions."""

    def __init__(self, status, headers=None):
        self.status_code, self.headers = status, headers or {}


BOTO = {
    "Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"},
    "ResponseMetadata": {"HTTPStatusCode": 400, "HTTPHeaders": {"retry-after": "3"}},
}
NO_QUOTA = {"error": {"type": "insufficient_quota", "message": "You exceeded your current quota"}}


def caused(inner, outer):
    """Return an exception that was raised because of another."""
    try:
        raise outer from inner
    except Exception as fault:
        return fault


@pytest.mark.parametrize(
    ("fault", "kind", "wait_s"),
    [
        (made("RateLimitError", message="please try again in 4s"), "rate_limited", 4.0),
        (made("APIStatusError", status_code=429, body=NO_QUOTA), "quota", None),
        (made("APIStatusError", status_code=529), "overloaded", None),
        (made("HTTPStatusError", response=Answer(503, {"Retry-After": "7"})), "overloaded", 7.0),
        (made("Anything", status_code=401), "auth", None),
        (made("ClientResponseError", status=404), "invalid_request", None),
        (made("ClientError", response=BOTO), "rate_limited", 3.0),
        (made("ClientError", code=429, status="RESOURCE_EXHAUSTED",
              message="quota; retry in 34s"), "rate_limited", 34.0),
        (made("Limited", retry_after=12, status_code=429), "rate_limited", 12.0),
        (made("APIConnectionError"), "connection", None),
        (made("ConnectError"), "connection", None),
        (made("ReadTimeout"), "timeout", None),
        (made("MyConnectError", type("ConnectError", (Exception,), {})), "connection", None),
        (socket.gaierror(-2, "Name or service not known"), "connection", None),
        (ConnectionResetError(104, "Connection reset by peer"), "connection", None),
        (BrokenPipeError(32, "Broken pipe"), "connection", None),
        (ssl.SSLError(1, "handshake failure"), "connection", None),
        (TimeoutError(), "timeout", None),
        (caused(made("RateLimitError"), RuntimeError("the model did not answer")),
         "rate_limited", None),
        (caused(made("ConnectError"), ValueError("no answer")), "connection", None),
        (ValueError("rate limit"), "execution", None),
        (KeyError("429"), "execution", None),
        (PermissionError(13, "Permission denied"), "execution", None),
        (AssertionError("HTTP 401"), "execution", None),
        (RuntimeError("Error code: 503 - overloaded"), "overloaded", None),
        (made("Odd", status_code="429", body=7, response=3), "execution", None),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Exception) else None,
)  # fmt: skip
def test_class_and_wait(fault, kind, wait_s):
    """Statuses, bodies, headers and names are facts; nothing is imported to know them."""
    failure = failed_by(fault)

    assert (kind, wait_s) == (class_of(failure).kind, failure.retry_after_s)


def test_a_property_that_raises_is_no_fact():
    """An exception of somebody else's may be broken too."""

    class Broken(Exception):
        @property
        def response(self):
            raise RuntimeError("not now")

        def __str__(self):
            raise RuntimeError("not now either")

    assert {} == facts_of(Broken(), now_s=NOW_S)


def test_circles_of_causes_end():
    """However exceptions were raised from each other."""
    one, other = RuntimeError("a"), RuntimeError("b")
    one.__cause__, other.__cause__ = other, one

    assert {} == facts_of(one, now_s=NOW_S)
