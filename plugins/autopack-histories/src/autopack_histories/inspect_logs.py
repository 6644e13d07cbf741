"""Importer ``inspect-ai``: evaluation logs of inspect_ai, as JSON or as ``.eval`` archives."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from autopack.draining.attempts.read_figures import added, number
from autopack_histories.calls import Call, counts, inner, listed, word
from autopack_histories.documents import DOCUMENT_MOST, document
from autopack_histories.importer import FileImporter
from autopack_histories.moments import moment
from autopack_histories.notes import Notes
from autopack_histories.sessions import About, Entry, Sessions

_NAMES: Final = {
    "input_tokens": "input_tokens",
    "input_tokens_cache_read": "cache_read_tokens",
    "input_tokens_cache_write": "cache_write_tokens",
    "output_tokens": "output_tokens",
    "reasoning_tokens": "reasoning_tokens",
    "total_tokens": "total_tokens",
}
_SAID_CHARS: Final = 300
_UNREADABLE: Final = (OSError, ValueError, NotImplementedError, RuntimeError, zipfile.BadZipFile,
                      RecursionError)  # fmt: skip


class InspectLogs(FileImporter):
    """
    Reads the model calls of each sample. Its input leaves the cache out, its total holds it.

    An evaluation is a run, a sample of an epoch a phase. Answers from inspect's own cache, and
    calls that failed, used nothing.
    """

    name: ClassVar[str] = "inspect-ai"

    def places(self, home: Path, environ: Mapping[str, str]) -> list[Path]:
        """Return where the tool keeps its own."""
        del home
        folder = environ.get("INSPECT_LOG_DIR")
        return [Path(folder)] if folder else []

    def is_named(self, name: str) -> bool:
        """Tell whether a file may be a log."""
        return name.endswith((".json", ".eval"))

    def is_mine(self, path: Path) -> bool:
        """Tell whether a file is a log: an evaluation with its task."""
        head = _head(path) if path.name.endswith(".eval") else document(path, Notes())
        return (
            isinstance(inner(head, "eval"), dict) and word(inner(head, "eval", "task")) is not None
        )

    def entries(self, path: Path, notes: Notes) -> Iterator[Entry]:
        """Yield the events of one log."""
        is_archive = path.name.endswith(".eval")
        head = _head(path) if is_archive else document(path, notes)
        found = inner(head, "eval")
        if not isinstance(found, dict):
            return
        samples = _archived(path, notes) if is_archive else _samples(head, notes)
        log = _Log(found, notes)
        for sample in samples:
            notes.record()
            log.sample(sample)
            yield from log.sessions.take()
        log.sessions.end()
        yield from log.sessions.take()


class _Log:
    def __init__(self, found: Mapping[str, Any], notes: Notes) -> None:
        self._notes, self.sessions = notes, Sessions(InspectLogs.name, notes)
        self._key = word(found.get("eval_id")) or "/".join(
            str(found.get(name)) for name in ("run_id", "task_id", "created")
        )
        self._about = About(
            at=moment(found.get("created")),
            version=word(inner(found, "packages", "inspect_ai")),
            title=word(found.get("task")),
            labels={"project": found["task"]} if word(found.get("task")) else {},
        )
        self.sessions.session(self._key, self._about)

    def sample(self, sample: Mapping[str, Any]) -> None:
        own = word(sample.get("uuid")) or f"{self._key}/{sample.get('id')}/{sample.get('epoch')}"
        told = sample.get("events") or inner(sample, "transcript", "events")  # of earlier versions
        events = [one for one in listed(told) if isinstance(one, dict)]
        began = moment(sample.get("started_at")) or next(
            (at for one in events if (at := moment(one.get("timestamp")))), None
        )
        asked = sample.get("input")
        self.sessions.turn(own, began, asked if isinstance(asked, str) else None)
        calls = [one for one in events if one.get("event") == "model"]
        if any(isinstance(inner(one, "output", "usage"), dict) for one in calls):
            for place, event in enumerate(calls):
                self._model(event, f"{own}/{place}")
        else:
            self._sums(sample, own, began)
        error = sample.get("error")
        if isinstance(error, dict):
            said = word(error.get("message")) or "the sample failed"
            self.sessions.fail("sample_error", said[:_SAID_CHARS])
        seconds = number(sample, "total_time")
        self.sessions.over(moment(sample.get("completed_at")), seconds)

    def _model(self, event: Mapping[str, Any], place: str) -> None:
        output = event.get("output")
        usage = inner(output, "usage")
        if event.get("cache") == "read":
            self._notes.saw("answers from a cache")
        elif event.get("error") or inner(output, "error") or event.get("pending"):
            self._notes.saw("requests that failed")
        elif not isinstance(usage, dict):
            self._notes.saw("answers without figures")
        else:
            ended = moment(event.get("completed")) or moment(event.get("timestamp"))
            choices = inner(output, "choices")
            first = choices[0] if isinstance(choices, list) and choices else None
            most = inner(event, "config", "max_tokens")
            self._call(
                word(event.get("uuid")) or place,
                word(event.get("model")),
                usage,
                at=ended,
                answered=word(inner(output, "model")),
                stop_reason=word(inner(first, "stop_reason")),
                max_tokens=most if type(most) is int and most > 0 else None,
                duration_s=number(output, "time") if isinstance(output, dict) else None,
            )

    def _sums(self, sample: Mapping[str, Any], own: str, at: Any) -> None:
        """Take what a log without events tells: each model's sums."""
        models = sample.get("model_usage")
        for model, usage in models.items() if isinstance(models, dict) else ():
            if isinstance(usage, dict):
                self._call(f"{own}/{model}", word(model), usage, at=at)

    def _call(
        self,
        key: str,
        model: str | None,
        usage: Mapping[str, Any],
        *,
        at: Any,
        answered: str | None = None,
        **more: Any,
    ) -> None:
        figures = _figures(usage)
        if figures is None:
            self._notes.set_aside("calls with counts that are none")
            return
        provider, slash, name = (model or "").partition("/")
        self.sessions.call(
            Call(
                key=key,
                provider=provider if slash else "inspect-ai",
                figures=figures,
                at=at,
                model=answered or (name if slash else model),
                **more,
            )
        )


def _figures(usage: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return figures whose input holds the cache, as the total says; None if one is none."""
    found: dict[str, Any] | None = counts(usage, _NAMES)
    if found is None:
        return None
    written, total = found.get("output_tokens"), found.get("total_tokens")
    given, read = found.get("input_tokens"), found.get("cache_read_tokens")
    whole = added(given, read, found.get("cache_write_tokens"))
    if given is not None and total == given + (written or 0):
        whole = max(given, read or 0)  # told with the cache in it
    return {**found, "input_tokens": whole, "total_tokens": added(whole, written)}


def _samples(log: Any, notes: Notes) -> Iterator[Mapping[str, Any]]:
    found = log.get("samples") if isinstance(log, dict) else None
    for sample in found if isinstance(found, list) else ():
        if isinstance(sample, dict):
            yield sample
        else:
            notes.set_aside("samples that are no tables")


def _head(path: Path) -> Any:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            name = "header.json" if "header.json" in names else "_journal/start.json"
            return _member(archive, name)
    except (*_UNREADABLE, KeyError):
        return None


def _archived(path: Path, notes: Notes) -> Iterator[Mapping[str, Any]]:
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.startswith("samples/") and name.endswith(".json"):
                    try:
                        sample = _member(archive, name)
                    except _UNREADABLE:
                        sample = None
                    if isinstance(sample, dict):
                        yield sample
                    else:
                        notes.set_aside("samples that could not be read")
    except _UNREADABLE as fault:
        notes.set_aside(f"archives that could not be read ({type(fault).__name__})")


def _member(archive: zipfile.ZipFile, name: str) -> Any:
    with archive.open(name) as file:
        content = file.read(DOCUMENT_MOST + 1)
    return json.loads(content) if len(content) <= DOCUMENT_MOST else None
