"""Posts what is told to a URL, as JSON."""

import base64
import re
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import attrs

from autopack.errors import InvalidInputError
from autopack.values.json_text import json_text
from autopack_notify.messages import Message
from autopack_notify.sender import Fault, Sender

_HEADER: Final = re.compile(r"([A-Za-z0-9-]+):[ \t]*([\x21-\x7e][\x20-\x7e]*)")
_MAY_PASS: Final = frozenset({408, 425, 429})  # answers that another try may change, besides 5xx


class _NoRedirect(HTTPRedirectHandler):
    """A redirect would take the secret header to wherever it points, and lose the body."""

    def redirect_request(self, *_given: Any, **_named: Any) -> None:
        return None


_OPENER: Final = build_opener(_NoRedirect)


def masked(url: str) -> str:
    """Return where a URL points to; user, password, path and query may be secrets."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/..."


def _check_url(_webhook: Any, _field: Any, url: str) -> None:
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        is_usable = is_usable and url.isascii() and url.isprintable() and " " not in url
    except ValueError:
        is_usable = False
    if not is_usable:  # it may hold a password, so it is not shown
        raise InvalidInputError(
            "The webhook's URL cannot be used; give http(s)://HOST[:PORT]/PATH."
        )


def _check_header(_webhook: Any, _field: Any, header: str | None) -> None:
    if header is not None and _HEADER.fullmatch(header) is None:
        raise InvalidInputError("The webhook's header cannot be used; give NAME: VALUE.")


@attrs.frozen(kw_only=True)
class Webhook(Sender):
    """
    A URL to post JSON to.

    An answer that says that the request is wrong (4xx) or has moved (3xx) is final. A try that
    timed out may have arrived, so a repetition carries the same ``Idempotency-Key``, the drain's
    id or that of the event.

    Args:
        url: ``http(s)://…``; a user and password in it are sent as basic authentication.
        header: One more header, as in ``Authorization: Bearer …``.

    Raises:
        InvalidInputError: A setting cannot be used; URL and header are never shown.
    """

    url: str = attrs.field(validator=_check_url, repr=masked)
    header: str | None = attrs.field(default=None, validator=_check_header, repr=False)

    @property
    def kind(self) -> str:
        """What it is, in a word."""
        return "webhook"

    @property
    def shown(self) -> str:
        """Where it leads, without anything secret."""
        return masked(self.url)

    def body_of(self, message: Message) -> dict[str, Any]:
        """Return what is posted."""
        return dict(message.body)

    def _request(self, message: Message) -> Request:
        url, headers = _without_credentials(urlsplit(self.url))
        if self.header is not None:
            name, _, value = self.header.partition(":")
            headers[name] = value.strip()
        return Request(
            url,
            data=json_text(self.body_of(message)).encode(),
            headers={
                "Content-Type": "application/json",
                "User-Agent": "autopack-notify",
                "Idempotency-Key": message.key,
                **headers,
            },
            method="POST",
        )

    def _try(self, message: Message) -> Fault | None:
        try:
            with _OPENER.open(self._request(message), timeout=self.timeout_s):
                return None
        except HTTPError as fault:
            fault.close()
            return Fault(f"HTTP {fault.code}", fault.code in _MAY_PASS or fault.code >= 500)
        except URLError as fault:
            if isinstance(fault.reason, TimeoutError):
                return self._no_answer()
            return Fault(f"{type(fault.reason).__name__}: {fault.reason}")
        except TimeoutError:
            return self._no_answer()
        except (OSError, HTTPException, ValueError) as fault:  # their texts may quote the request
            return Fault(type(fault).__name__)


def _without_credentials(parts: SplitResult) -> tuple[str, dict[str, str]]:
    """Return the URL without user and password, and the header that says them."""
    host = parts.netloc.rpartition("@")[2]
    url = urlunsplit(parts._replace(netloc=host, fragment=""))
    if parts.username is None:
        return url, {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return url, {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
