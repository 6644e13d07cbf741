"""What a topic of ntfy is told."""

import base64

import pytest
from structlog.testing import capture_logs

from autopack.errors import InvalidInputError
from autopack_notify import Ntfy
from autopack_notify.addresses import sender_of
from autopack_notify.messages import report_message


def topic(receiver, login=""):
    address = f"ntfy+http://{login}127.0.0.1:{receiver.port}/nights"
    return Ntfy.of(address, retries=0, pause_s=0.001)


def test_a_topic_is_told_in_its_own_form(receiver, report):
    """Topic, title and message, posted to the server's root."""
    arrived = topic(receiver).send(report)
    (got,) = receiver.got

    assert (True, "/") == (arrived, got["path"])
    assert ("nights", f"Autopack: a drain stopped: {report.reason}") == (
        got["body"]["topic"],
        got["body"]["title"],
    )
    assert got["body"]["message"].startswith(f"Drain {report.drain_id} stopped")


def test_a_report_is_its_text_cut_to_what_a_message_holds(receiver):
    """Longer ones would come as files; no sign is cut in half."""
    topic(receiver).tell(report_message("r", "≥" * 3000, "<p>"))
    (got,) = receiver.got
    message = got["body"]["message"]

    assert len(message.encode()) < 4096
    assert message.endswith("≥\n...")
    assert "html" not in got["body"]


@pytest.mark.parametrize(
    ("login", "header"),
    [
        ("me:hunter%402@", f"Basic {base64.b64encode(b'me:hunter@2').decode()}"),
        (":tk_hunter2@", "Bearer tk_hunter2"),
        ("", None),
    ],
)
def test_a_login_is_sent_as_the_server_expects_it(receiver, login, header):
    """A user's, or an access token."""
    assert topic(receiver, login).tell(report_message("r", "t", "p"))
    assert header == receiver.got[0]["headers"]["Authorization"]


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("ntfy://ntfy.sh/nights", "https://ntfy.sh/"),
        ("https://ntfy.sh/nights", "https://ntfy.sh/"),
        ("https://ntfy.example.org:8443/nights", "https://ntfy.example.org:8443/"),
        ("ntfy://push.example.org/nights", "https://push.example.org/"),
    ],
)
def test_an_address_says_which_topic(address, url):
    """Its https address too, where the host is called so."""
    found = sender_of(address, {})

    assert isinstance(found, Ntfy)
    assert (url, "nights") == (found.url, found.topic)


@pytest.mark.parametrize(
    "address",
    [
        "ntfy://hunter2",
        "ntfy://host/",
        "ntfy://host/a/b",
        "ntfy://host/hunter2?x=1",
        "ntfy:///t",
        "ntfy://host/to pic",
        "ntfy://host:port/hunter2",
    ],
)
def test_what_is_none_is_refused(address):
    """Without what may be secret: a topic's name is all that guards it."""
    with pytest.raises(InvalidInputError, match="cannot be used") as refused:
        sender_of(address, {})

    assert "hunter2" not in str(refused.value)


def test_a_failure_is_a_warning_without_the_topic(absent_url):
    """The host alone is shown."""
    port = absent_url.rpartition(":")[2].partition("/")[0]
    sender = Ntfy.of(f"ntfy+http://127.0.0.1:{port}/hunter2", retries=0)
    with capture_logs() as logged:
        arrived = sender.tell(report_message("r", "t", "p"))

    assert not arrived
    assert "hunter2" not in str(logged) + repr(sender)
