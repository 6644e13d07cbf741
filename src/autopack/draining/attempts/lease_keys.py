"""The keys of lease rows: phases, workers and preparations, each in a space of its own."""

from typing import Final

from autopack.values.ids import PhaseRef

TEXT_KEY: Final = "text "
"""How the keys of texts begin that attempts in work have stored."""
_PHASE_KEY: Final = "phase "


def phase_key(ref: PhaseRef | str) -> str:
    """Return the key of a phase's lease."""
    return f"{_PHASE_KEY}{ref}"


def phase_of(key: str) -> PhaseRef | None:
    """Return whose lease a key is of; None if it is not a phase's."""
    return PhaseRef.parse(key.removeprefix(_PHASE_KEY)) if key.startswith(_PHASE_KEY) else None


def text_key(token: str, digest: str) -> str:
    """Return the key under which a text is kept for an attempt that has not ended."""
    return f"{TEXT_KEY}{token} {digest}"


def worker_key(worker: str) -> str:
    """Return the key of the row by which a worker's leases are judged."""
    return f"worker {worker}"


def preparation_key(run_id: str) -> str:
    """Return the key of the lease under which a run is prepared."""
    return f"prepare {run_id}"


def scaling_key(launcher: str) -> str:
    """Return the key of the lease under which workers of a launcher are started and stopped."""
    return f"scale {launcher}"
