"""What to look at for each reason why a phase recorded no usage."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

ZERO_YIELD: Final[Mapping[str, str]] = MappingProxyType(
    {
        "success_no_llm_calls": "completed, so either nothing had to be done, or the executor "
        "does not record its calls (attempt.record_usage)",
        "timeout": "raise --timeout-s, or look at what the phase waits for before its first call",
        "gated_before_llm": "a person was asked before any call; answer the gate",
        "llm_boundary_hit": "the prompt does not fit the model; split the phase or its inputs",
        "provider_refused": "rate limits or overload; set --rpm or --tpm, or come back later",
        "failed_before_llm": "the request was refused before it was made; look at key and settings",
        "execution_error": "the executor failed before its first call; see its traceback with "
        "autopack phase text RUN/PHASE traceback",
    }
)
