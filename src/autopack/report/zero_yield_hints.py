"""What to look at for each reason why a phase recorded no usage."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

ZERO_YIELD: Final[Mapping[str, str]] = MappingProxyType(
    {
        "success_no_llm_calls": "completed, so either nothing had to be done, or the executor "
        "does not record its calls (attempt.record_usage)",
        "timeout": "raise --timeout-s, or look at what the phase waits for before its first call",
        "gated_before_llm": "a person was asked before any call: approve, reject or requeue it",
        "llm_boundary_hit": "the prompt does not fit the model; split the phase or its inputs",
        "provider_refused": "rate limits or overload; set --rpm or --tpm, or come back later",
        "failed_before_llm": "it was refused before any call; look at its message: the key, a "
        "setting or the input",
        "bad_outcome": "what the executor gave back is no outcome; let it return Completed, "
        "Failed, NeedsPerson, a text or None, and look at the failure's message",
        "usage_unreadable": "what it said of its calls could not be read: autopack phase text "
        "RUN/PHASE usage-problems",
        "execution_error": "the executor failed before its first call; look at its message, and "
        "with autopack phase text RUN/PHASE NAME at its traceback, or a program's stderr",
    }
)
