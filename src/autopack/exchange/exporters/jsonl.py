"""Exporter ``jsonl``: one JSON object an event, envelope and fields, in order of position."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from autopack.ports.log import Recorded
from autopack.report.history import event_json


class JsonLines:
    """One line an event; types that nobody registered are written as they are."""

    name = "jsonl"

    def lines(self, events: Iterable[Recorded[Any]]) -> Iterator[str]:
        """Return the text of each event, without line ends."""
        for recorded in events:
            yield json.dumps(event_json(recorded), ensure_ascii=False)
