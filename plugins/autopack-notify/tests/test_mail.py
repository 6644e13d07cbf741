"""What is mailed: to a server that takes it, one that refuses, and one that is not there."""

import base64
from email import message_from_bytes
from email.policy import default

import pytest
from structlog.testing import capture_logs

from autopack.errors import InvalidInputError
from autopack_notify import Mail
from autopack_notify.messages import report_message

PAGE = report_message("nightly: 3 of 4 done", "1 failed; ≥ 0.90 USD", "<h1>nightly</h1>")


def mail(server, query="to=ann@example.org", *, login="", host="127.0.0.1", **given):
    address = f"smtp://{login}{host}:{server.port}?{query}"
    return Mail.of(address, **{"pause_s": 0.001, "retries": 1, **given})


def told(sender, message=PAGE):
    """Tell a message, and return whether it arrived and what was logged."""
    with capture_logs() as logged:
        arrived = sender.tell(message)
    return arrived, logged


def letter(server):
    (text,) = server.letters
    return message_from_bytes(text.encode(), policy=default)


class TestDelivery:
    """A server that takes it."""

    def test_a_report_is_a_text_and_a_page(self, mail_server):
        """To all who are named, from the first of them unless somebody else is."""
        arrived, logged = told(mail(mail_server, "to=ann@example.org,bob@example.org"))
        found = letter(mail_server)
        recipients = [line for line in mail_server.said if line.startswith("rcpt")]

        assert (True, []) == (arrived, logged)
        assert "Autopack: nightly: 3 of 4 done" == found["Subject"]
        assert ("ann@example.org", "ann@example.org, bob@example.org") == (
            found["From"],
            found["To"],
        )
        assert "1 failed; ≥ 0.90 USD" in found.get_body(("plain",)).get_content()
        assert "<h1>nightly</h1>" in found.get_body(("html",)).get_content()
        assert 2 == len(recipients)

    def test_a_drain_is_told_too(self, mail_server, report):
        """As a text."""
        sender = mail(mail_server, "to=ann@example.org&from=autopack@example.org")
        arrived = sender.send(report)
        found = letter(mail_server)

        assert (True, "autopack@example.org") == (arrived, found["From"])
        assert f"Drain {report.drain_id} stopped" in found.get_content()

    def test_a_name_makes_no_header(self, mail_server):
        """Line ends in a title are blanks."""
        told(mail(mail_server), report_message("r\r\nBcc: eve@example.org", "text", "page"))
        found = letter(mail_server)

        assert found["Bcc"] is None
        assert "Autopack: r Bcc: eve@example.org" == found["Subject"]

    def test_a_password_is_sent_on_this_machine(self, mail_server):
        """To nobody else without encryption."""
        arrived, _ = told(mail(mail_server, login="me:hunter%402@"))
        (login,) = [line for line in mail_server.said if line.startswith("AUTH")]

        assert arrived
        assert b"\0me\0hunter@2" == base64.b64decode(login.split()[-1])

    def test_no_password_goes_in_the_clear(self, mail_server):
        """A server elsewhere that offers no encryption is not told it."""
        arrived, (warning,) = told(mail(mail_server, login="me:hunter2@", host="127.0.0.2"))

        assert (False, []) == (arrived, [one for one in mail_server.said if "AUTH" in one])
        assert "no encryption" in warning["fault"]
        assert 1 == warning["tries"]


class TestFailures:
    """A warning, without anything secret, and nothing else."""

    @pytest.mark.parametrize(
        ("command", "answer", "tries"),
        [
            ("MAIL", "451 later, hunter2", 2),
            ("MAIL", "550 never, hunter2", 1),
            ("RCPT", "550 nobody, hunter2", 1),
            ("AUTH", "535 hunter2 is wrong", 1),
        ],
    )
    def test_a_server_that_refuses(self, mail_server, command, answer, tries):
        """What may pass is tried again."""
        mail_server.refuses[command] = answer
        arrived, (warning,) = told(mail(mail_server, login="me:hunter2@"))

        assert (False, tries) == (arrived, warning["tries"])
        assert "hunter2" not in str(warning)
        assert f"smtp://127.0.0.1:{mail_server.port}" == warning["url"]

    def test_a_server_that_is_not_there(self, absent_url):
        """It is tried again, and given up."""
        port = absent_url.rpartition(":")[2].partition("/")[0]
        sender = Mail.of(f"smtp://127.0.0.1:{port}?to=a@b.c", retries=1, pause_s=0.001)
        arrived, (warning,) = told(sender)

        assert (False, 2, "ConnectionRefusedError") == (arrived, warning["tries"], warning["fault"])


class TestAddresses:
    """What is no address is refused, and its password never shown."""

    @pytest.mark.parametrize(
        "address",
        [
            "smtp://me:hunter2@host",
            "smtp://me:hunter2@host?to=",
            "smtp://me:hunter2@host?to=nobody",
            "smtp://me:hunter2@host?to=a@b.c&from=nobody",
            "smtp://me:hunter2@host?to=a@b.c%0aRCPT",
            "smtp://me:hunter2@host?to=a@b.c&bcc=d@e.f",
            "smtp://me:hunter2@host:port?to=a@b.c",
            "smtp://me:hunter2@?to=a@b.c",
            "imap://me:hunter2@host?to=a@b.c",
        ],
    )
    def test_what_is_none_is_refused(self, address):
        """With how one is written."""
        with pytest.raises(InvalidInputError, match=r"give smtp\[s\]://") as refused:
            Mail.of(address)

        assert "hunter2" not in str(refused.value)

    def test_a_sender_does_not_show_its_password(self):
        """Nor the user's name."""
        shown = repr(Mail.of("smtps://me:hunter2@host?to=a@b.c"))

        assert "hunter2" not in shown
        assert "is_tls=True" in shown
        assert "port=465" in shown
