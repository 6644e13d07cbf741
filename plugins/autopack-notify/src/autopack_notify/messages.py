"""What is told: a sentence for people, a page where there is one, and values for programs."""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from autopack import DrainReport, Recorded


@attrs.frozen(kw_only=True)
class Message:
    """
    What is to be told.

    Args:
        subject: A line that says what it is about.
        text: All of it, for people.
        body: What a webhook is sent.
        key: The same for each repetition, by which a receiver can tell.
        page: The text as HTML, where there is that.
    """

    subject: str
    text: str
    body: Mapping[str, Any]
    key: str
    page: str | None = None


def drain_message(report: "DrainReport") -> Message:
    """Return what is told of a drain that has stopped."""
    text = _sentence(report)
    body = {"event": "drain_stopped", "text": text, "report": report}
    subject = f"Autopack: a drain stopped: {report.reason}"
    return Message(subject=subject, text=text, body=body, key=str(report.drain_id))


def gate_message(recorded: "Recorded[Any]") -> Message:
    """Return what is told of a phase that waits for a decision."""
    gate = {name: getattr(recorded.event, name) for name in ("run_id", "phase_id", "question")}
    text = _gate_sentence(**gate)
    body = {"event": "phase_gated", "text": text, "gate": gate}
    subject = f"Autopack: {gate['run_id']}/{gate['phase_id']} asks you"
    return Message(subject=subject, text=text, body=body, key=recorded.event_id.hex())


def report_message(title: str, text: str, page: str) -> Message:
    """Return what is told by ``autopack report --notify``."""
    body = {"event": "report", "title": title, "text": text, "html": page}
    key = hashlib.sha256(f"{title}\n{text}".encode("utf-8", "replace")).hexdigest()[:32]
    return Message(subject=f"Autopack: {title}", text=text, body=body, key=key, page=page)


def is_news(recorded: Any, now: float) -> bool:
    """Tell whether an event has just happened; what an import brings in is history."""
    age_s: float = now - recorded.occurred_at.timestamp()
    return age_s < _NEWS_S


_NEWS_S = 300.0


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
