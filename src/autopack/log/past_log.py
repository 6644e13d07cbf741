"""A log as it stood at a position, which moves on."""

from autopack.log.journal import Journal
from autopack.log.log import Log, journal_of, registry_of
from autopack.log.past_backend import PastBackend


class PastLog:
    """
    A log as it stood at a position, which may be moved on: for whoever follows it once more.

    Attributes:
        journal: What it is read through.
    """

    def __init__(self, log: Log, position: int) -> None:
        whole = journal_of(log)
        self._backend = PastBackend(whole.backend, position)
        past = Log(
            self._backend,
            registry=registry_of(log),
            codec=whole.codec,
            redact=whole.redact if whole.redacts else None,
        )
        self.journal = journal_of(past)

    def move_to(self, position: int) -> Journal:
        """Let it stand at a later position; return its journal, which is the same one."""
        self._backend.position = position
        return self.journal
