"""Exporter ``jsonl``: one JSON object an event, envelope and fields, in order of position."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from autopack.ports.log import Recorded


class JsonLines:
    """One line an event; types that nobody registered are written as they are."""

    name = "jsonl"

    def lines(self, events: Iterable[Recorded[Any]]) -> Iterator[str]:
        """Return the text of each event, without line ends."""
        for recorded in events:
            yield json.dumps(
                {
                    "position": recorded.position,
                    "event_id": recorded.event_id.hex(),
                    "stream": recorded.stream,
                    "version": recorded.version,
                    "type": recorded.type,
                    "schema": recorded.schema,
                    "occurred_at": recorded.occurred_at.isoformat(),
                    "recorded_at": recorded.recorded_at.isoformat(),
                    "meta": dict(recorded.meta),
                    "data": json.loads(recorded.row[9]),
                    "hash": recorded.hash.hex(),
                },
                ensure_ascii=False,
            )
