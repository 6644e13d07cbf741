"""The importer `ndjson` keeps the promises of every importer, whoever wrote its source."""

import json

from autopack import create_log, export_history
from autopack.exchange.importers.ndjson import CloudEventImporter
from autopack.log.log import journal_of
from autopack.testing.clock import VirtualClock
from autopack.testing.facts import append_all, created, queued, usage
from autopack.testing.importers import ImporterContract


class TestExport(ImporterContract):
    """A log that was exported, with its chain."""

    name = "log.ndjson"

    def make(self):
        return CloudEventImporter()

    def write_source(self, folder):
        with create_log("memory:") as log:
            journal_of(log).clock = clock = VirtualClock()
            for fact in (created(), queued(), usage(output_tokens=5)):
                append_all(log, [fact])
                clock.advance(60)
            export_history(log, "ndjson", folder / self.name)
        return folder / self.name


class TestPackedExport(TestExport):
    """The same, packed."""

    name = "log.ndjson.gz"


class TestForeignEvents(ImporterContract):
    """CloudEvents of another producer, some of a type that nobody registered."""

    def make(self):
        return CloudEventImporter()

    def write_source(self, folder):
        lines = [
            {
                "specversion": "1.0",
                "id": f"build-{hour}",
                "source": "https://example.org/builds",
                "type": "org.example.build",
                "time": f"2026-01-01T{hour:02}:00:00Z",
                "data": {"took_s": hour},
            }
            for hour in range(3)
        ]
        path = folder / "builds.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        return path
