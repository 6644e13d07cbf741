"""Importers that break one promise each; all of them read a list of runs in JSON."""

import itertools
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from autopack.errors import ImportRefusedError
from autopack.events import RunCreated
from autopack.ports.importing import ImportSource
from autopack.ports.log import NewEvent
from autopack.values.ids import derived_id, run_stream

_DAY = datetime(2025, 12, 1, tzinfo=UTC)


def write_runs(folder: Path) -> Path:
    """Write a source of three runs, and return its path."""
    path = folder / "runs.json"
    path.write_text('{"runs": ["one", "two", "three"]}', encoding="utf-8")
    return path


class Runs:
    """The runs of a JSON file: an importer that breaks no promise."""

    name = "runs"

    def recognises(self, path: str) -> bool:
        """Tell whether the file holds runs."""
        try:
            return bool(self._names(path))
        except ImportRefusedError:
            return False

    def read(self, path: str) -> ImportSource:
        """Return one event for each run, a day apart."""
        return ImportSource(events=[self._event(*one) for one in enumerate(self._names(path))])

    def _names(self, path: str) -> list[str]:
        try:
            found: list[str] = json.loads(Path(path).read_text(encoding="utf-8"))["runs"]
        except (OSError, ValueError, KeyError, TypeError) as fault:
            raise ImportRefusedError(path, f"it holds no runs: {fault}") from fault
        return found

    def _event(self, number: int, name: str) -> tuple[str, NewEvent]:
        moment = _DAY + timedelta(days=number)
        event_id = derived_id("runs", name, "run.created", int(moment.timestamp() * 1000))
        new = NewEvent(event=RunCreated(run_id=name), event_id=event_id, occurred_at=moment)
        return run_stream(name), new


class Doubles(Runs):
    """Its ids are drawn, so each import adds everything again."""

    def _event(self, number: int, name: str) -> tuple[str, NewEvent]:
        stream, new = super()._event(number, name)
        return stream, NewEvent(
            event=new.event, event_id=derived_id("runs", os.urandom(8).hex(), "run.created"),
            occurred_at=new.occurred_at,
        )  # fmt: skip


class KnowsItByItsPath(Runs):
    """The path is part of each id, so a moved source is another one."""

    def read(self, path: str) -> ImportSource:
        """Return events whose ids name the file."""
        events = [
            (stream, _with_id(new, derived_id("runs", f"{path}{stream}", "run.created")))
            for stream, new in super().read(path).events
        ]
        return ImportSource(events=events)


class Unordered(Runs):
    """Events come in the source's order, whatever their time."""

    def read(self, path: str) -> ImportSource:
        """Return the events backwards."""
        return ImportSource(events=list(super().read(path).events)[::-1])


class SharesIds(Runs):
    """Two events of one hour get one id."""

    def read(self, path: str) -> ImportSource:
        """Return events of which every two share an id."""
        events = [
            (stream, _with_id(new, derived_id("runs", str(number // 2), "run.created")))
            for number, (stream, new) in enumerate(super().read(path).events)
        ]
        return ImportSource(events=events)


class CountsAnew(Runs):
    """An id is a number that goes on from read to read, so no repeat is ever known."""

    numbers = itertools.count()

    def _event(self, number: int, name: str) -> tuple[str, NewEvent]:
        stream, new = super()._event(number, name)
        return stream, _with_id(new, derived_id("runs", str(next(self.numbers)), "run.created"))


class LeavesAMark(Runs):
    """It writes beside its source that it was here."""

    def read(self, path: str) -> ImportSource:
        """Return the events, and leave a file."""
        Path(f"{path}.imported").write_text("yes", encoding="utf-8")
        return super().read(path)


class TakesAnything(Runs):
    """It recognises every file."""

    def recognises(self, path: str) -> bool:
        """Say yes."""
        return True


class ReadsAnything(Runs):
    """What it cannot read is an empty source to it."""

    def _names(self, path: str) -> list[str]:
        try:
            return super()._names(path)
        except ImportRefusedError:
            return []


def _with_id(new: NewEvent, event_id: Any) -> NewEvent:
    return NewEvent(event=new.event, event_id=event_id, occurred_at=new.occurred_at)
