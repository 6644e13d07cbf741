"""What is posted, to servers that are there, slow, failing, strange and absent."""

import base64
import json
import socket
import threading

import pytest
from structlog.testing import capture_logs

from autopack.errors import InvalidInputError
from autopack.values.json_text import json_text
from autopack_notify import Webhook

SECRETS = ("me", "hunter2", "t0ken", "s3cret", "hush")


def webhook(url, **given):
    """Return a webhook that is not patient."""
    return Webhook(url=url, **{"timeout_s": 5.0, "pause_s": 0.001, "retries": 2, **given})


def told(hook, report):
    """Send a report, and return whether it arrived and what was logged."""
    with capture_logs() as logged:
        arrived = hook.send(report)
    return arrived, logged


class TestDelivery:
    """A server that takes it."""

    def test_the_report_is_posted_as_json(self, receiver, report):
        """Once, whole, with a sentence for people."""
        arrived, logged = told(webhook(receiver.url), report)
        (got,) = receiver.got

        assert (True, []) == (arrived, logged)
        assert "/hook" == got["path"]
        assert "application/json" == got["headers"]["Content-Type"]
        assert report.drain_id == got["headers"]["Idempotency-Key"]
        assert ("drain_stopped", json.loads(json_text(report))) == (
            got["body"]["event"],
            got["body"]["report"],
        )
        assert f"Drain {report.drain_id} stopped: empty; 1 completed" in got["body"]["text"]

    def test_a_secret_header_is_sent(self, receiver, report):
        """As it was given."""
        told(webhook(receiver.url, header="X-Secret:  a: b"), report)

        assert "a: b" == receiver.got[0]["headers"]["X-Secret"]

    def test_credentials_of_the_url_are_sent_as_basic_authentication(self, receiver, report):
        """And not as part of the host, where no server looks for them."""
        url = receiver.url.replace("//", "//me:hunter%402@")
        arrived, _ = told(webhook(url), report)
        kind, _, pair = receiver.got[0]["headers"]["Authorization"].partition(" ")

        assert (True, "Basic", b"me:hunter@2") == (arrived, kind, base64.b64decode(pair))
        assert f"127.0.0.1:{receiver.port}" == receiver.got[0]["headers"]["Host"]


class TestRetries:
    """Servers that answer otherwise."""

    @pytest.mark.parametrize("code", [500, 503, 429, 408])
    def test_what_may_pass_is_tried_again(self, receiver, report, code):
        """Until it arrives; the same report each time."""
        receiver.answers = [code, code, 200]
        arrived, logged = told(webhook(receiver.url), report)

        assert (True, []) == (arrived, logged)
        assert 3 == len(receiver.got)
        assert 1 == len({got["headers"]["Idempotency-Key"] for got in receiver.got})

    def test_it_gives_up(self, receiver, report):
        """After its retries, with one warning that says why."""
        receiver.answers = [502]
        arrived, (warning,) = told(webhook(receiver.url, retries=1), report)

        assert (False, 2) == (arrived, len(receiver.got))
        assert (2, "HTTP 502", "warning") == (
            warning["tries"],
            warning["fault"],
            warning["log_level"],
        )

    @pytest.mark.parametrize("code", [400, 401, 404, 410])
    def test_a_wrong_request_is_not_repeated(self, receiver, report, code):
        """An answer that says so is final."""
        receiver.answers = [code]
        arrived, (warning,) = told(webhook(receiver.url), report)

        assert (False, 1) == (arrived, len(receiver.got))
        assert f"HTTP {code}" == warning["fault"]

    @pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, receiver, report, code):
        """The secret header goes nowhere else."""
        receiver.answers = [code, 200]
        arrived, _ = told(webhook(receiver.url, header="X-Secret: hush"), report)

        assert (False, ["/hook"]) == (arrived, [got["path"] for got in receiver.got])


class TestBadServers:
    """Servers that are slow, strange, or not there."""

    def test_nobody_listens(self, absent_url, report):
        """A refused connection is tried again, then told."""
        arrived, (warning,) = told(webhook(absent_url), report)

        assert (False, 3) == (arrived, warning["tries"])
        assert "refused" in warning["fault"]

    def test_no_such_host(self, report):
        """Nor is a name that nobody knows an error of the drain."""
        arrived, logged = told(webhook("http://no-such-host.invalid/", retries=0), report)

        assert (False, 1) == (arrived, len(logged))

    def test_a_server_that_does_not_answer(self, receiver, report):
        """A slow server costs a timeout, and no more."""
        receiver.answers = [lambda _handler: receiver.leave.wait(30)]
        arrived, (warning,) = told(webhook(receiver.url, timeout_s=0.2, retries=1), report)

        assert (False, 2) == (arrived, warning["tries"])
        assert "no answer within 0.2 s" == warning["fault"]

    def test_a_server_that_answers_byte_by_byte(self, receiver, report):
        """Each byte is in time; the whole is not, and is not waited for."""

        def drip(handler):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not receiver.leave.wait(0.02):
                try:
                    handler.wfile.write(b"x")
                except OSError:
                    return

        receiver.answers = [drip]
        arrived, (warning,) = told(webhook(receiver.url, timeout_s=0.3, retries=0), report)

        assert (False, "no answer within 0.3 s") == (arrived, warning["fault"])

    @pytest.mark.parametrize("answer", [b"hello\r\n\r\n", b"", b"HTTP/1.1 abc\r\n\r\n"])
    def test_a_server_that_speaks_otherwise(self, answer, report):
        """What is no HTTP is a failure like any other."""
        with socket.create_server(("127.0.0.1", 0)) as server:

            def speak():
                connection, _ = server.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

            thread = threading.Thread(target=speak)
            thread.start()
            url = f"http://127.0.0.1:{server.getsockname()[1]}/"
            arrived, logged = told(webhook(url, retries=0), report)
            thread.join()

        assert (False, 1) == (arrived, len(logged))


class TestSecrets:
    """Nothing secret is shown, whatever happens."""

    @pytest.mark.parametrize("answer", [500, 404, 302])
    def test_warnings_show_the_host_only(self, receiver, report, answer):
        """User, password, path, query and header are left out."""
        receiver.answers = [answer]
        url = f"http://me:hunter2@127.0.0.1:{receiver.port}/t0ken?key=s3cret"
        _, logged = told(webhook(url, header="X-Key: hush"), report)

        assert f"http://127.0.0.1:{receiver.port}/..." == logged[0]["url"]
        assert [] == [secret for secret in SECRETS if secret in str(logged).replace("time", "")]

    def test_a_webhook_shows_the_host_only(self):
        """Printed or in a traceback."""
        shown = repr(Webhook(url="https://me:hunter2@host/t0ken?key=s3cret", header="X: hush"))

        assert "https://host/..." in shown
        assert [] == [secret for secret in SECRETS[1:] if secret in shown]

    @pytest.mark.parametrize(
        "url",
        [
            "file:///etc/hunter2",
            "ftp://me:hunter2@host/",
            "hunter2",
            "",
            "http://",
            "http://me:hunter2@/",
            "http://host:hunter2/",
            "http://[hunter2/",
            "http://host/hunter2 x",
            "http://host/hunter2\r\nX: y",
        ],
    )
    def test_a_wrong_url_is_refused_unseen(self, url):
        """Only http and https, and the message does not repeat what may be a password."""
        with pytest.raises(InvalidInputError, match="URL cannot be used") as refused:
            Webhook(url=url)

        assert "hunter2" not in str(refused.value)

    @pytest.mark.parametrize("header", ["hush", ": hush", "X: hush\r\nY: z", "X Y: hush", "X:"])
    def test_a_wrong_header_is_refused_unseen(self, header):
        """One header, on one line."""
        with pytest.raises(InvalidInputError, match="header cannot be used") as refused:
            Webhook(url="http://host/", header=header)

        assert "hush" not in str(refused.value)

    @pytest.mark.parametrize(
        "given",
        [{"timeout_s": 0}, {"timeout_s": float("nan")}, {"pause_s": -1}, {"retries": -1},
         {"retries": 10**9}],
    )  # fmt: skip
    def test_wrong_numbers_are_refused(self, given):
        """A drain's end must not wait for ever."""
        (name,) = given
        with pytest.raises(InvalidInputError, match=name):
            Webhook(url="http://host/", **given)
