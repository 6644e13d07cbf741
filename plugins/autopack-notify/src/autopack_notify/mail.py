"""Tells people by mail, through a server that takes it."""

import re
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import attrs

from autopack.errors import InvalidInputError
from autopack_notify.messages import Message
from autopack_notify.sender import Fault, Sender

_PERSON: Final = re.compile(r"[^\s@<>,;:\"\\()\[\]]{1,64}@[A-Za-z0-9.-]{1,255}")
_PORTS: Final = {"smtp": 25, "smtps": 465}
_HERE: Final = ("localhost", "127.0.0.1", "::1")
_WHAT_MAY_BE: Final = "give smtp[s]://[USER:PASSWORD@]HOST[:PORT]?to=ADDRESS[&from=ADDRESS]."


@attrs.frozen(kw_only=True)
class Mail(Sender):
    """
    People to write to, and the server that takes it.

    The connection is encrypted where the server offers it, and always where a password is sent: a
    server of another machine that offers no encryption is told no password.

    Args:
        to: Their addresses.
        sender: Whose address it comes from.
        host, port: The server.
        is_tls: Whether it speaks TLS from the beginning (``smtps``).
        user, password: Who logs in; None is nobody.
    """

    to: tuple[str, ...]
    sender: str
    host: str
    port: int
    is_tls: bool = False
    user: str | None = attrs.field(default=None, repr=False)
    password: str | None = attrs.field(default=None, repr=False)

    @classmethod
    def of(cls, address: str, *, to: str | None = None, **settings: Any) -> "Mail":
        """
        Return who is at ``smtp[s]://[USER:PASSWORD@]HOST[:PORT]?to=ADDRESS[,ADDRESS]``.

        Args:
            to: Their addresses, where the server's does not say them.

        Raises:
            InvalidInputError: It is no such address; what is wrong is said, the password never.
        """
        try:
            parts = urlsplit(address)
            port = parts.port or _PORTS[parts.scheme]
        except (ValueError, KeyError):
            raise InvalidInputError(
                f"The mail server's address cannot be used; {_WHAT_MAY_BE}"
            ) from None
        given = parse_qs(parts.query)
        people = tuple(
            one for text in given.get("to", [to or ""]) for one in text.split(",") if one
        )
        sender = given.get("from", [people[0] if people else ""])[0]
        for one in (*people, sender):
            if not _PERSON.fullmatch(one):
                raise InvalidInputError(f"{one!r} is no mail address; {_WHAT_MAY_BE}")
        if not parts.hostname or not people or given.keys() - {"to", "from"}:
            raise InvalidInputError(f"The mail server's address cannot be used; {_WHAT_MAY_BE}")
        return cls(
            to=people,
            sender=sender,
            host=parts.hostname,
            port=port,
            is_tls=parts.scheme == "smtps",
            user=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
            **settings,
        )

    @property
    def kind(self) -> str:
        """What it is, in a word."""
        return "mail server"

    @property
    def shown(self) -> str:
        """Where it leads, without anything secret."""
        return f"smtp{'s' * self.is_tls}://{self.host}:{self.port}"

    def letter(self, message: Message) -> EmailMessage:
        """Return the mail: the text, and the page beside it where there is one."""
        found = EmailMessage()
        found["Subject"] = " ".join(message.subject.split())
        found["From"], found["To"] = self.sender, ", ".join(self.to)
        found["Date"] = formatdate()
        found["Message-ID"] = make_msgid(idstring=message.key, domain="autopack.invalid")
        found.set_content(message.text)
        if message.page is not None:
            found.add_alternative(message.page, subtype="html")
        return found

    def _try(self, message: Message) -> Fault | None:
        kind = smtplib.SMTP_SSL if self.is_tls else smtplib.SMTP
        try:
            with kind(self.host, self.port, timeout=self.timeout_s) as server:
                if (fault := self._logged_in(server)) is not None:
                    return fault
                server.send_message(self.letter(message), self.sender, list(self.to))
                return None
        except smtplib.SMTPResponseException as fault:  # what the server says may quote secrets
            return Fault(f"SMTP {fault.smtp_code}", 400 <= fault.smtp_code < 500)
        except smtplib.SMTPRecipientsRefused:
            return Fault("all addresses were refused", may_pass=False)
        except TimeoutError:
            return self._no_answer()
        except (OSError, smtplib.SMTPException, ValueError) as fault:
            return Fault(type(fault).__name__)

    def _logged_in(self, server: smtplib.SMTP) -> Fault | None:
        """Encrypt and log in as far as that is asked for; return why it may not be."""
        server.ehlo()
        is_safe = self.is_tls or self.host in _HERE
        if not self.is_tls and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
            is_safe = True
        if self.user is None:
            return None
        if not is_safe:
            return Fault("the server offers no encryption for a password", may_pass=False)
        server.login(self.user, self.password or "")
        return None
