"""A log in memory: the same promises within one process, for tests and simulations."""

from autopack.log.backends.memory.store import MemoryBackend
from autopack.log.backends.memory.transaction import MemoryTransaction

__all__ = ["MemoryBackend", "MemoryTransaction"]
