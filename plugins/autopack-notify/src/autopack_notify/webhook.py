"""Posts a drain's report, and what waits for a person; what goes wrong is logged only."""

import base64
import re
import threading
import time
from collections.abc import Mapping
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import attrs
import structlog

from autopack import hookimpl
from autopack.errors import InvalidInputError
from autopack.values.json_text import json_text

if TYPE_CHECKING:
    from autopack import DrainReport, Recorded

logger = structlog.get_logger("autopack_notify")

_HEADER: Final = re.compile(r"([A-Za-z0-9-]+):[ \t]*([\x21-\x7e][\x20-\x7e]*)")
_NEWS_S: Final = 300.0
_MAY_PASS: Final = frozenset({408, 425, 429})  # answers that another try may change, besides 5xx


class _NoRedirect(HTTPRedirectHandler):
    """A redirect would take the secret header to wherever it points, and lose the body."""

    def redirect_request(self, *_given: Any, **_named: Any) -> None:
        return None


_OPENER: Final = build_opener(_NoRedirect)


@attrs.frozen
class _Fault:
    """Why a try failed, without anything secret, and whether another one may do better."""

    what: str
    may_pass: bool = True


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


def _check_settings(webhook: "Webhook") -> None:
    for name in ("timeout_s", "pause_s"):
        value = getattr(webhook, name)
        if not 0 < value <= 3600:
            raise InvalidInputError(f"{name} is {value}; it is above 0 and at most 3600 seconds.")
    if not 0 <= webhook.retries <= 20:
        raise InvalidInputError(f"retries is {webhook.retries}; it is 0 to 20.")


@attrs.frozen(kw_only=True)
class Webhook:
    """
    Where to post the report of a drain that has stopped, and what waits for a decision.

    A try that fails is repeated after a pause that doubles; an answer that says that the request
    is wrong (4xx) or has moved (3xx) is not. A try that timed out may have arrived, so a
    repetition carries the same ``Idempotency-Key``, the drain's id or that of the event. The
    drain's end waits for all of it: at most ``(retries + 1) * timeout_s`` and the pauses. A gate
    is told by a thread of its own, so that no append waits.

    Args:
        url: ``http(s)://…``; a user and password in it are sent as basic authentication.
        header: One more header, as in ``Authorization: Bearer …``.
        timeout_s: For each try, from connecting to the answer's headers.
        retries: How many more tries a failed one gets.
        pause_s: Before the first of them.

    Raises:
        InvalidInputError: A setting cannot be used; URL and header are never shown.
    """

    url: str = attrs.field(validator=_check_url, repr=masked)
    header: str | None = attrs.field(default=None, validator=_check_header, repr=False)
    timeout_s: float = 5.0
    retries: int = 2
    pause_s: float = 1.0

    def __attrs_post_init__(self) -> None:
        """Refuse times and counts that cannot be meant."""
        _check_settings(self)

    @hookimpl
    def autopack_drain_stopped(self, report: "DrainReport") -> None:
        """Post the report: a webhook is a plugin, for ``load_plugins(extra=[webhook])``."""
        self.send(report)

    @hookimpl
    def autopack_event_recorded(self, recorded: "Recorded[Any]") -> None:
        """Post that a phase waits for a decision, as soon as it does; other events are not told."""
        if recorded.type == "phase.gated" and is_news(recorded, time.time()):
            self.tell_gate(recorded)

    def tell_gate(self, recorded: "Recorded[Any]") -> threading.Thread:
        """Post a gate in the background; the process does not end before it is done."""
        gate = {name: getattr(recorded.event, name) for name in ("run_id", "phase_id", "question")}
        body = {"event": "phase_gated", "text": _gate_sentence(**gate), "gate": gate}
        post = threading.Thread(target=self._sent, args=(body, recorded.event_id.hex()))
        post.start()
        return post

    def send(self, report: "DrainReport") -> bool:
        """Post a drain's report and tell whether it arrived; what went wrong is logged."""
        body = {"event": "drain_stopped", "text": _sentence(report), "report": report}
        return self._sent(body, str(report.drain_id))

    def _sent(self, body: dict[str, Any], key: str) -> bool:
        request = self._request(body, key)
        fault, tries = _Fault("not tried"), 0
        for tries in range(1, self.retries + 2):
            if tries > 1:
                time.sleep(self.pause_s * 2 ** (tries - 2))
            outcome = self._tried(request)
            if outcome is None:
                return True
            fault = outcome
            if not fault.may_pass:
                break
        logger.warning(
            "the webhook was not told", url=masked(self.url), tries=tries, fault=fault.what
        )
        return False

    def _request(self, body: dict[str, Any], key: str) -> Request:
        url, headers = _without_credentials(urlsplit(self.url))
        if self.header is not None:
            name, _, value = self.header.partition(":")
            headers[name] = value.strip()
        return Request(
            url,
            data=json_text(body).encode(),
            headers={
                "Content-Type": "application/json",
                "User-Agent": "autopack-notify",
                "Idempotency-Key": key,
                **headers,
            },
            method="POST",
        )

    def _tried(self, request: Request) -> _Fault | None:
        """Post once; a thread bounds the whole try, since a server may answer byte by byte."""
        outcomes: list[_Fault | None] = []
        post = threading.Thread(target=lambda: outcomes.append(self._posted(request)), daemon=True)
        post.start()
        post.join(self.timeout_s)
        return outcomes[0] if outcomes else self._no_answer()

    def _no_answer(self) -> _Fault:
        return _Fault(f"no answer within {self.timeout_s:g} s")

    def _posted(self, request: Request) -> _Fault | None:
        try:
            with _OPENER.open(request, timeout=self.timeout_s):
                return None
        except HTTPError as fault:
            fault.close()
            return _Fault(f"HTTP {fault.code}", fault.code in _MAY_PASS or fault.code >= 500)
        except URLError as fault:
            if isinstance(fault.reason, TimeoutError):
                return self._no_answer()
            return _Fault(f"{type(fault.reason).__name__}: {fault.reason}")
        except TimeoutError:
            return self._no_answer()
        except (OSError, HTTPException, ValueError) as fault:  # their texts may quote the request
            return _Fault(type(fault).__name__)


def _without_credentials(parts: SplitResult) -> tuple[str, dict[str, str]]:
    """Return the URL without user and password, and the header that says them."""
    host = parts.netloc.rpartition("@")[2]
    url = urlunsplit(parts._replace(netloc=host, fragment=""))
    if parts.username is None:
        return url, {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return url, {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def is_news(recorded: Any, now: float) -> bool:
    """Tell whether an event has just happened; what an import brings in is history."""
    age_s: float = now - recorded.occurred_at.timestamp()
    return age_s < _NEWS_S


def _gate_sentence(run_id: str, phase_id: str, question: str) -> str:
    return (
        f"Phase {run_id}/{phase_id} waits for a decision: {question} "
        f"(autopack phase approve|reject|requeue {run_id}/{phase_id} --why ...)"
    )


def _sentence(report: Any) -> str:
    detail = f" ({report.detail})" if report.detail else ""
    counts: Mapping[str, int] = {
        "completed": report.completed,
        "failed": report.failed,
        "timed out": report.timed_out,
        "waiting for a decision": report.gated,
    }
    told = ", ".join(f"{n} {what}" for what, n in counts.items() if n) or "nothing done"
    return f"Drain {report.drain_id} stopped: {report.reason}{detail}; {told}; " + (
        f"{report.total_tokens:,} tokens in {report.duration_s:.0f} s"
    )
