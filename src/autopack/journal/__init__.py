"""The event log over any backend: ids, expected versions, positions and the hash chain."""

from autopack.journal.appending import PAGE, JournalTransaction
from autopack.journal.reading import END, Journal, Observer

__all__ = ["END", "PAGE", "Journal", "JournalTransaction", "Observer"]
