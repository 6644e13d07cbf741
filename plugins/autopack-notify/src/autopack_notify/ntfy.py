"""Tells a topic of ntfy.sh, or of a server of one's own."""

import re
from typing import Any, Final
from urllib.parse import unquote, urlsplit, urlunsplit

import attrs

from autopack.errors import InvalidInputError
from autopack_notify.messages import Message
from autopack_notify.webhook import Webhook

_TOPIC: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SCHEMES: Final = {"ntfy": "https", "https": "https", "ntfy+http": "http"}
_TEXT_MOST: Final = 3800  # of 4096 bytes; what is longer would come as a file


@attrs.frozen(kw_only=True)
class Ntfy(Webhook):
    """
    A topic of a server of ntfy; whoever knows its name can read it.

    Args:
        topic: Its name.
    """

    topic: str = attrs.field(repr=False)

    @classmethod
    def of(cls, address: str, **settings: Any) -> "Ntfy":
        """
        Return the topic at ``ntfy://[USER:PASSWORD@]HOST[:PORT]/TOPIC``, or at its https address.

        ``ntfy://:TOKEN@HOST/TOPIC`` sends an access token; ``ntfy+http://`` goes without TLS.

        Raises:
            InvalidInputError: It is no such address.
        """
        parts = urlsplit(address)
        topic = parts.path.strip("/")
        if not _TOPIC.fullmatch(topic) or not parts.hostname or parts.query:
            raise InvalidInputError(
                "The address of ntfy cannot be used; give ntfy://HOST/TOPIC, such as "
                "ntfy://ntfy.sh/my-topic."
            )
        netloc = parts.netloc
        if parts.username == "" and parts.password:  # a token
            netloc = netloc.rpartition("@")[2]
            settings["header"] = f"Authorization: Bearer {unquote(parts.password)}"
        url = urlunsplit((_SCHEMES[parts.scheme], netloc, "/", "", ""))
        return cls(url=url, topic=topic, **settings)

    @property
    def kind(self) -> str:
        """What it is, in a word."""
        return "topic"

    def body_of(self, message: Message) -> dict[str, Any]:
        """Return what is posted: the text, cut where ntfy would make a file of it."""
        text = message.text.encode("utf-8", "replace")
        cut = text[:_TEXT_MOST].decode("utf-8", "ignore")
        told = message.text if len(text) <= _TEXT_MOST else f"{cut}\n..."
        return {"topic": self.topic, "title": message.subject, "message": told}


def is_ntfy(address: str) -> bool:
    """Tell whether an address is one of ntfy: by its scheme, or by its host's first name."""
    parts = urlsplit(address)
    is_host = parts.scheme == "https" and (parts.hostname or "").startswith("ntfy.")
    return parts.scheme in ("ntfy", "ntfy+http") or is_host
