"""Exporter ``ndjson``: CloudEvents 1.0, one line an event; a log can be made of it again."""

from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from autopack.format.cloudevents import to_line
from autopack.ports.backend import LogIdentity
from autopack.ports.log import Recorded


@attrs.frozen
class CloudEventLines:
    """
    One line an event, as it is stored, with its place in the chain.

    It is handed events that nobody has decoded, so that no plugin's types are in its way: neither
    of a version that does not know a schema, nor with an upcaster that fails.
    """

    identity: LogIdentity | None = None
    name, takes_stored = "ndjson", True

    def of_log(self, identity: LogIdentity) -> "CloudEventLines":
        """Return the exporter of one log, whose id and origin each line names."""
        return CloudEventLines(identity)

    def lines(self, events: Iterable[Recorded[Any]]) -> Iterator[str]:
        """Return the text of each event, without line ends."""
        assert self.identity is not None, "of_log() was not called"
        for recorded in events:
            yield to_line(recorded.row, self.identity)
