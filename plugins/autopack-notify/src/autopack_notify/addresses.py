"""Which way of telling an address is of."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from autopack.errors import InvalidInputError
from autopack_notify.sender import Sender

_SERVER = "AUTOPACK_NOTIFY_SMTP"


def scheme_of(address: str) -> str:
    """Return an address's scheme in lower case; empty where it has none."""
    scheme, colon, _ = address.partition(":")
    return scheme.lower() if colon else ""


def sender_of(address: str, environ: Mapping[str, str], **settings: Any) -> Sender | None:
    """
    Return who is told by an address; None if it is of no kind that is known here.

    Raises:
        InvalidInputError: It is of a kind that is known, and cannot be used.
    """
    scheme = scheme_of(address)
    if scheme in ("ntfy", "ntfy+http", "http", "https"):
        return _by_http(address, **settings)
    settings.pop("header", None)
    if scheme in ("smtp", "smtps"):
        from autopack_notify.mail import Mail

        return Mail.of(address, **settings)
    if scheme == "mailto":
        return _by_mailto(address, environ, **settings)
    return None


def _by_http(address: str, **settings: Any) -> Sender:
    from autopack_notify.ntfy import Ntfy, is_ntfy
    from autopack_notify.webhook import Webhook

    try:
        if is_ntfy(address):
            return Ntfy.of(address, **settings)
    except ValueError:
        pass  # the webhook refuses it, without showing it
    return Webhook(url=address, **settings)


def _by_mailto(address: str, environ: Mapping[str, str], **settings: Any) -> Sender:
    from autopack_notify.mail import Mail

    server = environ.get(_SERVER, "").strip()
    if not server:
        raise InvalidInputError(
            f"mailto: needs a server that takes the mail: set {_SERVER}=smtp://HOST, or give "
            "smtp://HOST?to=ADDRESS."
        )
    return Mail.of(server, to=unquote(urlsplit(address).path), **settings)
